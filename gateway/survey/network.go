package survey

import (
	"net"
	"net/netip"
	"slices"
)

// Network is a network that the box is in.
type Network struct {
	Interface string       `json:"interface"`
	Address   netip.Addr   `json:"address"`
	Subnet    netip.Prefix `json:"subnet"` // of at most 1024 addresses: the part around its own where it is larger
}

// Networks returns the private IPv4 networks of the interfaces that are up.
func Networks() ([]Network, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []Network
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addrs {
			if n, ok := networkOf(i.Name, a.String()); ok && !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all, nil
}

// maxBits is the shortest prefix that a scan takes.
const maxBits = 22

func networkOf(name, address string) (Network, bool) {
	p, err := netip.ParsePrefix(address)
	if err != nil || !p.Addr().Is4() || !p.Addr().IsPrivate() && !p.Addr().IsLinkLocalUnicast() {
		return Network{}, false
	}
	return Network{Interface: name, Address: p.Addr(), Subnet: netip.PrefixFrom(p.Addr(), max(p.Bits(), maxBits)).Masked()}, true
}
