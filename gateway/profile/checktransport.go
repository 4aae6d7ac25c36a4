package profile

import (
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/strict"
)

func (d *document) transports() {
	var given []string
	for _, t := range d.p.transports() {
		if t.given || d.Faulty(t.name) {
			given = append(given, t.name)
		}
	}
	switch {
	case len(given) == 0:
		d.Fault("", "profile.transport.none")
	case len(given) > 1:
		d.Fault(given[1], "profile.transport.two", given[0])
	}
	if m := d.p.Modbus; m != nil {
		d.modbus(m)
	}
	if s := d.p.Serial; s != nil {
		d.serial(s)
	}
	if l := d.p.LoRa; l != nil {
		d.lora(l)
	}
	if l := d.p.LoRaWAN; l != nil {
		choose(&l.Class, "A")
		d.OneOf("lorawan.class", l.Class, "A", "B", "C")
	}
	if m := d.p.MQTT; m != nil && d.Required("mqtt.topics", len(m.Topics) == 0) {
		for i, t := range m.Topics {
			if path := strict.Element("mqtt.topics", i); !validFilter(t) && d.Sound(path) {
				d.Fault(path, "config.broker.filter")
			}
		}
	}
	if g := d.p.GPIO; g != nil {
		choose(&g.Pull, "none")
		d.OneOf("gpio.pull", g.Pull, "up", "down", "none")
		d.usual(&g.Debounce, "gpio.debounce", 20*time.Millisecond)
		d.Span("gpio.debounce", g.Debounce, 0, Duration(10*time.Second))
	}
}

// choose gives *v the usual value where the file has none.
func choose[T comparable](v *T, usual T) {
	var none T
	if *v == none {
		*v = usual
	}
}

// validFilter is MQTT 3.1.1, 4.7.1, with {id} for a level.
func validFilter(f string) bool {
	levels := strings.Split(f, "/")
	for i, l := range levels {
		if l == "" && i > 0 || l == "#" && i < len(levels)-1 || len(l) > 1 && l != "{id}" && strings.ContainsAny(l, "+#\x00") {
			return false
		}
	}
	return len(f) <= 1024
}

func (d *document) line(l *Line, path string) {
	choose(&l.Baud, 9600)
	choose(&l.DataBits, 8)
	choose(&l.Parity, "none")
	choose(&l.StopBits, 1)
	d.Between(path+".baud", l.Baud, 50, 4_000_000)
	d.Between(path+".data_bits", l.DataBits, 7, 8)
	d.Between(path+".stop_bits", l.StopBits, 1, 2)
	d.OneOf(path+".parity", l.Parity, "none", "even", "odd")
}

func (d *document) modbus(m *Modbus) {
	d.line(&m.Line, "modbus.line")
	choose(&m.Address, 1)
	d.Between("modbus.address", m.Address, 1, 247)
	if m.Timeout != 0 || d.Given("modbus.timeout") { // else the driver finds out
		d.Span("modbus.timeout", m.Timeout, Duration(10*time.Millisecond), Duration(time.Minute))
	}
	d.Span("modbus.pause", m.Pause, 0, Duration(10*time.Second))
	names := map[string]bool{}
	for i := range m.Reads {
		r, path := &m.Reads[i], strict.Element("modbus.reads", i)
		if len(m.Reads) > 1 {
			d.match(path+".name", r.Name, identifier, "profile.name")
		}
		if d.Sound(path+".name") && names[r.Name] {
			d.Fault(path+".name", "profile.name.taken", r.Name)
		}
		names[r.Name] = true
		choose(&r.Function, 3)
		choose(&r.Count, 1)
		d.usual(&r.Every, path+".every", 10*time.Second)
		d.Between(path+".function", r.Function, 1, 4)
		if d.Sound(path + ".register") {
			d.Between(path+".register", int(r.Register), 0, 65535)
		}
		d.Between(path+".count", r.Count, 1, map[bool]int{true: 2000, false: 125}[r.Function < 3])
		d.Span(path+".every", r.Every, Duration(100*time.Millisecond), Duration(24*time.Hour))
	}
}

func (d *document) lora(l *LoRa) {
	if !d.Required("lora.module", l.Module == "") || !d.OneOf("lora.module", l.Module, "e22", "e32", "rak3172") {
		return
	}
	choose(&l.Frame, "sentrybox")
	d.OneOf("lora.frame", l.Frame, "sentrybox", "raw")
	choose(&l.AirRate, 2400)
	choose(&l.Coding, 5)
	choose(&l.Preamble, 8)
	d.Between("lora.channel", l.Channel, 0, 83)
	d.Between("lora.net_id", l.NetID, 0, 255)
	d.Between("lora.address", int(l.Address), 0, 65535)
	d.Between("lora.coding", l.Coding, 5, 8)
	d.Between("lora.preamble", l.Preamble, 2, 65535)
	if l.Module == "rak3172" {
		if d.Required("lora.frequency", l.Frequency == 0) {
			d.Between("lora.frequency", l.Frequency, 150_000_000, 960_000_000)
		}
		if d.Required("lora.spreading", l.Spreading == 0) {
			d.Between("lora.spreading", l.Spreading, 5, 12)
		}
		if d.Required("lora.bandwidth", l.Bandwidth == 0) {
			d.OneOf("lora.bandwidth", strconv.Itoa(l.Bandwidth), "125", "250", "500")
		}
	}
	if l.RSSI != "" && d.Sound("lora.rssi") {
		var err error
		if l.rssi, err = rssiTable(l.RSSI); err != nil {
			d.Fault("lora.rssi", "profile.expr", err.Error())
		}
	}
}

// rssiTable takes an expression at each value of a byte.
func rssiTable(source string) (*[256]float64, error) {
	p, err := compile(source, scope{"x": 0.0})
	if err != nil {
		return nil, err
	}
	var table [256]float64
	d := Decoder{env: scope{}}
	for i := range table {
		d.env["x"] = float64(i)
		v, err := d.eval(p)
		if err != nil {
			return nil, err
		}
		table[i], _ = v.(float64)
	}
	return &table, nil
}

// Strength returns the strength of a signal in dBm that the byte x at the end of
// a packet stands for. Without an expression of its own it is -(256 - x).
func (l *LoRa) Strength(x byte) float64 {
	if l.rssi == nil {
		return float64(x) - 256
	}
	return l.rssi[x]
}
