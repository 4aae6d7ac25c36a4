package sms

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestMarshal holds PDUs that were put together by hand from 3GPP TS 23.040,
// 9.2.2.2 and 9.2.3.
func TestMarshal(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     Submit
		want   string
		length int
	}{
		{"one character, an odd number", Submit{Number: "+8613800138000", Text: "闯"},
			"00 15 00 0D 91 68 31 08 10 83 00 F0 00 08 A7 02 95EF", 16 + 1},
		{"an even number", Submit{Number: "+49123456", Text: "A岗"},
			"00 15 00 08 91 94 21 43 65 00 08 A7 04 0041 5C97", 16},
		{"outside the basic plane", Submit{Number: "+8613800138000", Text: "😀"},
			"00 15 00 0D 91 68 31 08 10 83 00 F0 00 08 A7 04 D83D DE00", 18 + 1},
		{"second part of three", Submit{Number: "+8613800138000", Text: "岗", Ref: 0x5a, Part: 2, Parts: 3},
			"00 55 00 0D 91 68 31 08 10 83 00 F0 00 08 A7 08 05 00 03 5A 03 02 5C97", 22 + 1},
	} {
		pdu, length, err := c.in.Marshal()
		want, herr := hex.DecodeString(strings.ReplaceAll(c.want, " ", ""))
		if herr != nil {
			t.Fatal(herr)
		}
		if err != nil || string(pdu) != string(want) || length != len(want)-1 {
			t.Errorf("%s: %X, %d, %v, want %X", c.name, pdu, length, err, want)
		}
		if back, err := Unmarshal(pdu); err != nil || back != c.in {
			t.Errorf("%s: back as %+v, %v", c.name, back, err)
		}
	}
	for _, bad := range []Submit{
		{Number: "13800138000", Text: "x"}, {Number: "+86138abc38000", Text: "x"}, {Number: "+1234567890123456", Text: "x"}, {Number: "", Text: "x"},
		{Number: "+8613800138000", Text: strings.Repeat("岗", 71)}, {Number: "+8613800138000", Text: strings.Repeat("岗", 68), Part: 1, Parts: 2},
		{Number: "+8613800138000", Text: "x", Part: 3, Parts: 2}, {Number: "+8613800138000", Text: "x", Part: 0, Parts: 2},
	} {
		if _, _, err := bad.Marshal(); !errors.Is(err, ErrForm) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestSplit(t *testing.T) {
	const number = "+8613800138000"
	for _, c := range []struct {
		text  string
		parts []int // UTF-16 units of each
	}{
		{"", []int{0}},
		{strings.Repeat("岗", 70), []int{70}},
		{strings.Repeat("岗", 71), []int{67, 4}},
		{strings.Repeat("岗", 66) + strings.Repeat("😀", 10), []int{66, 20}}, // 66 and half of one would be 67
		{strings.Repeat("岗", 67*8), []int{67, 67, 67, 67, 67, 67, 67, 67}},
	} {
		got, err := Split(number, c.text, 9)
		if err != nil || len(got) != len(c.parts) {
			t.Fatalf("%d units: %d parts, %v", units(c.text), len(got), err)
		}
		var whole strings.Builder
		for i, s := range got {
			whole.WriteString(s.Text)
			if units(s.Text) != c.parts[i] {
				t.Errorf("%d units: part %d has %d, want %d", units(c.text), i+1, units(s.Text), c.parts[i])
			}
			if _, _, err := s.Marshal(); err != nil {
				t.Error(err)
			}
		}
		if whole.String() != c.text {
			t.Errorf("%d units: put together they are %q", units(c.text), whole.String())
		}
	}
	if _, err := Split(number, strings.Repeat("岗", 67*8+1), 9); !errors.Is(err, ErrForm) {
		t.Errorf("nine parts: %v", err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, s := range []Submit{
		{Number: "+8613800138000", Text: "闯入"}, {Number: "+49123456", Text: ""}, {Number: "+8613800138000", Text: "岗", Ref: 1, Part: 2, Parts: 3},
	} {
		pdu, _, err := s.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pdu)
	}
	f.Add([]byte{})
	f.Add([]byte{255, 1})
	f.Fuzz(func(t *testing.T, pdu []byte) {
		s, err := Unmarshal(pdu)
		if err != nil {
			return
		}
		if !utf8.ValidString(s.Text) {
			t.Errorf("text %q", s.Text)
		}
		again, _, err := s.Marshal()
		if err != nil {
			t.Fatalf("%+v cannot be written again: %v", s, err)
		}
		if back, err := Unmarshal(again); err != nil || back != s {
			t.Errorf("%+v came back as %+v, %v", s, back, err)
		}
	})
}
