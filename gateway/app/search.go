package app

import (
	"context"
	"strings"
	"time"

	"sentrybox/drivers/modbus"
	"sentrybox/drivers/port"
	lineprobe "sentrybox/gateway/probe"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/web"
)

// listenEach is how long a line is listened to while nothing comes.
const listenEach = 15 * time.Second

// Search is for web.Searcher.
func (site) Search(ctx context.Context, ask web.Search, tell func(profile.Line, int)) ([]web.Found, error) {
	lines := []profile.Line{ask.Line}
	if ask.Line.Baud == 0 {
		lines = lineprobe.Usual()
	}
	address := strings.Replace(ask.Where, "tcp+rtu://", "tcp://", 1)
	if ask.Kind == "serial" {
		return listenAt(ctx, &lineprobe.Listener{
			Address: address, Lines: lines, For: listenEach, Profiles: ask.Profiles, Trying: func(l profile.Line) { tell(l, 0) },
		})
	}
	b := &lineprobe.Bus{
		Framing: modbus.RTU, Lines: lines, First: 1, Last: byte(ask.Last), Profiles: ask.Profiles, // at most 247
		Trying: func(l profile.Line, a byte) { tell(l, int(a)) },
		Open: func(l profile.Line) (port.Open, time.Duration, error) {
			c := port.Config{Address: address, Baud: l.Baud, DataBits: l.DataBits, Parity: port.Parity(l.Parity), StopBits: l.StopBits}
			open, err := port.New(c)
			return open, c.CharTime(), err
		},
	}
	if ask.Line.Baud == 0 { // the addresses that devices come with tell the speed
		b.First, b.Last = 0, 0
	}
	if strings.HasPrefix(ask.Where, "tcp") { // its server sets the line
		b.Lines = lines[:1]
	}
	if strings.HasPrefix(ask.Where, "tcp://") {
		b.Framing = modbus.TCP
	}
	units, err := b.Run(ctx)
	var all []web.Found
	for _, u := range units {
		all = append(all, web.Found{Line: u.Line, Unit: int(u.Address), Fits: fits(u.Matches)})
	}
	return all, err
}

func listenAt(ctx context.Context, l *lineprobe.Listener) ([]web.Found, error) {
	h, err := l.Run(ctx)
	if err != nil || h == nil {
		return nil, err
	}
	f := web.Found{Line: h.Line, Fits: fits(h.Matches)}
	if len(h.Bursts) > 0 {
		f.Sample = h.Bursts[0]
	}
	return []web.Found{f}, nil
}

func fits(matches []lineprobe.Match) (all []web.Fit) {
	for _, m := range matches {
		all = append(all, web.Fit{Profile: m.Profile, Values: m.Values})
	}
	return all
}
