package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/strict"
)

// Bus is a port, a network or a server that sensors and outputs are reached by. Exactly one
// of the first group is given.
type Bus struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`

	// Modbus is RTU on a port, /dev/…, or over a serial server, tcp+rtu://host:port; or Modbus
	// TCP, tcp://host:port.
	Modbus  string `yaml:"modbus"`
	Serial  string `yaml:"serial"`  // /dev/… or tcp://host:port
	E22     string `yaml:"e22"`     // where an Ebyte module is, as for Serial
	E32     string `yaml:"e32"`     // the same
	RAK3172 string `yaml:"rak3172"` // where a RAK module is, as for Serial
	LoRaWAN string `yaml:"lorawan"` // host:port (UDP) where packet forwarders send to
	// ChirpStack is the broker that a ChirpStack v4 publishes at, and MQTT one that sensors do,
	// besides the gateway's own: mqtt:// or mqtts://.
	ChirpStack URL    `yaml:"chirpstack"`
	MQTT       URL    `yaml:"mqtt"`
	GPIO       string `yaml:"gpio"` // the board's pins: /dev/gpiochip0, or the chip's label

	// Of the line, where they differ from what the profiles say.
	Baud     int    `yaml:"baud"`
	Parity   string `yaml:"parity"` // none, even or odd
	StopBits int    `yaml:"stop_bits"`
	DataBits int    `yaml:"data_bits"`
	RS485    RS485  `yaml:"rs485"` // of a board whose kernel switches the direction

	// Of the radio, where it differs from what the profiles say.
	Channel   int `yaml:"channel"`   // E22 and E32
	NetID     int `yaml:"net_id"`    // E22
	AirRate   int `yaml:"air_rate"`  // E22 and E32, bits a second
	Frequency int `yaml:"frequency"` // RAK3172, Hz
	// Configure sets and verifies the registers of an E22 or E32 whose M0 and M1 have been set
	// by hand; ModeCommand does that to an E22 on USB, by the number that its manual gives
	// the configuration mode.
	Configure   bool `yaml:"configure"`
	ModeCommand int  `yaml:"mode_command"`
	// ModePins does it to one whose M0 and M1 are at pins of the board.
	ModePins *ModePins `yaml:"mode_pins"`

	// Of a broker.
	Username     string   `yaml:"username"`
	Password     Secret   `yaml:"password"`
	PasswordFile string   `yaml:"password_file"`
	CA           string   `yaml:"ca"`
	Applications []string `yaml:"applications"` // of ChirpStack, by their ids; all when empty

	Gateways []string `yaml:"gateways"` // LoRaWAN: EUIs of the forwarders that may send; all when empty
	// Answer confirms LoRaWAN uplinks that ask for it: same (on their channel: EU868, AS923 and
	// others) or cn470.
	Answer string `yaml:"answer"`
}

// ModePins are the lines of a chip, by name or number, that set the mode of an Ebyte module.
type ModePins struct {
	Chip string `yaml:"chip"` // as for GPIO
	M0   string `yaml:"m0"`
	M1   string `yaml:"m1"`
}

// RS485 says how the kernel switches the direction of a line.
type RS485 struct {
	Kernel bool     `yaml:"kernel"`  // it does
	RTSLow bool     `yaml:"rts_low"` // while it sends
	Before Duration `yaml:"before"`  // what is sent
	After  Duration `yaml:"after"`
}

// Kind returns the key that says what the bus is: modbus, serial, e22, e32, rak3172,
// lorawan, chirpstack, mqtt or gpio.
func (b *Bus) Kind() string {
	for _, k := range b.kinds() {
		if k.value != "" {
			return k.name
		}
	}
	return ""
}

type busKind struct{ name, value string }

func (b *Bus) kinds() []busKind {
	return []busKind{
		{"modbus", b.Modbus}, {"serial", b.Serial}, {"e22", b.E22}, {"e32", b.E32}, {"rak3172", b.RAK3172}, {"lorawan", b.LoRaWAN},
		{"chirpstack", b.ChirpStack.Reveal()}, {"mqtt", b.MQTT.Reveal()}, {"gpio", b.GPIO},
	}
}

// Where returns what stands behind the key that Kind returns.
func (b *Bus) Where() string {
	for _, k := range b.kinds() {
		if k.value != "" {
			return k.value
		}
	}
	return ""
}

// carries says whether a device of the profile can be reached by the bus.
func (b *Bus) carries(p *profile.Profile) bool {
	switch kind := b.Kind(); p.Transport() {
	case "lora":
		return kind == p.LoRa.Module || p.LoRa.Module == "" && slices.Contains([]string{"e22", "e32", "rak3172"}, kind)
	case "lorawan":
		return kind == "lorawan" || kind == "chirpstack"
	default:
		return kind == p.Transport()
	}
}

const maxBuses = 64

var (
	devicePath    = regexp.MustCompile(`^/[^\x00]{1,200}$`)
	chipName      = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9._/-]{0,63}$`)
	applicationID = regexp.MustCompile(`^[0-9a-f-]{36}$`)
)

func (c *Config) bus(id string) *Bus {
	for i := range c.Buses {
		if c.Buses[i].ID == id && id != "" {
			return &c.Buses[i]
		}
	}
	return nil
}

func (d *document) finishBuses(c *Config, first map[string]string) {
	if len(c.Buses) > maxBuses {
		d.Fault("buses", "config.many", len(c.Buses), maxBuses)
		return
	}
	ports := map[string]string{}
	for i := range c.Buses {
		b, path := &c.Buses[i], strict.Element("buses", i)
		if !d.Sound(path) {
			continue
		}
		d.name(path+".id", b.ID, true)
		d.unique(first, path+".id", b.ID, path)
		if b.Name != "" {
			d.name(path+".name", b.Name, false)
		}
		d.finishBus(b, path)
		if where := b.Where(); where != "" && b.Kind() != "mqtt" && b.Kind() != "chirpstack" {
			if other, twice := ports[where]; twice && d.Sound(path+"."+b.Kind()) {
				d.Fault(path+"."+b.Kind(), "config.bus.port", other)
			}
			ports[where] = path
		}
	}
}

func (d *document) finishBus(b *Bus, path string) {
	var given []string
	all := make([]string, 0, 8)
	for _, k := range b.kinds() {
		all = append(all, k.name)
		if k.value != "" || d.Faulty(path+"."+k.name) {
			given = append(given, k.name)
		}
	}
	if len(given) != 1 {
		d.Fault(path, "config.bus.one", strings.Join(all, ", "))
		return
	}
	kind, at := given[0], path+"."+given[0]
	switch where := b.Where(); {
	case !d.Sound(at):
	case kind == "lorawan":
		if !validListen(where) {
			d.Fault(at, "config.listen")
		}
	case kind == "chirpstack":
		d.finishBusBroker(b, b.ChirpStack, path, kind)
	case kind == "mqtt":
		d.finishBusBroker(b, b.MQTT, path, kind)
	case kind == "gpio":
		if !chipName.MatchString(where) {
			d.Fault(at, "config.bus.chip")
		}
	case !validLine(kind, where):
		d.Fault(at, "config.bus.where")
	}
	d.finishLine(b, path)
	d.finishModule(b, path)
	for i, g := range b.Gateways {
		if !hexEUI.MatchString(g) {
			d.Fault(strict.Element(path+".gateways", i), "config.hex", 16)
		}
	}
}

// finishModule checks how a radio is set up and answers.
func (d *document) finishModule(b *Bus, path string) {
	if b.Answer != "" {
		d.OneOf(path+".answer", b.Answer, "same", "cn470")
	}
	p, at := b.ModePins, path+".mode_pins"
	if p == nil || !d.Sound(at) {
		return
	}
	if b.ModeCommand != 0 {
		d.Fault(at, "config.bus.modes")
	}
	if d.Required(at+".chip", p.Chip == "") && !chipName.MatchString(p.Chip) {
		d.Fault(at+".chip", "config.bus.chip")
	}
	d.Required(at+".m0", p.M0 == "")
	if d.Required(at+".m1", p.M1 == "") && p.M0 == p.M1 {
		d.Fault(at+".m1", "config.bus.modes")
	}
}

func (d *document) finishBusBroker(b *Bus, u URL, path, kind string) {
	got := d.address(path+"."+kind, u, "mqtts", "mqtt")
	d.secretFile(path, "password", &b.Password, "password_file", &b.PasswordFile)
	if got != nil && got.User != nil && b.Username != "" {
		d.Fault(path+".username", "config.mqtt.credentials")
	}
	if b.CA != "" {
		if got != nil && got.Scheme == "mqtt" {
			d.Fault(path+".ca", "config.mqtt.plain")
		} else {
			b.CA = d.authority(path+".ca", b.CA)
		}
	}
	for i, a := range b.Applications {
		if !applicationID.MatchString(a) {
			d.Fault(strict.Element(path+".applications", i), "config.bus.application")
		}
	}
}

// validLine says whether a serial device, or a server of one, can be called s.
func validLine(kind, s string) bool {
	scheme, host, remote := strings.Cut(s, "://")
	switch {
	case !remote:
		return devicePath.MatchString(s)
	case kind == "gpio":
		return false
	case scheme == "serial":
		return devicePath.MatchString(host)
	case scheme == "tcp", scheme == "tcp+rtu" && kind == "modbus":
		return validListen(host) && !strings.HasPrefix(host, ":")
	}
	return false
}

func (d *document) finishLine(b *Bus, path string) {
	if b.Baud != 0 {
		d.Between(path+".baud", b.Baud, 50, 4_000_000)
	}
	if b.Parity != "" {
		d.OneOf(path+".parity", b.Parity, "none", "even", "odd")
	}
	if b.StopBits != 0 {
		d.Between(path+".stop_bits", b.StopBits, 1, 2)
	}
	if b.DataBits != 0 {
		d.Between(path+".data_bits", b.DataBits, 5, 8)
	}
	const most = Duration(100 * time.Millisecond)
	d.Span(path+".rs485.before", b.RS485.Before, 0, most)
	d.Span(path+".rs485.after", b.RS485.After, 0, most)
	d.Between(path+".channel", b.Channel, 0, 83)
	d.Between(path+".net_id", b.NetID, 0, 255)
	d.Between(path+".mode_command", b.ModeCommand, 0, 3)
	if b.AirRate != 0 {
		d.Between(path+".air_rate", b.AirRate, 300, 62500)
	}
	if b.Frequency != 0 {
		d.Between(path+".frequency", b.Frequency, 150_000_000, 960_000_000)
	}
}

// busOf checks which bus reaches a device of the profile, or finds the only one that does.
func (d *document) busOf(c *Config, path, id string, p *profile.Profile) string {
	if p == nil || id == "" && p.Transport() == "mqtt" {
		if id != "" && d.Sound(path) {
			d.Fault(path, "config.bus.mqtt")
		}
		return ""
	}
	var fit []string
	for i := range c.Buses {
		if c.Buses[i].carries(p) {
			fit = append(fit, c.Buses[i].ID)
		}
	}
	switch {
	case !d.Sound("buses") || !d.Sound(path) || slices.Contains(fit, id):
	case id != "" && c.bus(id) == nil:
		d.Fault(path, "config.bus.none", d.Shown(path, id))
	case id != "":
		d.Fault(path, "config.bus.kind", d.Shown(path, id), p.Transport())
	case len(fit) == 1:
		return fit[0]
	default:
		d.Fault(path, "config.bus.which", p.Transport(), len(fit))
	}
	return id
}
