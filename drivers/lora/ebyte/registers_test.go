package ebyte

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestRegisters has the factory's settings, by the manuals.
func TestRegisters(t *testing.T) {
	for _, c := range []struct {
		m    Module
		want string
	}{
		{E22{Channel: 23}, "00000062001700"},                  // E22-400T22S: 433.125 MHz
		{E22{Channel: 18}, "00000062001200"},                  // E22-900T22S: 868.125 MHz
		{E22{Address: 0x1234, Channel: 23}, "12340062001700"}, // the manual's example is C0 00 04 12 34 00 61, with 1.2 kbit/s
		{E22{Address: 0x1234, AirRate: 1200}, "12340061000000"},
		{E22{NetID: 9, Line: Line{Baud: 115200, Parity: "even"}, AirRate: 62500, SubPacket: 32, Noise: true, PowerStep: 3, Channel: 83, RSSI: true, FixedPoint: true, Relay: true, ListenFirst: true}, "000009f7e353f0"},
		{E32{Channel: 0x17}, "00001a1744"},
		{E32{Address: 0xffff, Line: Line{Baud: 1200, Parity: "odd"}, AirRate: 19200, Channel: 31, FixedPoint: true, OpenDrain: true, WakeUp: 2000, NoFEC: true, PowerStep: 3}, "ffff451fbb"},
	} {
		got, mask, err := c.m.encode()
		if err != nil || hex.EncodeToString(got) != c.want || len(mask) != len(got) {
			t.Errorf("%+v: %x, %v; want %s", c.m, got, err, c.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		m    Module
		in   string
		want string
		err  error
	}{
		{E22{}, "c1000712340061001700", "12340061001700", nil},
		{E22{}, "c10007123400610017", "", errShort},
		{E22{}, "", "", errShort},
		{E22{}, "c1", "", errShort},
		{E22{}, "ffff", "", errShort},
		{E22{}, "ffffff", "", errRefused},
		{E22{}, "c2000712340061001700", "", errGarbled},
		{E22{}, "41", "", errGarbled},
		{E32{}, "c000001a1744", "00001a1744", nil},
		{E32{}, "c200001a1744", "00001a1744", nil},
		{E32{}, "c000001a17", "", errShort},
		{E32{}, "4f4b0d0a", "", errGarbled},
	} {
		got, err := c.m.answer(unhex(c.in))
		if !errors.Is(err, c.err) || hex.EncodeToString(got) != c.want {
			t.Errorf("%s %s: %x, %v", c.m.name(), c.in, got, err)
		}
	}
}

// TestWriteOnlyWhatDiffers holds the commands that go to the module.
func TestWriteOnlyWhatDiffers(t *testing.T) {
	have := unhex("00000062001700")
	for want, command := range map[string]string{
		"12340061001700": "c0000412340061", // the manual's example, but for the register that is right
		"00000062001780": "c0060180", "00000062001800": "c0050118", "01000062001780": "c0000701000062001780",
	} {
		if got := (E22{}).write(have, unhex(want)); hex.EncodeToString(got) != command {
			t.Errorf("%s: %x, want %s", want, got, command)
		}
	}
	if got := (E32{}).write(nil, unhex("00001a1744")); hex.EncodeToString(got) != "c000001a1744" {
		t.Errorf("%x", got)
	}
	if got := merge(unhex("ff0f"), unhex("0000"), unhex("f0ff")); !bytes.Equal(got, unhex("0f00")) {
		t.Errorf("%x", got)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(unhex("c1000712340061001700"))
	f.Add(unhex("c000001a1744"))
	f.Add(unhex("ffffff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range []Module{E22{}, E32{}} {
			got, err := m.answer(b)
			if err != nil {
				if errors.Is(err, errShort) && len(b) > 10 {
					t.Errorf("%s: %x is too short", m.name(), b)
				}
				continue
			}
			value, mask, _ := m.encode()
			want := merge(got, value, mask)
			if bytes.Equal(got, want) {
				continue
			}
			_ = m.write(got, want)
		}
	})
}
