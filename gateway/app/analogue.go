package app

import (
	"context"
	"net/netip"
	"os"
	"time"

	"sentrybox/drivers/analogue"
	"sentrybox/drivers/audio"
	"sentrybox/drivers/call"
	"sentrybox/drivers/ptt"
	"sentrybox/drivers/tone/activity"
	"sentrybox/gateway/config"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/radio"
)

// analogueConfig is what the source of a base radio's audio takes.
func (a *App) analogueConfig(r *config.Radio) (any, error) {
	x := r.Analogue
	c := analogue.Config{
		Audio: audio.Config{ALSA: x.ALSA, Command: x.Command, Pipe: x.Pipe, Rate: x.Rate},
		Signals: analogue.Signals{
			Lengths: x.Lengths, Activity: activity.Config{Threshold: float64(x.Threshold), Hang: time.Duration(x.Hang).Seconds()},
		},
		Codes: r.Reported(),
	}
	if x.RTP != nil {
		c.Audio.RTP = &audio.RTP{Listen: x.RTP.Listen}
		if x.RTP.From != "" {
			from, err := netip.ParseAddr(x.RTP.From)
			if err != nil {
				return nil, err
			}
			c.Audio.RTP.From = from
		}
	}
	for _, tone := range x.Tones {
		switch tone {
		case "dtmf":
			c.Signals.DTMF = true
		case "mdc1200":
			c.Signals.MDC1200 = true
		default:
			c.Signals.FiveTone = append(c.Signals.FiveTone, tone)
		}
	}
	if t := x.Transmit; t != nil {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c.Transmit = &analogue.Transmit{
			Key: ptt.Config{
				RTS: t.RTS, DTR: t.DTR, CM108: t.CM108, VOX: t.VOX, Pin: t.Pin, Limit: time.Duration(t.Limit), Command: []string{self, "ptt-guard"},
			},
			Player: audio.Player{ALSA: t.ALSA, Command: t.Command},
			Lead:   time.Duration(t.Lead), BusyWait: time.Duration(t.BusyWait), Pause: time.Duration(t.Pause),
		}
	}
	return c, nil
}

// keepVoice keeps what was said around an event that has become an alert.
func (a *App) keepVoice(id string, s *radio.System, r call.Recorder, e call.Event) {
	before, after := 10*time.Second, 20*time.Second
	for i := range a.Config.Radios {
		if x := a.Config.Radios[i]; x.ID == s.ID && x.Analogue != nil {
			before, after = time.Duration(x.Analogue.Before), time.Duration(x.Analogue.After)
		}
	}
	a.evidence.Keep(a.keeping, evidence.Request{Alert: id, Device: s.ID, Voice: func(ctx context.Context) ([]byte, error) {
		got, err := r.Recording(ctx, e, before, after)
		return got.Data, err
	}})
}
