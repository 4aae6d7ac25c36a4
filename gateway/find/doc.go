// Package find looks for cameras and recorders on the networks that a technician
// names, signs in to them, and says which of their streams suit evidence and
// analysis.
//
// [Discover] asks by WS-Discovery and by XiongMai's broadcast; [Scan] looks at
// every address of a subnet. Neither ever tries a password, and [Merge] puts what they found
// together. [SignIn] takes one user and password to one device, each way once, and opens its
// streams.
package find

import (
	"cmp"
	"net/netip"
	"slices"
)

// Candidate is what is at an address and may be a camera or a recorder.
type Candidate struct {
	Addr  netip.Addr `json:"addr"`
	Brand string     `json:"brand,omitempty"` // of a template, if a word or a port tells
	Name  string     `json:"name,omitempty"`  // what its owner or its maker called it
	Model string     `json:"model,omitempty"`
	ONVIF string     `json:"onvif,omitempty"` // URL of its device service
	RTSP  []uint16   `json:"rtsp,omitempty"`  // ports at which it speaks RTSP
	DVRIP uint16     `json:"dvrip,omitempty"` // port at which it may speak DVRIP
	// Channels that it says it has; 0 if it does not.
	Channels int `json:"channels,omitempty"`
	// Open are the ports that were open, of those that a scan looks at.
	Open []uint16 `json:"open,omitempty"`
	// Banners are the words by which it introduced itself.
	Banners []string `json:"banners,omitempty"`
	// Ways are how it was found.
	Ways []Way `json:"ways,omitempty"`
	// Elsewhere is the address that it says it has, if that is another: its network
	// settings need a look.
	Elsewhere string `json:"elsewhere,omitempty"`
}

// Way is how a device was found.
type Way string

// The ways.
const (
	ByDiscovery Way = "ws-discovery"
	ByBroadcast Way = "dvrip"
	ByScan      Way = "scan"
	ByHand      Way = "hand"
)

// Merge puts what was found about the same address together, in the order of
// addresses.
func Merge(lists ...[]Candidate) []Candidate {
	at := map[netip.Addr]int{}
	var all []Candidate
	for _, list := range lists {
		for _, c := range list {
			i, known := at[c.Addr]
			if !known {
				at[c.Addr] = len(all)
				all = append(all, c)
				continue
			}
			a := &all[i]
			a.Brand, a.Name, a.Model = cmp.Or(a.Brand, c.Brand), cmp.Or(a.Name, c.Name), cmp.Or(a.Model, c.Model)
			a.ONVIF, a.DVRIP = cmp.Or(a.ONVIF, c.ONVIF), cmp.Or(a.DVRIP, c.DVRIP)
			a.Channels, a.Elsewhere = max(a.Channels, c.Channels), cmp.Or(a.Elsewhere, c.Elsewhere)
			a.RTSP, a.Open = union(a.RTSP, c.RTSP), union(a.Open, c.Open)
			a.Banners, a.Ways = union(a.Banners, c.Banners), union(a.Ways, c.Ways)
		}
	}
	slices.SortFunc(all, func(a, b Candidate) int { return a.Addr.Compare(b.Addr) })
	return all
}

func union[T comparable](a, b []T) []T {
	a = slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}
