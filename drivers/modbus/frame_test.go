package modbus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The examples are those of the Application Protocol, section 6, as RTU frames.
var exchanges = []struct {
	name     string
	r        request
	out, in  string // frames without CRC
	data     string
	wantFail error
}{
	{"coils", request{unit: 17, table: Coils, start: 0x13, count: 0x13}, "11 01 0013 0013", "11 01 03 cd6b05", "cd6b05", nil},
	{"discrete", request{unit: 17, table: Discrete, start: 0xc4, count: 0x16}, "11 02 00c4 0016", "11 02 03 acdb35", "acdb35", nil},
	{"holding", request{unit: 17, table: Holding, start: 0x6b, count: 3}, "11 03 006b 0003", "11 03 06 022b 0000 0064", "022b00000064", nil},
	{"input", request{unit: 17, table: Input, start: 8, count: 1}, "11 04 0008 0001", "11 04 02 000a", "000a", nil},
	{"coil on", request{unit: 17, table: Coils, start: 0xac, write: []uint16{1}}, "11 05 00ac ff00", "11 05 00ac ff00", "", nil},
	{"coil off", request{unit: 17, table: Coils, start: 0xac, write: []uint16{0}}, "11 05 00ac 0000", "11 05 00ac 0000", "", nil},
	{"register", request{unit: 17, table: Holding, start: 1, write: []uint16{3}}, "11 06 0001 0003", "11 06 0001 0003", "", nil},
	{"coils, many", request{unit: 17, table: Coils, start: 0x13, write: []uint16{1}, many: true}, "11 0f 0013 0001 01 01", "11 0f 0013 0001", "", nil},
	{"registers, many", request{unit: 17, table: Holding, start: 1, write: []uint16{10}, many: true}, "11 10 0001 0001 02 000a", "11 10 0001 0001", "", nil},
	{"exception", request{unit: 10, table: Coils, start: 0x4a1, count: 1}, "0a 01 04a1 0001", "0a 81 02", "", Exception(2)},
	{"another function", request{unit: 1, table: Holding, count: 1}, "01 03 0000 0001", "01 04 02 0001", "", errMalformed},
	{"another count", request{unit: 1, table: Holding, count: 1}, "01 03 0000 0001", "01 03 04 00010002", "", errMalformed},
	{"a count that lies", request{unit: 1, table: Holding, count: 1}, "01 03 0000 0001", "01 03 03 0001", "", errMalformed},
	{"another address", request{unit: 1, table: Coils, start: 2, write: []uint16{1}}, "01 05 0002 ff00", "01 05 0003 ff00", "", errMalformed},
}

func TestExchanges(t *testing.T) {
	for _, c := range exchanges {
		out := frameRTU(c.r.unit, c.r.pdu())
		if want := unhex(t, c.out); !bytes.Equal(out[:len(out)-2], want) {
			t.Errorf("%s: sent % x, want % x", c.name, out[:len(out)-2], want)
		}
		data, err := c.r.parse(unhex(t, c.in)[1:])
		if !errors.Is(err, c.wantFail) || hex.EncodeToString(data) != c.data {
			t.Errorf("%s: %x, %v; want %s, %v", c.name, data, err, c.data, c.wantFail)
		}
	}
}

// 02 07 41 12 is the example of the Serial Line guide, 6.2.2; the other that of a manual.
func TestCRC(t *testing.T) {
	for _, frame := range []string{"0207 4112", "0103000000018 40a"} {
		b := unhex(t, frame)
		if got := frameRTU(b[0], b[1:len(b)-2]); !bytes.Equal(got, b) {
			t.Errorf("frame % x, want % x", got, b)
		}
	}
}

func TestFindRTU(t *testing.T) {
	r := request{unit: 1, table: Holding, count: 1}
	good := frameRTU(1, []byte{3, 2, 0x12, 0x34})
	other := frameRTU(2, []byte{3, 2, 0x12, 0x34})
	longer := frameRTU(1, []byte{3, 4, 1, 2, 3, 4})
	refused := frameRTU(1, []byte{0x83, 2})
	bad := bytes.Clone(good)
	bad[3] ^= 1
	for name, c := range map[string]struct {
		heard []byte
		want  []byte
	}{
		"clean":                       {good, good},
		"after noise":                 {append([]byte{1, 3, 2, 0, 1, 3}, good...), good},
		"before noise":                {append(bytes.Clone(good), 1, 2, 3), good},
		"after another unit's":        {append(bytes.Clone(other), good...), good},
		"after one of another length": {append(bytes.Clone(longer), good...), good},
		"after a wrong one":           {append(bytes.Clone(bad), good...), good},
		"refused":                     {refused, refused},
		"wrong":                       {bad, nil},
		"another unit's":              {other, nil},
		"another length":              {longer, nil},
		"cut off":                     {good[:6], nil},
		"nothing":                     {nil, nil},
	} {
		at, pdu := findRTU(c.heard, r)
		if c.want == nil {
			if at >= 0 {
				t.Errorf("%s: found % x", name, pdu)
			}
			continue
		}
		if at < 0 || !bytes.Equal(c.heard[at:at+len(c.want)], c.want) || !bytes.Equal(pdu, c.want[1:len(c.want)-2]) {
			t.Errorf("%s: found % x at %d", name, pdu, at)
		}
	}
}

func FuzzFindRTU(f *testing.F) {
	for _, c := range exchanges {
		f.Add(frameRTU(c.r.unit, unhex(f, c.in)[1:]), c.r.unit, string(c.r.table), c.r.count, c.r.write != nil, c.r.many)
	}
	f.Fuzz(func(t *testing.T, heard []byte, unit byte, table string, count uint16, write, many bool) {
		r := request{unit: unit, table: Table(table), count: min(count, 2000), many: many}
		if r.table.read() == 0 {
			return
		}
		if write {
			r.write = []uint16{count & 1}
		}
		at, pdu := findRTU(heard, r)
		if at < 0 {
			return
		}
		frame := frameRTU(unit, pdu)
		if !bytes.HasPrefix(heard[at:], frame) {
			t.Fatalf("invented % x in % x", frame, heard)
		}
		data, err := r.parse(pdu)
		var e Exception
		if err != nil && !errors.As(err, &e) || err == nil && !write && len(data) != r.payload() {
			t.Fatalf("% x: %x, %v", pdu, data, err)
		}
	})
}

func TestSplitTCP(t *testing.T) {
	good := frameTCP(7, 3, []byte{4, 2, 0, 9})
	for name, c := range map[string]struct {
		in   []byte
		pdu  []byte
		fail bool
	}{
		"whole":         {good, []byte{4, 2, 0, 9}, false},
		"and more":      {append(bytes.Clone(good), 0, 8), []byte{4, 2, 0, 9}, false},
		"half a header": {good[:6], nil, false},
		"half a PDU":    {good[:9], nil, false},
		"protocol":      {[]byte{0, 7, 0, 1, 0, 3, 1, 4, 2}, nil, true},
		"too long":      {[]byte{0, 7, 0, 0, 1, 3, 1, 4, 2}, nil, true},
		"too short":     {[]byte{0, 7, 0, 0, 0, 1, 1, 4, 2}, nil, true},
	} {
		number, pdu, _, err := splitTCP(c.in)
		if !bytes.Equal(pdu, c.pdu) || (err != nil) != c.fail || pdu != nil && number != 7 {
			t.Errorf("%s: %d, % x, %v", name, number, pdu, err)
		}
	}
}

func FuzzSplitTCP(f *testing.F) {
	f.Add(frameTCP(7, 3, []byte{4, 2, 0, 9}))
	f.Add([]byte{0, 7, 0, 1, 0, 3, 1, 4, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		number, pdu, rest, err := splitTCP(b)
		if err != nil || rest == nil {
			return
		}
		if again := append(frameTCP(number, b[6], pdu), rest...); !bytes.Equal(again, b) {
			t.Fatalf("% x is taken apart to % x", b, again)
		}
	})
}

func TestPlan(t *testing.T) {
	const every = 1e9
	s := func(name string, table Table, start, count uint16) Section {
		return Section{Name: name, Table: table, Start: start, Count: count, Every: every}
	}
	slow := s("slow", Holding, 2, 1)
	slow.Every *= 10
	for _, c := range []struct {
		name   string
		quirks Quirks
		in     []Section
		want   []string // names joined by +, with the requests' ranges
	}{
		{"near", Quirks{}, []Section{s("b", Holding, 4, 2), s("a", Holding, 0, 2), s("c", Holding, 14, 1)}, []string{"a+b+c 0:15"}},
		{"far", Quirks{}, []Section{s("a", Holding, 0, 2), s("b", Holding, 11, 2)}, []string{"a 0:2", "b 11:2"}},
		{"no gaps", Quirks{Gap: -1}, []Section{s("a", Holding, 0, 2), s("b", Holding, 2, 2), s("c", Holding, 5, 1)}, []string{"a+b 0:4", "c 5:1"}},
		{"short requests", Quirks{Max: 3}, []Section{s("a", Holding, 0, 2), s("b", Holding, 2, 2)}, []string{"a 0:2", "b 2:2"}},
		{"overlapping", Quirks{}, []Section{s("a", Input, 0, 4), s("b", Input, 2, 1)}, []string{"a+b 0:4"}},
		{"tables", Quirks{}, []Section{s("a", Input, 0, 1), s("b", Holding, 0, 1)}, []string{"b 0:1", "a 0:1"}},
		{"intervals", Quirks{}, []Section{s("a", Holding, 0, 1), slow}, []string{"a 0:1", "slow 2:1"}},
		{"long", Quirks{}, []Section{s("a", Holding, 10, 260)}, []string{"a 10:125 135:125 260:10"}},
		{"bits", Quirks{}, []Section{s("a", Coils, 3, 5), s("b", Coils, 100, 9)}, []string{"a+b 3:106"}},
	} {
		var got []string
		for _, task := range plan(Unit{Address: 1, Sections: c.in, Quirks: c.quirks}) {
			var names []string
			for _, s := range task.sections {
				names = append(names, s.Name)
			}
			text := []string{strings.Join(names, "+")}
			for _, r := range task.reads(task.span()) {
				text = append(text, fmt.Sprintf("%d:%d", r.start, r.count))
			}
			got = append(got, strings.Join(text, " "))
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	registers := []byte{0, 1, 0, 2, 0, 3}
	if got := cut(registers, span{10, 3}, Section{Table: Holding, Start: 11, Count: 1}); !bytes.Equal(got, []byte{0, 2}) {
		t.Errorf("register: % x", got)
	}
	bits := []byte{0b1010_0000, 0b0000_0101}
	if got := cut(bits, span{0, 16}, Section{Table: Coils, Start: 5, Count: 6}); !bytes.Equal(got, []byte{0b10_1101}) {
		t.Errorf("bits: %b", got)
	}
}
