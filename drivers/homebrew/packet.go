package homebrew

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"sentrybox/drivers/dmr"
)

const (
	maxPacket  = 512 // longer ones are noise
	configSize = 302
	voiceBits  = 0x10 // of the flags: speech with a sync
	dataBits   = 0x20
	privateBit = 0x40
	slotBit    = 0x80
)

var errPacket = errors.New("not a packet of the protocol")

// Frame is a DMRD packet: a burst with what the repeater says of it.
type Frame struct {
	Seq      byte
	Src, Dst uint32
	Repeater uint32
	Slot     int // 1 or 2
	Private  bool
	Stream   uint32 // of one transmission
	Burst    dmr.Burst
	RSSI     int // dBm; 0 if it is not said
}

// ParseFrame reads a DMRD packet of 53 to 55 bytes.
func ParseFrame(p []byte) (Frame, error) {
	if len(p) < 53 || len(p) > 55 || string(p[:4]) != "DMRD" {
		return Frame{}, errPacket
	}
	flags := p[15]
	f := Frame{
		Seq: p[4], Src: id24(p[5:]), Dst: id24(p[8:]), Repeater: binary.BigEndian.Uint32(p[11:]), Slot: 1 + int(flags>>7),
		Private: flags&privateBit != 0, Stream: binary.BigEndian.Uint32(p[16:]),
	}
	switch low := int(flags & 0x0F); {
	case flags&dataBits != 0:
		f.Burst.Data, f.Burst.Type = true, dmr.DataType(low) // four bits
	case flags&voiceBits != 0:
	case low > 5:
		return Frame{}, errPacket
	default:
		f.Burst.Voice = low
	}
	copy(f.Burst.Payload[:], p[20:53])
	if len(p) == 55 {
		f.RSSI = -int(p[54])
	}
	return f, nil
}

// Append appends the packet.
func (f *Frame) Append(b []byte) []byte {
	flags := byte(f.Slot-1) << 7 // 1 or 2
	if f.Private {
		flags |= privateBit
	}
	switch {
	case f.Burst.Data:
		flags |= dataBits | byte(f.Burst.Type)
	case f.Burst.Voice == 0:
		flags |= voiceBits
	default:
		flags |= byte(f.Burst.Voice) // at most 5
	}
	b = append(b, "DMRD"...)
	b = append(b, f.Seq, byte(f.Src>>16), byte(f.Src>>8), byte(f.Src), byte(f.Dst>>16), byte(f.Dst>>8), byte(f.Dst))
	b = binary.BigEndian.AppendUint32(b, f.Repeater)
	b = append(b, flags)
	b = binary.BigEndian.AppendUint32(b, f.Stream)
	b = append(b, f.Burst.Payload[:]...)
	return append(b, 0, byte(-f.RSSI)) // at most 255
}

func id24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

// Info is what a repeater says of itself (RPTC).
type Info struct {
	Callsign           string
	RX, TX             int // Hz
	Color              int
	Location, Software string
}

// parseInfo reads a configuration of 302 bytes. Texts are cut to what is printable.
func parseInfo(p []byte) (Info, error) {
	if len(p) < configSize || string(p[:4]) != "RPTC" {
		return Info{}, errPacket
	}
	number := func(s string) int {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil {
			return 0
		}
		return n
	}
	return Info{
		Callsign: printable(p[8:16]), RX: number(string(p[16:25])), TX: number(string(p[25:34])), Color: number(string(p[36:38])),
		Location: printable(p[58:78]), Software: printable(p[222:262]),
	}, nil
}

func printable(b []byte) string {
	b = bytes.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, b)
	return string(bytes.TrimSpace(b))
}

// request splits a packet of the login into its word and the id.
func request(p []byte) (word string, id uint32, err error) {
	for _, w := range []struct {
		word        string
		least, most int
	}{{"RPTPING", 11, 11}, {"RPTCL", 9, 9}, {"RPTL", 8, 8}, {"RPTK", 40, 40}, {"RPTO", 8, 308}, {"RPTC", configSize, configSize}, {"DMRD", 53, 55}, {"DMRA", 15, 15}, {"DMRG", 14, 14}} {
		if len(p) < w.least || len(p) > w.most || string(p[:len(w.word)]) != w.word {
			continue
		}
		at := len(w.word)
		switch w.word {
		case "DMRD":
			at = 11
		case "DMRA", "DMRG":
			return w.word, 0, nil
		}
		return w.word, binary.BigEndian.Uint32(p[at:]), nil
	}
	return "", 0, errPacket
}
