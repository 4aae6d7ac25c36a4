package config

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// Confirm says what gives a second opinion on the people that rules find.
type Confirm string

// What can give one. ConfirmAuto is the detector that the configuration names,
// and OpenCV's own where it names none.
const (
	ConfirmAuto Confirm = "auto"
	ConfirmOff  Confirm = "off"
	ConfirmHOG  Confirm = "hog"
)

// Detector is a network that knows what people look like.
type Detector struct {
	Model  string `yaml:"model"`  // ONNX, or Darknet's .weights
	Config string `yaml:"config"` // Darknet's .cfg; that of the same name as the model when empty
	Size   int    `yaml:"size"`   // side in pixels of the square that it takes
	// Pixels says as what it takes them: unit (0 to 1), signed (-1 to 1) or bytes (0 to 255).
	Pixels wire.Pixels `yaml:"pixels"`
	// Score is from when on a person is believed.
	Score Fraction `yaml:"score"`
	// PerMinute bounds how often it runs for one camera.
	PerMinute int `yaml:"per_minute"`
	// Person and Vehicle are the numbers of its classes; guessed from how many it has
	// when both are empty.
	Person  []int `yaml:"person"`
	Vehicle []int `yaml:"vehicle"`
	// Veto holds back who several tries have not confirmed. Without it they only
	// lose confidence.
	Veto bool `yaml:"veto"`
}

// defaultDetector is what is used where a detector leaves something out.
func defaultDetector() Detector {
	return Detector{Size: 320, Pixels: wire.Unit, Score: 0.3, PerMinute: 60}
}

// What a camera's process may ask of OpenCV's own detector. It is cheap.
const (
	hogScore     = 0.5
	hogPerMinute = 240
)

const weightsSuffix, onnxSuffix = ".weights", ".onnx"

func (m *Detector) darknet() bool { return strings.EqualFold(filepath.Ext(m.Model), weightsSuffix) }

// SecondOpinion returns what the camera's vision process is to ask, nil for nothing, and the
// files that it needs for that.
func (c *Camera) SecondOpinion() (*wire.Detector, []string) {
	m := &c.Detector
	switch {
	case c.Confirm == ConfirmOff:
		return nil, nil
	case c.Confirm == ConfirmHOG || m.Model == "":
		return &wire.Detector{Format: wire.HOG, Score: hogScore, PerMinute: hogPerMinute}, nil
	}
	d := &wire.Detector{Format: wire.ONNX, Size: m.Size, Pixels: m.Pixels, Score: float64(m.Score), PerMinute: m.PerMinute,
		Person: m.Person, Vehicle: m.Vehicle, Veto: m.Veto}
	if m.darknet() {
		d.Format = wire.Darknet
		return d, []string{m.Model, m.Config}
	}
	return d, []string{m.Model}
}

// finishVision checks what all cameras share.
func (d *document) finishVision(v *Vision) {
	if s := v.AddressSpace; d.Sound("vision.address_space") && (s < 256 || s > 1<<20) {
		d.Fault("vision.address_space", "config.range", 256, 1<<20)
	}
	if p := v.Path; p != "" {
		v.Path = d.clean(p)
		if info, err := os.Stat(v.Path); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			d.Fault("vision.path", "config.program")
		}
	}
	if v.Hardware == "" {
		v.Hardware = HardwareOff
	}
	d.OneOf("vision.hardware", v.Hardware, HardwareOff, HardwareAuto)
	d.finishConfirm(&v.Confirm, "vision.confirm")
	d.finishDetector(&v.Detector, "vision.detector")
}

func (d *document) finishConfirm(c *Confirm, path string) {
	if *c == "" {
		*c = ConfirmAuto
	}
	d.OneOf(path, string(*c), string(ConfirmAuto), string(ConfirmOff), string(ConfirmHOG))
}

// inherit gives a camera what the configuration says for all of them.
func (d *document) inherit(c *Camera, v *Vision, prefix string) {
	if !d.Given(prefix + "confirm") {
		c.Confirm = v.Confirm
	}
	if reflect.ValueOf(c.Detector).IsZero() {
		c.Detector = v.Detector
	}
}

// finishDetector checks a detector and fills in what was left out.
func (d *document) finishDetector(m *Detector, path string) {
	if len(m.Person) == 0 {
		m.Person = nil // as if it were not there
	}
	if len(m.Vehicle) == 0 {
		m.Vehicle = nil
	}
	if !d.Sound(path) || reflect.ValueOf(*m).IsZero() {
		return
	}
	def := defaultDetector()
	if !d.Given(path + ".size") {
		m.Size = def.Size
	}
	if !d.Given(path + ".pixels") {
		m.Pixels = def.Pixels
	}
	if !d.Given(path + ".score") {
		m.Score = def.Score
	}
	if !d.Given(path + ".per_minute") {
		m.PerMinute = def.PerMinute
	}
	between := func(key string, v, least, most int) {
		if at := path + key; d.Sound(at) && (v < least || v > most) {
			d.Fault(at, "config.range", least, most)
		}
	}
	between(".size", m.Size, wire.MinNetSize, wire.MaxNetSize)
	between(".per_minute", m.PerMinute, 1, wire.MaxPerMinute)
	d.OneOf(path+".pixels", string(m.Pixels), string(wire.Unit), string(wire.Signed), string(wire.Bytes))
	if at := path + ".score"; d.Sound(at) && m.Score == 0 {
		d.Fault(at, "config.detector.score")
	}
	d.finishClasses(m.Person, path+".person")
	d.finishClasses(m.Vehicle, path+".vehicle")
	if at := path + ".vehicle"; len(m.Vehicle) > 0 && len(m.Person) == 0 && d.Sound(path+".person") {
		d.Fault(at, "config.detector.person")
	}
	if d.Required(path+".model", m.Model == "") {
		d.model(m, path)
	}
}

func (d *document) finishClasses(list []int, path string) {
	const most = 64
	if len(list) > most {
		d.Fault(path, "config.many", len(list), most)
		return
	}
	for i, c := range list {
		if at := strict.Element(path, i); d.Sound(at) && (c < 0 || c > wire.MaxClass) {
			d.Fault(at, "config.range", 0, wire.MaxClass)
		}
	}
}

// model looks at a network's files, as far as can be told without reading all of them.
func (d *document) model(m *Detector, path string) {
	if !d.Sound(path+".model") || !d.Sound(path+".config") {
		return
	}
	m.Model = d.absolute(m.Model)
	switch {
	case m.darknet():
		at := path + ".config"
		if m.Config == "" {
			m.Config = strings.TrimSuffix(m.Model, filepath.Ext(m.Model)) + ".cfg"
			at = path + ".model"
		}
		m.Config = d.absolute(m.Config)
		head := d.head(path+".model", m.Model)
		if head != nil && len(head) < 20 { // its own header
			d.Fault(path+".model", "config.detector.damaged")
		}
		if cfg := d.head(at, m.Config); cfg != nil && !bytes.Contains(cfg, []byte("[net]")) && !bytes.Contains(cfg, []byte("[network]")) {
			d.Fault(at, "config.detector.cfg", d.Shown(at, filepath.Base(m.Config)))
		}
	case strings.EqualFold(filepath.Ext(m.Model), onnxSuffix):
		if m.Config != "" {
			d.Fault(path+".config", "config.detector.alone")
		}
		// An ONNX file is a protocol buffer that begins with the field ir_version.
		if head := d.head(path+".model", m.Model); head != nil && (len(head) == 0 || head[0] != 8) {
			d.Fault(path+".model", "config.detector.damaged")
		}
	default:
		d.Fault(path+".model", "config.detector.form")
	}
}

// head returns the beginning of a file that the configuration names at path, nil after
// reporting why it cannot be read.
func (d *document) head(path, name string) []byte {
	info, err := os.Stat(name)
	key := text.Key("")
	var head []byte
	switch {
	case err != nil:
		key = strict.ReadKey(err)
	case !info.Mode().IsRegular():
		key = "config.file.irregular"
	case info.Size() > wire.MaxModel:
		d.Fault(path, "config.detector.large", wire.MaxModel>>20)
		return nil
	default:
		if head, err = readHead(name); err != nil {
			key = strict.ReadKey(err)
		}
	}
	if key != "" {
		d.Fault(path, key)
		return nil
	}
	return head
}

func readHead(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if head == nil {
		head = []byte{}
	}
	return head, err
}
