package homebrew

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func FuzzRequest(f *testing.F) {
	for _, s := range []string{"RPTL\x1b\x6a\xf8\x47", "RPTPING\x1b\x6a\xf8\x47", "RPTCL\x1b\x6a\xf8\x47", "RPTO\x1b\x6a\xf8\x47TS2=1", "DMRG\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"} {
		f.Add([]byte(s))
	}
	info := append(binary.BigEndian.AppendUint32([]byte("RPTC"), 460010199), make([]byte, configSize-8)...)
	copy(info[8:], "BD7KLE  ")
	f.Add(info)
	f.Fuzz(func(_ *testing.T, p []byte) {
		if word, _, err := request(p); err == nil && word == "RPTC" {
			_, _ = parseInfo(p)
		}
	})
}

func TestParseInfo(t *testing.T) {
	p := append(binary.BigEndian.AppendUint32([]byte("RPTC"), 460010199), make([]byte, configSize-8)...)
	copy(p[8:], "BD7KLE  435000000430000000990130.5000 ")
	copy(p[58:], "3号楼\x00\n roof")
	copy(p[222:], "20260101_MMDVM")
	got, err := parseInfo(p)
	want := Info{Callsign: "BD7KLE", RX: 435000000, TX: 430000000, Color: 1, Location: "3 roof", Software: "20260101_MMDVM"}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestFailures(t *testing.T) {
	f, now := failures{}, time.Now()
	a := sender{netip.MustParseAddr("192.0.2.1"), 1}
	for _, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		f.add(a, now)
		if !f.blocked(a, now.Add(wait-1)) || f.blocked(a, now.Add(wait)) {
			t.Errorf("not blocked for %v", wait)
		}
	}
	for range 20 {
		f.add(a, now)
	}
	if !f.blocked(a, now.Add(lastBlock-1)) || f.blocked(a, now.Add(lastBlock)) {
		t.Errorf("not blocked for %v", lastBlock)
	}
	if f.blocked(sender{a.addr, 2}, now) {
		t.Error("another repeater at the same address is shut out")
	}
	for i := range 3 * maxFailures {
		f.add(sender{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1}, now) // an address
	}
	if len(f) > maxFailures {
		t.Errorf("%d senders are remembered", len(f))
	}
	f.sweep(now.Add(time.Hour))
	if len(f) != 0 {
		t.Errorf("%d are never forgotten", len(f))
	}
}
