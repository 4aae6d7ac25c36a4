package lorawan

import (
	"net/netip"

	"sentrybox/drivers/driver"
)

// ValidDown says whether a downlink has the code of a device and counter.
func ValidDown(nwk Key, b []byte, counter uint32) bool {
	u, err := parseUplink(append([]byte{unconfirmedUp << 5}, b[1:]...))
	k := newKeys(nwk, nwk)
	mic := k.mic(down, u.addr, counter, b[:len(b)-micSize])
	return err == nil && string(mic[:]) == string(b[len(b)-micSize:])
}

// Feed returns what hands datagrams to a driver that does not run, and what it
// then sends.
func (d *Driver) Feed(emit func(driver.Message)) (feed func([]byte), sent *int) {
	sent = new(int)
	d.emit, d.send = emit, func([]byte, netip.AddrPort) error { *sent++; return nil }
	return func(b []byte) { d.datagram(b, netip.MustParseAddrPort("127.0.0.1:9")) }, sent
}

// Save keeps the counters, as the end of Run does.
func (d *Driver) Save() error { return d.guard.Flush() }
