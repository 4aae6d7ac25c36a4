package app

import (
	"context"
	"errors"

	"sentrybox/gateway/health"
	"sentrybox/uplink/mqtt"
)

// smallThumbnail is how many bytes a thumbnail has where an uplink has a budget.
const smallThumbnail = 4 << 10

func thumbnailBytes(metered bool) int {
	if metered {
		return smallThumbnail
	}
	return 0
}

// flushMeters makes durable what the uplinks have carried.
func (a *App) flushMeters(ctx context.Context) error {
	var errs []error
	for _, m := range a.meters {
		errs = append(errs, m.Flush(ctx, a.store.DB()))
	}
	return errors.Join(errs...)
}

// uplinkHealth returns how every uplink is doing.
func (a *App) uplinkHealth() []health.Uplink {
	var all []health.Uplink
	for i, s := range a.uplink.Uplinks() {
		u := a.meters[i].Usage()
		all = append(all, health.Uplink{
			Name: a.Config.Uplink.NameOf(i), Phase: s.Phase.String(), Online: s.Phase == mqtt.Online,
			Refused: s.Phase == mqtt.Refused || s.Phase == mqtt.BadTLS,
			Sent:    u.Sent, Received: u.Received, Month: u.MonthSent + u.MonthReceived, Budget: u.Level.String(),
		})
	}
	return all
}

// contested returns the uplinks off which this gateway is pushed again and again, and how.
func (a *App) contested() map[string]string {
	all := map[string]string{}
	for i, s := range a.uplink.Uplinks() {
		if s.Contest != mqtt.Uncontested {
			all[a.Config.Uplink.NameOf(i)] = s.Contest.String()
		}
	}
	return all
}

// gateway is the payload of device/{id} for the gateway itself.
type gateway struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	State   string `json:"state"`
	Uplinks []line `json:"uplinks"`
	// Armed says of each area of the rules whether they can raise alerts.
	Armed map[string]bool `json:"armed,omitempty"`
	// Load is there while the box is too slow.
	Load *overload `json:"load,omitempty"`
}

// line is an uplink in it.
type line struct {
	Name   string `json:"name"`
	State  string `json:"state"` // an mqtt.Phase
	Reason string `json:"reason,omitempty"`
}

// postGateway publishes the gateway's own state: which way out is used, and what
// is wrong with the others.
func (a *App) postGateway() {
	g := gateway{ID: a.Config.Gateway.ID, Type: "gateway", State: "online", Armed: a.hub.Armed(), Load: a.share.overload()}
	for i, s := range a.uplink.Uplinks() {
		l := line{Name: a.Config.Uplink.NameOf(i), State: s.Phase.String()}
		if s.Err != nil {
			l.Reason = s.Err.Error()
		}
		if s.Contest == mqtt.Twin {
			l.Reason = "another gateway has this one's id"
		}
		g.Uplinks = append(g.Uplinks, l)
	}
	a.board.post(g.ID, g)
}
