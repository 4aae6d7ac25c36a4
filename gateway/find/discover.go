package find

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/onvif"
)

// Discover asks on the interfaces, all if there are none named, for wait, by
// WS-Discovery and by XiongMai's broadcast. What was found comes with an error about
// what could not be asked.
func Discover(ctx context.Context, interfaces []net.Interface, wait time.Duration, templates []Template) ([]Candidate, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var cameras []onvif.Found
	var recorders []dvrip.Device
	var first, second error
	var both sync.WaitGroup
	both.Go(func() {
		cameras, first = onvif.Discover(ctx, onvif.Options{Interfaces: interfaces, Hello: true})
	})
	both.Go(func() { recorders, second = dvrip.Discover(ctx, interfaces) })
	both.Wait()
	var byONVIF, byDVRIP []Candidate
	for _, f := range cameras {
		c := Candidate{Addr: f.Addr, Name: f.Name, Model: f.Hardware, ONVIF: f.Service, Ways: []Way{ByDiscovery}, Elsewhere: f.Stated}
		byONVIF = append(byONVIF, c)
	}
	for _, d := range recorders {
		c := Candidate{Addr: d.Addr.Addr(), Name: d.Name, DVRIP: d.Addr.Port(), Channels: d.Channels, Ways: []Way{ByBroadcast}}
		if d.Stated.IsValid() {
			c.Elsewhere = d.Stated.String()
		}
		byDVRIP = append(byDVRIP, c)
	}
	all := Merge(byONVIF, byDVRIP)
	for i := range all {
		all[i].setBrand(templates)
	}
	return all, errors.Join(first, second)
}

func (c *Candidate) setBrand(templates []Template) {
	if t := brandOf(templates, *c); t != nil {
		c.Brand = t.Brand
	}
}
