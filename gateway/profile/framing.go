package profile

import (
	"strconv"
	"strings"
	"time"

	"sentrybox/drivers/uart"
	"sentrybox/gateway/strict"
)

func (d *document) serial(s *Serial) {
	d.line(&s.Line, "serial.line")
	for i := range s.Polls {
		p, path := &s.Polls[i], strict.Element("serial.polls", i)
		d.Required(path+".send", len(p.Send) == 0)
		d.usual(&p.Every, path+".every", 10*time.Second)
		d.usual(&p.Timeout, path+".timeout", time.Second)
		d.Span(path+".every", p.Every, Duration(100*time.Millisecond), Duration(24*time.Hour))
		d.Span(path+".timeout", p.Timeout, Duration(10*time.Millisecond), Duration(time.Minute))
	}
	d.frame(&s.Frame, "serial.frame")
	if d.Sound("serial") {
		s.framing = s.Frame.framing()
		if err := s.framing.Check(); err != nil {
			d.Fault("serial.frame", "profile.frame.wrong", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}

func (d *document) frame(f *Frame, path string) {
	d.Between(path+".max", f.Max, 0, uart.MaxFrame)
	d.Between(path+".size", f.Size, 0, uart.MaxFrame)
	d.Span(path+".gap", f.Gap, 0, Duration(time.Minute))
	if len(f.End) == 0 && f.Size == 0 && f.Length == nil && f.Gap == 0 && d.Sound(path) {
		d.Fault(path, "profile.frame.end")
	}
	if l := f.Length; l != nil {
		choose(&l.Size, 1)
		d.Between(path+".length.size", l.Size, 1, 2)
		d.plainOrder(path+".length.order", l.Order)
	}
	if a := f.Address; a != nil {
		choose(&a.Size, 1)
		d.Between(path+".address.size", a.Size, 1, 8)
	}
	if f.Escape != nil {
		d.escape(f.Escape, path+".escape")
	}
	if f.Checksum != nil {
		d.checksum(f.Checksum, path+".checksum")
	}
}

func (d *document) escape(e *Escape, path string) {
	if !d.Sound(path) {
		return
	}
	if (e.Xor == 0) == (len(e.Map) == 0) {
		d.Fault(path, "profile.frame.escape")
	}
	wrong := e.Byte < 0 || e.Byte > 255 || e.Xor < 0 || e.Xor > 255
	for key, v := range e.Map {
		n, ok := parseInt(key)
		wrong = wrong || !ok || n < 0 || n > 255 || v < 0 || v > 255
	}
	if wrong {
		d.Fault(path, "config.range", 0, 255)
	}
}

func (d *document) plainOrder(path string, o Order) {
	if o != "" && d.Sound(path) {
		d.OneOf(path, string(o), string(Big), string(Little))
	}
}

func (d *document) checksum(c *Checksum, path string) {
	if !d.Required(path+".type", c.Type == "") {
		return
	}
	kinds := make([]string, 0, 12)
	for _, k := range uart.Kinds() {
		kinds = append(kinds, string(k))
	}
	d.OneOf(path+".type", c.Type, kinds...)
	d.plainOrder(path+".order", c.Order)
	if c.Order == "" && c.Type == string(uart.Modbus) {
		c.Order = Little
	}
	d.Between(path+".from", c.From, 0, uart.MaxFrame)
	d.Between(path+".skip", c.Skip, 0, uart.MaxFrame)
	if c.Negate != "" {
		d.OneOf(path+".negate", c.Negate, "ones", "twos")
	}
	if (c.Type == string(uart.Custom)) != (c.CRC != nil) && d.Sound(path) {
		d.Fault(path+".crc", "profile.frame.crc")
	}
	if r := c.CRC; r != nil && d.Sound(path+".crc") {
		d.OneOf(path+".crc.width", strconv.Itoa(r.Width), "8", "16", "32")
	}
}

// Framing returns how a driver tells frames from each other. It delivers them whole.
func (s *Serial) Framing() uart.Framing { return s.framing }

func (f *Frame) framing() uart.Framing {
	out := uart.Framing{
		Start: f.Start, End: f.End, Fixed: f.Size, Gap: time.Duration(f.Gap), Max: f.Max, Text: f.Text, Whole: true,
	}
	if l := f.Length; l != nil {
		out.Length = &uart.Length{Offset: l.At, Size: l.Size, Little: l.Order == Little, Add: l.Add}
	}
	if a := f.Address; a != nil {
		out.Address = &uart.Address{Offset: a.At, Size: a.Size}
	}
	if e := f.Escape; e != nil {
		out.Escape = &uart.Escape{Byte: byte(e.Byte), XOR: byte(e.Xor)}
		if len(e.Map) > 0 {
			out.Escape.Pairs = map[byte]byte{}
		}
		for key, v := range e.Map {
			n, _ := parseInt(key)
			out.Escape.Pairs[byte(n)] = byte(v)
		}
	}
	if f.Checksum != nil {
		out.Checksum = f.Checksum.checksum()
	}
	return out
}

func (c *Checksum) checksum() uart.Checksum {
	out := uart.Checksum{
		Kind: uart.Kind(c.Type), From: c.From, Before: c.Skip, Little: c.Order == Little, Negate: uart.Negation(c.Negate), Hex: c.Text, OverHex: c.OverText,
	}
	if r := c.CRC; r != nil {
		out.CRC = &uart.CRC{
			Width: r.Width, Poly: uint32(r.Poly), Init: uint32(r.Init), RefIn: r.RefIn, RefOut: r.RefOut, XorOut: uint32(r.XorOut),
		}
	}
	return out
}
