package app

import (
	"maps"
	"slices"

	"sentrybox/gateway/camera"
	"sentrybox/gateway/control"
	"sentrybox/gateway/web"
	"sentrybox/uplink/mqtt"
)

// away returns the cameras and brokers that are away now.
func (a *App) away() []control.Away {
	return append(camerasAway(a.states()), uplinksAway(a.lines.read(site{a}.uplinks()))...)
}

// camerasAway returns the cameras that send no pictures. One that was begun a moment ago is not away yet, and
// of one that is blind there are pictures.
func camerasAway(cameras map[string]camera.State) []control.Away {
	all := []control.Away{}
	for _, id := range slices.Sorted(maps.Keys(cameras)) {
		s := cameras[id]
		switch s.Phase {
		case "", "connecting", "online", camera.Blind:
		default:
			all = append(all, control.Away{Camera: id, Phase: string(s.Phase), Since: s.Since, Reason: s.Reason})
		}
	}
	return all
}

// uplinksAway returns the uplinks that could not be used if they had to be. Those that another gateway
// pushes off are told of as contested.
func uplinksAway(uplinks []web.Uplink) []control.Away {
	all := []control.Away{}
	for _, u := range uplinks {
		switch u.Phase {
		case mqtt.Offline.String(), mqtt.Refused.String(), mqtt.BadTLS.String():
			all = append(all, control.Away{Uplink: u.Name, Phase: u.Phase, Since: u.Since, Reason: u.Reason})
		}
	}
	return all
}
