package app

import (
	"fmt"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/uart"
	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
)

// serial makes the driver of a line with a protocol of its own: one profile's.
func (r *reach) serial() (driver.Driver, error) {
	open, err := r.line()
	if err != nil {
		return nil, err
	}
	p := r.models()[0]
	framing, err := framing(&p.Serial.Frame)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", p.ID, err)
	}
	c := uart.Config{Open: open, Framing: framing, Listen: true}
	for _, q := range p.Serial.Polls {
		c.Polls = append(c.Polls, uart.Poll{Request: q.Send, Every: r.every(q.Every), Timeout: time.Duration(q.Timeout)})
	}
	for _, o := range r.outputs {
		on, off := o.Switched().Sent()
		c.Outputs = append(c.Outputs, uart.Output{Name: o.ID, On: on, Off: off})
	}
	return uart.New(c)
}

// every returns how often something is asked: as a sensor says, or as its profile does.
func (r *reach) every(d config.Duration) time.Duration {
	for _, s := range r.sensors {
		if s.Every != 0 {
			return time.Duration(s.Every)
		}
	}
	return time.Duration(d)
}

// framing is a profile's framing in the terms of the driver, which hands whole frames on.
func framing(f *profile.Frame) (uart.Framing, error) {
	out := uart.Framing{
		Start: f.Start, End: f.End, Fixed: f.Size, Gap: time.Duration(f.Gap), Max: f.Max, Whole: true,
	}
	if f.Escape != nil {
		return out, fmt.Errorf("%w: escaped frames are not read on a line", driver.ErrSkipped)
	}
	if l := f.Length; l != nil {
		out.Length = &uart.Length{Offset: int(l.At), Size: max(l.Size, 1), Little: l.Order == profile.Little, Add: l.Add}
	}
	if c := f.Checksum; c != nil {
		var err error
		if out.Checksum, err = checksum(c, len(f.End)); err != nil {
			return out, err
		}
	}
	return out, nil
}

func checksum(c *profile.Checksum, end int) (uart.Checksum, error) {
	out := uart.Checksum{From: int(c.From), Little: c.Order == profile.Little, Hex: c.Text}
	switch c.Type {
	case "sum8", "sum16", "xor8", "crc8":
		out.Kind = uart.Kind(c.Type)
	case "neg8":
		out.Kind, out.Negate = uart.Sum8, uart.TwosComplement
	case "not8":
		out.Kind, out.Negate = uart.Sum8, uart.OnesComplement
	case "lrc":
		out.Kind, out.Negate, out.OverHex = uart.Sum8, uart.TwosComplement, c.Text
	case "crc16_modbus":
		out.Kind = uart.Modbus
	case "crc16_ccitt":
		out.Kind = uart.CCITTFalse
	case "crc16_xmodem":
		out.Kind = uart.XMODEM
	case "crc16_kermit":
		out.Kind = uart.Kermit
	default:
		return out, fmt.Errorf("%w: no checksum %s on a line", driver.ErrSkipped, c.Type)
	}
	if c.To < 0 {
		out.Before = max(-int(c.To)-end-checksumBytes(c.Type), 0)
	}
	if at := int(c.At); at != 0 && at != -end-checksumBytes(c.Type) {
		return out, fmt.Errorf("%w: a checksum that is not at the end of its frame", driver.ErrSkipped)
	}
	return out, nil
}

func checksumBytes(kind string) int {
	switch kind {
	case "sum8", "neg8", "not8", "xor8", "lrc", "crc8":
		return 1
	}
	return 2
}
