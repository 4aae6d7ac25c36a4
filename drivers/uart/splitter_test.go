package uart

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// idle in a feed is where the line is silent.
const idle = "|"

// framings are of real devices, by their manuals.
var framings = map[string]Framing{
	// DYP-A02YYUW: FF, distance in mm, sum.
	"ultrasonic": {Start: []byte{0xff}, Fixed: 4, Checksum: Checksum{Kind: Sum8}},
	// Plantower PMS5003: 42 4D, length of what follows, 13 words, sum of all.
	"dust": {Start: []byte("BM"), Length: &Length{Offset: 2, Size: 2, Add: 4}, Checksum: Checksum{Kind: Sum16}},
	// RDM6300, 125 kHz cards: STX, 10 digits, XOR in 2 digits, ETX.
	"card": {Start: []byte{2}, Fixed: 14, End: []byte{3}, Checksum: Checksum{Kind: XOR8, From: 1, Hex: true, OverHex: true}, Hex: true},
	// EHUHF readers: length, address, command, …, CRC (low byte first).
	"uhf":     {Length: &Length{Size: 1, Add: 1}, Checksum: Checksum{Kind: Modbus, Little: true}, Address: &Address{Offset: 1, Size: 1}},
	"line":    {End: []byte("\r\n"), Text: true, Max: 40},
	"nmea":    {Start: []byte("$"), End: []byte("\r\n"), Max: 82, Whole: true},
	"silence": {Gap: 1, Checksum: Checksum{Kind: CCITTFalse}},
	"burst":   {Gap: 1, Fixed: 3},
	// JT/T 808: 7E around, 7D 02 for 7E and 7D 01 for 7D, XOR.
	"pairs": {Start: []byte{0x7e}, End: []byte{0x7e}, Escape: &Escape{Byte: 0x7d, Pairs: map[byte]byte{2: 0x7e, 1: 0x7d}}, Checksum: Checksum{Kind: XOR8, From: 1}},
	// PPP in HDLC framing (RFC 1662), with a length of its own.
	"hdlc": {Start: []byte{0x7e}, Length: &Length{Offset: 1, Size: 1, Add: 4}, Escape: &Escape{Byte: 0x7d, XOR: 0x20}, Checksum: Checksum{Kind: X25, From: 1, Little: true}},
}

// feed gives a splitter what is between the idles, and returns what it finds.
func feed(s *Splitter, text string) []string {
	var all []string
	for i, part := range strings.Split(text, idle) {
		if i > 0 {
			all = append(all, found(s.Idle())...)
		}
		all = append(all, found(s.Push([]byte(part)))...)
	}
	return all
}

func found(frames []Frame) (all []string) {
	for _, f := range frames {
		all = append(all, f.Device+":"+string(f.Data))
	}
	return all
}

var splits = []struct {
	name, framing, feed string
	want                []string
}{
	{"one", "ultrasonic", "\xff\x07\xa1\xa7", []string{":\x07\xa1"}},
	{"two at once", "ultrasonic", "\xff\x07\xa1\xa7\xff\x07\xa1\xa7", []string{":\x07\xa1", ":\x07\xa1"}},
	{"noise before", "ultrasonic", "\x00\x13\xff\x07\xa1\xa7", []string{":\x07\xa1"}},
	{"a start in the noise", "ultrasonic", "\xff\xff\x07\xa1\xa7", []string{":\x07\xa1"}},
	{"wrong sum", "ultrasonic", "\xff\x07\xa1\xa8\xff\x07\xa1\xa7", []string{":\x07\xa1"}},
	{"cut short", "ultrasonic", "\xff\x07\xff\x07\xa1\xa7", []string{":\x07\xa1"}},
	{"cut short by silence", "ultrasonic", "\xff\x07|\xa1\xa7", nil},
	{"length", "dust", "BM\x00\x04\x01\x02\x00\x96", []string{":\x00\x04\x01\x02"}},
	{"a frame in a false one's length", "dust", "BM\x00\xf0BM\x00\x04\x01\x02\x00\x96|", []string{":\x00\x04\x01\x02"}},
	{"a length beyond the longest", "dust", "BM\xff\xffBM\x00\x04\x01\x02\x00\x96", []string{":\x00\x04\x01\x02"}},
	{"a length below the shortest", "dust", "BM\x00\x00BM\x00\x04\x01\x02\x00\x96", []string{":\x00\x04\x01\x02"}},
	{"half a start", "dust", "BBM\x00\x04\x01\x02\x00\x96", []string{":\x00\x04\x01\x02"}},
	{"card", "card", "\x023E00D0F0A4BA\x03", []string{":\x3e\x00\xd0\xf0\xa4"}},
	{"card, small letters", "card", "\x023e00d0f0a4ba\x03", []string{":\x3e\x00\xd0\xf0\xa4"}},
	{"card, no digits", "card", "\x023E00D0F0AxBA\x03", nil},
	{"card, no end", "card", "\x023E00D0F0A4BA\x04", nil},
	{"address", "uhf", "\x05\x07\x00\x00\xb1\x29", []string{"7:\x05\x07\x00\x00"}},
	{"lines", "line", "|T=21.5\r\nT=21.6\r\n", []string{":T=21.5", ":T=21.6"}},
	{"the end of a line is no line", "line", "1.5\r\nT=21.6\r\n", []string{":T=21.6"}},
	{"an empty line", "line", "|\r\nT=21.6\r\n", []string{":T=21.6"}},
	{"noise in a line", "line", "|T=2\x00.5\r\nT=21.6\r\n", []string{":T=21.6"}},
	{"noise before a line", "line", "|\x00\x80\xffT=21.6\r\n", []string{":T=21.6"}},
	{"a long line", "line", "|" + strings.Repeat("x", 60) + "T=1\r\nT=21.6\r\n", []string{":T=21.6"}},
	{"a line broken off", "line", "|T=2|T=21.6\r\n", []string{":T=21.6"}},
	{"whole", "nmea", "x$GP*47\r\n", []string{":$GP*47\r\n"}},
	{"a start within", "nmea", "$GP$GP*47\r\n", []string{":$GP$GP*47\r\n"}},
	{"silence", "silence", "123456789\x29\xb1|123|123456789\x29\xb1|", []string{":123456789", ":123456789"}},
	{"burst", "burst", "ab|abc|abcd|xyz|", []string{":abc", ":xyz"}},
	{"escapes", "pairs", "\x7e\x01\x7d\x02\x7d\x01\x02\x7e", []string{":\x01\x7e\x7d"}},
	{"an escaped checksum", "pairs", "\x7e\x7d\x02\x7d\x02\x7e", []string{":\x7e"}},
	{"an escape that is none", "pairs", "\x7e\x01\x7d\x03\x02\x7e\x01\x01\x7e", []string{":\x01"}},
	{"escapes and a length", "hdlc", "\x7e\x02\x7d\x5e\x7d\x5d\xc2\xb1", []string{":\x02\x7e\x7d"}},
	{"first burst", "burst", "abc|xyz|", []string{":xyz"}},
}

func TestSplitter(t *testing.T) {
	for _, c := range splits {
		for _, chunk := range []int{1, 3, 1 << 20} {
			f := framings[c.framing]
			if err := f.Check(); err != nil {
				t.Fatalf("%s: %v", c.framing, err)
			}
			s := NewSplitter(f)
			var got []string
			for i, part := range strings.Split(c.feed, idle) {
				if i > 0 {
					got = append(got, feed(s, idle)...)
				}
				for b := range slices.Chunk([]byte(part), chunk) {
					got = append(got, feed(s, string(b))...)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %d bytes at once: %q, want %q", c.name, chunk, got, c.want)
			}
		}
	}
}

func TestFramingCheck(t *testing.T) {
	for want, f := range map[string]Framing{
		"want one of end":    {},
		"exclude each other": {Length: &Length{Size: 1}, Fixed: 3, Start: []byte{1}},
		"gap":                {Gap: -1},
		"max":                {Max: 1 << 20, Gap: 1},
		"fixed 2":            {Start: []byte("abc"), Fixed: 2},
		"length of 3 bytes":  {Start: []byte("a"), Length: &Length{Size: 3}},
		"where a frame":      {Fixed: 3},
		"address of 9 bytes": {Gap: 1, Address: &Address{Size: 9}},
		"longer than max":    {Start: []byte("abc"), End: []byte("def"), Max: 5},
		"kind \"md5\"":       {Gap: 1, Checksum: Checksum{Kind: "md5"}},
		"negate \"x\"":       {Gap: 1, Checksum: Checksum{Kind: Sum8, Negate: "x"}},
		"length: add":        {Start: []byte("a"), Length: &Length{Size: 1, Add: 1 << 20}},
	} {
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
}

// Between any noise, every valid frame is found, whole and in order, and nothing else. Start does not occur in
// the noise's last bytes here: a Start cut off right before a frame is tested above.
func TestNothingLostNothingInvented(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	f := Framing{Start: []byte{0xaa, 0x55}, Length: &Length{Offset: 2, Size: 1, Add: 5}, Checksum: Checksum{Kind: CCITTFalse}}
	var stream []byte
	var want []string
	for i := range 5000 {
		body := fmt.Appendf([]byte{0xaa, 0x55, 0}, "%d\xaa\x55\xff", i)
		body[2] = byte(len(body) - 3)
		body, _ = f.Checksum.Append(body, body)
		switch rnd.IntN(5) {
		case 0: // wrong by a bit
			bad := bytes.Clone(body)
			bad[rnd.IntN(len(bad))] ^= 1 << rnd.IntN(8)
			stream = append(stream, bad...)
		case 1: // cut off
			stream = append(stream, body[:rnd.IntN(len(body))]...)
		case 2:
			for range rnd.IntN(40) {
				stream = append(stream, byte(rnd.UintN(256)))
			}
		}
		stream = append(stream, body...)
		want = append(want, ":"+string(body[2:len(body)-2]))
	}
	s := NewSplitter(f)
	var got []string
	for len(stream) > 0 {
		n := min(1+rnd.IntN(100), len(stream))
		got = append(got, found(s.Push(stream[:n]))...)
		stream = stream[n:]
	}
	got = append(got, feed(s, idle)...)
	if !slices.Equal(got, want) {
		t.Errorf("%d frames, want %d", len(got), len(want))
	}
}

func FuzzSplitter(f *testing.F) {
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range framings {
			if !yield(n) {
				return
			}
		}
	})
	for _, c := range splits {
		f.Add(uint8(slices.Index(names, c.framing)), uint8(3), []byte(c.feed))
	}
	f.Fuzz(func(t *testing.T, which, chunk uint8, stream []byte) {
		framing := framings[names[int(which)%len(names)]]
		once, pieces := NewSplitter(framing), NewSplitter(framing)
		whole := once.Push(stream)
		var parts []Frame
		for b := range slices.Chunk(stream, int(chunk)%50+1) {
			parts = append(parts, pieces.Push(b)...)
		}
		if !reflect.DeepEqual(whole, parts) && !once.f.endsBySilence() {
			t.Fatalf("at once %q, in pieces %q", whole, parts)
		}
		used := 0
		for _, fr := range append(parts, pieces.Idle()...) {
			used += len(fr.Raw)
			if !bytes.Contains(stream, fr.Raw) {
				t.Fatalf("invented %q", fr.Raw)
			}
			if framing.Escape == nil && !framing.Checksum.valid(fr.Raw[:len(fr.Raw)-len(framing.End)]) {
				t.Fatalf("wrong checksum in %q", fr.Raw)
			}
		}
		if pieces.Pending() > 4*MaxFrame || used+pieces.Pending()+int(pieces.Noise) != len(stream) {
			t.Fatalf("%d bytes in frames, %d pending, %d noise, of %d", used, pieces.Pending(), pieces.Noise, len(stream))
		}
		pieces.Idle()
		if pieces.Pending() != 0 {
			t.Fatalf("%d bytes pending after silence", pieces.Pending())
		}
		// Whatever came before, a frame after silence is found.
		if good := map[string]string{"ultrasonic": "\xff\x07\xa1\xa7", "line": "T=1\r\n", "dust": "BM\x00\x04\x01\x02\x00\x96"}[names[int(which)%len(names)]]; good != "" {
			if got := pieces.Push([]byte(good)); len(got) != 1 {
				t.Fatalf("a valid frame after silence: %q", got)
			}
		}
	})
}
