package config

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/strict"
)

// Analogue is a base radio whose audio is listened to. Exactly one of the first four is given.
type Analogue struct {
	ALSA    string    `yaml:"alsa"`    // a sound card, as arecord -L names it
	Command []string  `yaml:"command"` // a program that writes samples of 16 bits
	Pipe    string    `yaml:"pipe"`    // a named pipe with such samples
	RTP     *AudioRTP `yaml:"rtp"`
	Rate    int       `yaml:"rate"` // of the program's, the pipe's or RTP's samples; 8000 when 0

	// Tones are what is listened for: dtmf, mdc1200, zvei1, zvei2, ccir, eea.
	Tones   []string `yaml:"tones"`
	Lengths []int    `yaml:"lengths"` // digits of a five-tone call
	// Codes are digits that are told at once; x stands for a digit of who sends them.
	Codes     []string `yaml:"codes"`
	Threshold int      `yaml:"threshold"` // dB of full scale above which the channel is in use
	Hang      Duration `yaml:"hang"`      // of quiet that ends a transmission
	// Before and After are how much sound is kept around an alert.
	Before Duration `yaml:"before"`
	After  Duration `yaml:"after"`

	Transmit *Transmit `yaml:"transmit"`
}

// AudioRTP is a stream from the network.
type AudioRTP struct {
	Listen string `yaml:"listen"` // address:port
	From   string `yaml:"from"`   // who may send; may be left out on a loopback address
}

// Transmit says how alerts are told on the channel. Exactly one of the first four is given.
type Transmit struct {
	RTS   string `yaml:"rts"`   // a serial port whose RTS keys
	DTR   string `yaml:"dtr"`   // or its DTR
	CM108 string `yaml:"cm108"` // a raw HID device of which a pin keys
	VOX   bool   `yaml:"vox"`   // the radio keys itself
	Pin   int    `yaml:"pin"`   // of the CM108

	ALSA    string   `yaml:"alsa"`    // a sound card, as aplay -L names it; that of the radio when empty
	Command []string `yaml:"command"` // a program that reads samples of 16 bits at 8000 Hz

	Limit    Duration `yaml:"limit"`     // the key is held no longer
	Lead     Duration `yaml:"lead"`      // of silence before the sound, for the radios to open
	BusyWait Duration `yaml:"busy_wait"` // how long a free channel is waited for
	Pause    Duration `yaml:"pause"`     // between two transmissions
	Severity int      `yaml:"severity"`  // alerts of it and graver are told

	DTMF     string            `yaml:"dtmf"`      // digits sent first
	FiveTone *FiveTone         `yaml:"five_tone"` // or a call
	Phrases  map[string]string `yaml:"phrases"`   // WAV files by kind of alert, and default
}

// FiveTone is a call that is sent.
type FiveTone struct {
	System string `yaml:"system"`
	Number string `yaml:"number"`
}

// DefaultPhrase is the phrase of alerts that have none of their own.
const DefaultPhrase = "default"

const (
	maxCodes    = 64
	maxPhrases  = 64
	codePlace   = "x"
	defaultDB   = -40
	defaultHang = Duration(800 * time.Millisecond)
)

var (
	digitCode  = regexp.MustCompile(`^[0-9A-Fx*#]{1,32}$`)
	dtmfDigits = regexp.MustCompile(`^[0-9A-D*#]{1,32}$`)
	callNumber = regexp.MustCompile(`^[0-9ABCDF]{3,8}$`)
)

func fiveToneSystems() []string { return []string{"zvei1", "zvei2", "ccir", "eea"} }

// Reported returns the codes that are told at once: those given, and the digits of the rules that
// are no part of them.
func (r *Radio) Reported() []string {
	codes := slices.Clone(r.Analogue.Codes)
	for _, rule := range r.Emergency {
		own := func(code string) bool { return strings.ReplaceAll(code, codePlace, "") == rule.Code }
		if rule.On == "digits" && rule.Code != "" && !slices.ContainsFunc(codes, own) {
			codes = append(codes, rule.Code)
		}
	}
	return codes
}

func (d *document) finishAnalogue(_ *Config, r *Radio, path string) {
	a := r.Analogue
	d.finishSound(a, path)
	if len(a.Tones) == 0 && d.Sound(path+".tones") {
		a.Tones = []string{"dtmf", "mdc1200"}
	}
	for i, tone := range a.Tones {
		d.OneOf(strict.Element(path+".tones", i), tone, append([]string{"dtmf", "mdc1200"}, fiveToneSystems()...)...)
	}
	for i, n := range a.Lengths {
		d.Between(strict.Element(path+".lengths", i), n, 3, 8)
	}
	if len(a.Codes) > maxCodes {
		d.Fault(path+".codes", "config.many", len(a.Codes), maxCodes)
	}
	for i, code := range a.Codes {
		if at := strict.Element(path+".codes", i); d.Sound(at) && (!digitCode.MatchString(code) || strings.Trim(code, codePlace) == "") {
			d.Fault(at, "config.analogue.code")
		}
	}
	if a.Threshold == 0 {
		a.Threshold = defaultDB
	}
	d.Between(path+".threshold", a.Threshold, -80, -1)
	d.span(path+".hang", &a.Hang, defaultHang, Duration(100*time.Millisecond), Duration(10*time.Second))
	d.span(path+".before", &a.Before, Duration(10*time.Second), Duration(time.Second), Duration(time.Minute))
	d.span(path+".after", &a.After, Duration(20*time.Second), Duration(time.Second), Duration(time.Minute))
	if a.Transmit != nil && d.Sound(path+".transmit") {
		d.finishTransmit(a, a.Transmit, path+".transmit")
	}
	// Last, for what is below a faulty key is not looked at.
	d.one(path, []string{"alsa", "command", "pipe", "rtp"}, a.ALSA != "", len(a.Command) > 0, a.Pipe != "", a.RTP != nil)
}

// span puts a default in the place of 0, and checks the range.
func (d *document) span(path string, v *Duration, usual, least, most Duration) {
	if *v == 0 && !d.Given(path) {
		*v = usual
	}
	d.Span(path, *v, least, most)
}

// one checks that exactly one of some keys is given.
func (d *document) one(path string, keys []string, given ...bool) {
	n := 0
	for i, is := range given {
		if is || d.Faulty(path+"."+keys[i]) {
			n++
		}
	}
	if n != 1 {
		d.Fault(path, "config.bus.one", strings.Join(keys, ", "))
	}
}

func (d *document) finishSound(a *Analogue, path string) {
	d.device(path+".alsa", a.ALSA)
	d.program(path+".command", a.Command)
	d.whole(path+".pipe", a.Pipe)
	if a.Rate == 0 && d.Sound(path+".rate") {
		a.Rate = 8000
	}
	if d.Sound(path+".rate") && (a.Rate < 8000 || a.Rate > 48000 || a.Rate%8000 != 0 || a.ALSA != "" && a.Rate != 8000) {
		d.Fault(path+".rate", "config.analogue.rate")
	}
	if a.RTP == nil || !d.Sound(path+".rtp") || !d.Required(path+".rtp.listen", a.RTP.Listen == "") {
		return
	}
	at, err := netip.ParseAddrPort(a.RTP.Listen)
	if err != nil && d.Sound(path+".rtp.listen") {
		d.Fault(path+".rtp.listen", "config.analogue.address")
		return
	}
	switch _, err := netip.ParseAddr(a.RTP.From); {
	case a.RTP.From == "" && !at.Addr().IsLoopback():
		d.Required(path+".rtp.from", true)
	case a.RTP.From != "" && err != nil && d.Sound(path+".rtp.from"):
		d.Fault(path+".rtp.from", "config.analogue.from")
	}
}

// device checks the name of a sound card, which is an argument of a program.
func (d *document) device(path, name string) {
	if name != "" && d.Sound(path) && (strings.HasPrefix(name, "-") || strings.ContainsAny(name, " \t\n")) {
		d.Fault(path, "config.analogue.card")
	}
}

func (d *document) program(path string, line []string) {
	if len(line) > 0 && line[0] == "" {
		d.Required(strict.Element(path, 0), true)
	}
}

// whole checks that a path is one from the root: it names a device of this machine.
func (d *document) whole(path, name string) {
	if name != "" && d.Sound(path) && !filepath.IsAbs(name) {
		d.Fault(path, "config.analogue.path")
	}
}

func (d *document) finishTransmit(a *Analogue, t *Transmit, path string) {
	d.whole(path+".rts", t.RTS)
	d.whole(path+".dtr", t.DTR)
	d.whole(path+".cm108", t.CM108)
	if t.Pin == 0 && t.CM108 != "" {
		t.Pin = 3
	}
	if t.CM108 != "" || t.Pin != 0 {
		d.Between(path+".pin", t.Pin, 1, 8)
	}
	if t.ALSA == "" && len(t.Command) == 0 {
		t.ALSA = a.ALSA
	}
	d.device(path+".alsa", t.ALSA)
	d.program(path+".command", t.Command)
	d.span(path+".limit", &t.Limit, Duration(30*time.Second), Duration(time.Second), Duration(3*time.Minute))
	d.span(path+".lead", &t.Lead, Duration(500*time.Millisecond), 0, Duration(5*time.Second))
	d.span(path+".busy_wait", &t.BusyWait, Duration(time.Minute), 0, Duration(10*time.Minute))
	d.span(path+".pause", &t.Pause, Duration(10*time.Second), Duration(time.Second), Duration(10*time.Minute))
	if t.Severity == 0 && !d.Given(path+".severity") {
		t.Severity = 2
	}
	d.Between(path+".severity", t.Severity, 1, 2)
	d.finishSaid(t, path)
	d.one(path, []string{"rts", "dtr", "cm108", "vox"}, t.RTS != "", t.DTR != "", t.CM108 != "", t.VOX)
	d.one(path, []string{"alsa", "command"}, t.ALSA != "", len(t.Command) > 0)
}

// finishSaid checks what is sent.
func (d *document) finishSaid(t *Transmit, path string) {
	if t.DTMF != "" && d.Sound(path+".dtmf") && !dtmfDigits.MatchString(t.DTMF) {
		d.Fault(path+".dtmf", "config.radio.digits")
	}
	if f := t.FiveTone; f != nil && d.Sound(path+".five_tone") {
		d.OneOf(path+".five_tone.system", f.System, fiveToneSystems()...)
		if d.Sound(path+".five_tone.number") && !callNumber.MatchString(f.Number) {
			d.Fault(path+".five_tone.number", "config.analogue.number")
		}
	}
	if len(t.Phrases) > maxPhrases {
		d.Fault(path+".phrases", "config.many", len(t.Phrases), maxPhrases)
		return
	}
	for _, kind := range names(t.Phrases) {
		at := strict.Member(path+".phrases", kind)
		if kind != DefaultPhrase {
			d.kind(at, kind)
		}
		if d.Sound(at) {
			t.Phrases[kind] = d.absolute(t.Phrases[kind])
			d.readable(at, t.Phrases[kind])
		}
	}
	if t.DTMF == "" && t.FiveTone == nil && len(t.Phrases) == 0 {
		d.Fault(path, "config.analogue.nothing")
	}
}
