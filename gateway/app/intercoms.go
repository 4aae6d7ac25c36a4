package app

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sentrybox/drivers/isapi"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/sip"
	"sentrybox/gateway/config"
	"sentrybox/gateway/radio"
)

// sipConfig is what the SIP user agent takes. Stations go by their users, which are the units.
func sipConfig(r *config.Radio, log *slog.Logger) (any, error) {
	x := r.SIP
	ports, ok := x.PortRange()
	if !ok {
		return nil, fmt.Errorf("ports %s", x.Ports)
	}
	c := sip.Config{
		Listen: x.Listen, Realm: x.Realm, Help: x.Help, Ring: time.Duration(x.Ring), Wait: x.Answer == "with_phone", Ports: ports,
		Calls: x.Calls, Longest: time.Duration(x.Longest), Log: log,
	}
	for user, s := range x.Stations {
		at, ok := s.Prefix()
		if !ok {
			return nil, fmt.Errorf("station %s: address %s", user, s.Address)
		}
		u := r.Units[user]
		name := strings.Join(strings.Fields(u.Name+" "+u.Place), " ")
		if u.Name == u.Place {
			name = u.Name
		}
		c.Stations = append(c.Stations, sip.Station{ID: user, Name: name, User: user, Password: s.Password.Reveal(), SHA256: s.Digest == "sha-256", Address: at})
	}
	for i := range x.Phones {
		p := &x.Phones[i]
		c.Phones = append(c.Phones, sip.Phone{ID: p.Title(), User: p.User, Password: p.Password.Reveal(), SHA256: p.Digest == "sha-256", Address: p.Address, Number: p.Number})
	}
	return c, nil
}

func isapiConfig(x *config.ISAPI, log *slog.Logger) (any, error) {
	base, user, password, err := signedIn(x.URL)
	return isapi.Config{URL: base, User: user, Password: password, InsecureTLS: x.Insecure, Motion: x.Motion, Calls: time.Duration(x.Calls), Log: log}, err
}

func onvifConfig(x *config.ONVIF, log *slog.Logger) (any, error) {
	base, user, password, err := signedIn(x.URL)
	return onvif.EventsConfig{Config: onvif.Config{Address: base, User: user, Password: password, InsecureTLS: x.Insecure}, Motion: x.Motion, Log: log}, err
}

// signedIn splits an address into what is asked, and who asks.
func signedIn(u config.URL) (base, user, password string, err error) {
	p, err := u.Parse()
	if err != nil {
		return "", "", "", fmt.Errorf("the address: %w", err)
	}
	user = p.User.Username()
	password, _ = p.User.Password()
	p.User = nil
	return p.String(), user, password, nil
}

// nameDevice makes a unit of a device that is a system by itself, and has no station.
func nameDevice(s *radio.System, r *config.Radio) {
	u := radio.Unit{Name: r.Name, Grid: r.Grid}
	switch {
	case r.ISAPI != nil:
		u.Place = r.ISAPI.Place
	case r.ONVIF != nil:
		u.Place = r.ONVIF.Place
	default:
		return
	}
	if u.Name == "" {
		u.Name = r.ID
	}
	s.Units[""] = u
}
