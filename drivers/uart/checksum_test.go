package uart

import (
	"testing"
)

// The check values are those of the catalogue, over "123456789".
func TestChecksums(t *testing.T) {
	for kind, want := range map[Kind]uint32{
		Sum8: 0x1dd, Sum16: 0x1dd, XOR8: 0x31, CRC8: 0xf4, CRC8Maxim: 0xa1,
		Modbus: 0x4b37, CCITTFalse: 0x29b1, XMODEM: 0x31c3, Kermit: 0x2189, X25: 0x906e, CRC32: 0xcbf43926,
	} {
		if got := (Checksum{Kind: kind}).compute([]byte("123456789")); got != want {
			t.Errorf("%s = %04x, want %04x", kind, got, want)
		}
	}
	if n := len(Kinds()); n != 13 {
		t.Errorf("%d kinds are tested, %d are there", 12, n)
	}
	// CRC-16/DNP and CRC-8/NRSC-5 of the catalogue.
	for want, crc := range map[uint32]CRC{
		0xea82: {Width: 16, Poly: 0x3d65, RefIn: true, RefOut: true, XorOut: 0xffff}, 0xf7: {Width: 8, Poly: 0x31, Init: 0xff},
	} {
		if got := (Checksum{Kind: Custom, CRC: &crc}).compute([]byte("123456789")); got != want {
			t.Errorf("%+v = %04x, want %04x", crc, got, want)
		}
	}
}

func TestChecksumWritten(t *testing.T) {
	for _, c := range []struct {
		sum   Checksum
		frame string
		want  string
	}{
		{Checksum{Kind: Modbus, Little: true}, "\x01\x03\x00\x00\x00\x01", "\x84\x0a"},
		{Checksum{Kind: CCITTFalse}, "123456789", "\x29\xb1"},
		// MH-Z19: the sum from the second byte, negated.
		{Checksum{Kind: Sum8, From: 1, Negate: TwosComplement}, "\xff\x01\x86\x00\x00\x00\x00\x00", "\x79"},
		{Checksum{Kind: Sum8, Negate: OnesComplement}, "\x01\x02", "\xfc"},
		// NMEA 0183: XOR between $ and *, in digits.
		{Checksum{Kind: XOR8, From: 1, Before: 1, Hex: true}, "$123456789*", "31"},
		{Checksum{Kind: XOR8, From: 1, Hex: true, OverHex: true}, "\x023E00D0F0A4", "BA"},
	} {
		got, ok := c.sum.Append(nil, []byte(c.frame))
		if !ok || string(got) != c.want {
			t.Errorf("%+v of %q = %q, %v; want %q", c.sum, c.frame, got, ok, c.want)
		}
	}
	if _, ok := (Checksum{Kind: Sum8, OverHex: true}).Append(nil, []byte("zz")); ok {
		t.Error("what is no hexadecimal digits was summed")
	}
	if _, ok := (Checksum{Kind: Sum8, From: 3}).Append(nil, []byte("12")); ok {
		t.Error("a sum from beyond the end")
	}
}

// The answers are those of the WXT520 User's Guide (M210906EN-C), chapter 7.
func TestChecksumOfSDI12(t *testing.T) {
	for _, line := range []string{
		"0r2Gje", "0r0Kld", "0r2,Ta=22.7C,Ua=55.5P,Pa=1004.7H@Fn", "0r3,Rc=0.00M,Rd=0s,Ri=0.0MIlm", "0r5,Th=25.0C,Vh=10.6#,Vs=10.8V,Vr=3.369VO]T",
	} {
		if !(Checksum{Kind: SDI12}).valid([]byte(line)) {
			t.Errorf("%s is refused", line)
		}
		if wrong := line[:len(line)-1] + "~"; (Checksum{Kind: SDI12}).valid([]byte(wrong)) {
			t.Errorf("%s is accepted", wrong)
		}
	}
}
