package alert

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/clock"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// forgottenAfter is older than any alert that the store may have lost for a
// reason other than its age: closed ones are deleted before.
const forgottenAfter = 100 * 24 * time.Hour

// clearRank is behind every text.
const clearRank = 5

// ClearKept hears of a topic below alert/ on which a broker keeps a message, and
// clears it if the alert is closed: it was closed while another broker was in
// use. An alert that the store does not know stays, unless it is so old that the
// store has deleted it: a store that was restored from a backup knows less than
// a broker, and the broker's is then the only trace of the alert.
func (s *Service) ClearKept(ctx context.Context, topic string) error {
	level, id, ok := strings.Cut(strings.TrimPrefix(topic, "alert/"), "/")
	u, err := ulid.ParseStrict(id)
	if !ok || err != nil {
		return nil // nothing of ours
	}
	cleared := false
	err = s.Store.Tx(ctx, func(tx *sql.Tx) error {
		row, found, err := store.AlertByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if found && row.Open || !found && !s.forgotten(ulid.Time(u.Time())) {
			return nil
		}
		topic := Topic(Level(level), id)
		if waits, err := s.Outbox.Pending(ctx, tx, topic); err != nil || waits {
			return err // what waits clears it in the end
		}
		cleared = true
		_, err = s.Outbox.Put(ctx, tx, outbox.Item{Lane: outbox.Alert, Rank: clearRank, Topic: topic, Key: id, Retain: true, Created: s.Now()})
		return err
	})
	if err != nil {
		return fmt.Errorf("clear a closed alert: %w", err)
	}
	if cleared {
		s.Outbox.Wake()
	}
	return nil
}

// forgotten says whether an alert of a time has been deleted for its age, if there was one. A time from before the clock was
// set, and a clock that may have leapt ahead, say nothing.
func (s *Service) forgotten(raised time.Time) bool {
	return raised.Unix() >= clock.Floor && s.Now().Sub(raised) >= forgottenAfter && (s.Clock == nil || s.Clock.Aged())
}
