package duty

import (
	"context"
	"errors"
	"slices"
	"time"

	"sentrybox/gateway/duty/ledger"
)

// A grave alert's small picture follows it by itself. Where it does not, since nobody listened when it was sent, the
// whole one is asked for, at which gateways keep to the lowest rank of their line. The line may be thin: one at a time
// of each gateway, after whatever a person has asked for, of each alert once, and so many an hour.
const (
	missedAfter  = 30 * time.Second // since the alert was heard
	missedWithin = 12 * time.Hour   // since it was detected; the button is for older ones
	missedHourly = 12               // of a gateway
	missedAtOnce = 8                // gateways
)

// missed asks for the pictures of grave alerts that went by unheard.
func (k *clips) missed(ctx context.Context) {
	now := k.c.Now()
	cards, err := k.c.ledger.Missed(ctx, now.Add(-missedWithin), now.Add(-missedAfter))
	if err != nil || len(cards) == 0 {
		return // it is looked again
	}
	_, _, known, err := k.c.standings(ctx)
	if err != nil {
		return
	}
	busy := k.busy()
	for _, c := range cards {
		if busy[c.Where] || len(busy) >= missedAtOnce || known[c.Where].State != "online" || !slices.Contains(c.Evidence, picture) {
			continue
		}
		busy[c.Where] = true
		ok, err := k.c.ledger.Claim(ctx, &c, now.Add(-time.Hour), missedHourly)
		if err == nil && ok {
			err = k.ask(&c, picture)
		}
		if err != nil && ctx.Err() == nil {
			k.c.Log.Warn("a picture that was missed is not asked for", "alert", c.ID, "error", err)
		}
	}
}

// busy returns the gateways of which something is on its way.
func (k *clips) busy() map[ledger.Gateway]bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[ledger.Gateway]bool{}
	for _, f := range k.jobs {
		if f.status != "failed" {
			all[f.where] = true
		}
	}
	return all
}

// came says whether a picture is here that was still to be asked for, and forgets that then.
func (k *clips) came(ctx context.Context, i item) bool {
	if i.part != picture {
		return false
	}
	card, err := k.c.ledger.Alert(ctx, i.alert)
	if err != nil || !card.Picture {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.jobs[i]; f != nil {
		f.end(i)
		delete(k.jobs, i)
	}
	return true
}

// hang puts a picture that is whole into the ledger, where every console that shares it finds it. It is called with
// mu held.
func (k *clips) hang(ctx context.Context, i item, f *fetch, jpeg []byte) error {
	seq, err := k.c.ledger.Illustrate(ctx, f.where, i.alert, jpeg)
	switch {
	case errors.Is(err, ledger.ErrPicture):
		k.fail(i, f, "media")
	case errors.Is(err, ledger.ErrUnknown):
		k.fail(i, f, "unknown")
	case err != nil:
		return err
	default:
		f.end(i)
		delete(k.jobs, i)
		k.c.heard(seq)
	}
	return nil
}
