package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/selcall"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/uplink/outbox"
)

const (
	maxAnnounced = 8               // alerts that wait to be told on a channel
	announceAge  = 5 * time.Minute // what is older is not told any more
	maxPhrase    = 4 << 20         // bytes of a phrase's file
	toneAmple    = 0.4
)

// speaker is a radio that can transmit.
type speaker interface {
	Say(ctx context.Context, samples []int16) error
}

// announcer tells grave alerts on the channel of one radio.
type announcer struct {
	id       string
	severity int
	speaker  speaker
	call     []int16            // digits or a five-tone call that goes first
	phrases  map[string][]int16 // by kind
	queue    chan announced

	mu  sync.Mutex
	ids []string // guarded by mu: alerts that were told or wait, the newest last
}

type announced struct {
	id, kind string
	at       time.Time
}

// newAnnouncer makes what a radio says of alerts. A phrase that cannot be read is left out, with an error.
func newAnnouncer(id string, t *config.Transmit, s speaker) (*announcer, error) {
	an := &announcer{id: id, severity: t.Severity, speaker: s, phrases: map[string][]int16{}, queue: make(chan announced, maxAnnounced)}
	var tones []float32
	var err error
	if t.DTMF != "" {
		tones, err = dtmf.Append(tones, audio.Rate, t.DTMF, dtmf.Sending{Level: toneAmple})
	}
	if f := t.FiveTone; f != nil && err == nil {
		system, _ := selcall.ByName(f.System)
		tones, err = selcall.Append(tones, audio.Rate, system, f.Number, selcall.Sending{Level: 1.5 * toneAmple})
		tones = append(tones, make([]float32, audio.Rate/2)...)
	}
	for _, v := range tones {
		an.call = append(an.call, int16(32767*v))
	}
	for kind, name := range t.Phrases {
		samples, failed := readPhrase(name)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("the phrase for %s: %w", kind, failed))
			continue
		}
		an.phrases[kind] = samples
	}
	return an, err
}

func readPhrase(name string) ([]int16, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	samples, err := audio.ReadWAV(f, maxPhrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return samples, nil
}

// tell queues an alert that has just been raised. It does not wait.
func (an *announcer) tell(a *alert.Alert, now time.Time) (queued bool) {
	if a.Severity > an.severity || a.Rev != 1 || a.State != alert.Raised {
		return true
	}
	an.mu.Lock()
	defer an.mu.Unlock()
	if slices.Contains(an.ids, a.ID) { // it goes to several levels
		return true
	}
	an.ids = append(an.ids[max(0, len(an.ids)-2*maxAnnounced):], a.ID)
	select {
	case an.queue <- announced{a.ID, a.Kind, now}:
		return true
	default:
		return false
	}
}

// sound is what is said of a kind of alerts; nil for nothing.
func (an *announcer) sound(kind string) []int16 {
	phrase, ok := an.phrases[kind]
	if !ok {
		phrase = an.phrases[config.DefaultPhrase]
	}
	return slices.Concat(an.call, phrase)
}

// newAnnouncer has a radio tell of alerts; nil for one that cannot transmit.
func (a *App) newAnnouncer(r *config.Radio, source any) *announcer {
	if r.Analogue == nil || r.Analogue.Transmit == nil {
		return nil
	}
	s, ok := source.(speaker)
	if !ok {
		return nil // the source could not be made, which is told
	}
	an, err := newAnnouncer(r.ID, r.Analogue.Transmit, s)
	if err != nil {
		a.Log.Error("a radio does not say all that it should", "radio", r.ID, "error", err)
	}
	return an
}

// tellRadios hears of what alerts have put into the outbox.
func (a *App) tellRadios(items []outbox.Item) {
	if len(a.announcers) == 0 {
		return
	}
	for _, it := range items {
		var al alert.Alert
		if it.Lane != outbox.Alert || !strings.HasPrefix(it.Topic, "alert/") || json.Unmarshal(it.Payload, &al) != nil {
			continue
		}
		for _, an := range a.announcers {
			if !an.tell(&al, time.Now()) {
				a.Log.Error("too many alerts wait to be told on a radio", "radio", an.id, "alert", al.ID)
			}
		}
	}
}

// runAnnouncers tells alerts on radios until ctx ends.
func (a *App) runAnnouncers(ctx context.Context) error {
	var g errgroup.Group
	for _, an := range a.announcers {
		g.Go(func() error { return a.speak(ctx, an) })
	}
	_ = g.Wait()
	<-ctx.Done()
	return ctx.Err()
}

func (a *App) speak(ctx context.Context, an *announcer) error {
	for {
		var x announced
		select {
		case <-ctx.Done():
			return nil
		case x = <-an.queue:
		}
		sound := an.sound(x.kind)
		if len(sound) == 0 || time.Since(x.at) > announceAge {
			continue
		}
		switch err := an.speaker.Say(ctx, sound); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			a.Log.Error("an alert was not told on a radio", "radio", an.id, "alert", x.id, "error", err)
		default:
			a.Log.Info("an alert was told on a radio", "radio", an.id, "alert", x.id, "after", time.Since(x.at).Round(time.Millisecond))
		}
	}
}
