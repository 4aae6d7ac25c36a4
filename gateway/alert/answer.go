package alert

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/store"
)

// Answer is what a duty room says of an alert, on ack/{id}.
type Answer struct {
	Action string `json:"action"` // ack, dispatch, handled, false or note
	By     string `json:"by"`
	// At is by the duty room's clock, in whatever form; ours decides.
	At   json.RawMessage `json:"at"`
	Note string          `json:"note"`
}

const (
	maxAnswer = 4096 // bytes
	maxBy     = 64   // characters
	maxNote   = 500  // characters

	publishedBy   = 16 // characters of who answered, in the alert itself
	publishedNote = 24
)

// ParseAnswer reads the payload of ack/{id}. Unknown keys are passed over, so
// that a newer console can talk to an older gateway.
func ParseAnswer(payload []byte) (Answer, error) {
	var a Answer
	if len(payload) > maxAnswer {
		return a, fmt.Errorf("answer of %d bytes, at most %d: %w", len(payload), maxAnswer, ErrInvalid)
	}
	if err := json.Unmarshal(payload, &a); err != nil {
		return a, fmt.Errorf("answer is not the JSON of the contract (%w): %w", err, ErrInvalid)
	}
	if _, ok := next(Raised, a.Action); !ok && a.Action != "note" {
		return a, fmt.Errorf("action %.20q, it is one of ack, dispatch, handled, false, note: %w", a.Action, ErrInvalid)
	}
	a.By, a.Note = clean(a.By, maxBy), clean(a.Note, maxNote)
	return a, nil
}

// clean makes a stranger's text fit for a table and a page.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return strings.TrimSpace(s)
}

// next returns the state that an action leads to. An action that would lead
// back, or out of a closed state, is not ok: the first answer wins.
func next(from State, action string) (State, bool) {
	to, ok := map[string]State{"ack": Acknowledged, "dispatch": Dispatched, "handled": Handled, "false": False}[action]
	order := map[State]int{Raised: 0, Acknowledged: 1, Dispatched: 2, Handled: 3, False: 3}
	return to, ok && order[to] > order[from]
}

// answered moves the state. The first who answers has acknowledged.
func (r *record) answered(to State, ans Answer, now time.Time) {
	r.State = to
	r.By, r.Note = clean(ans.By, publishedBy), clean(ans.Note, publishedNote)
	if r.AcknowledgedAt.IsZero() {
		r.AcknowledgedAt = Time{now}
	}
	if !r.Open() {
		r.HandledAt = Time{now}
	}
}

// Answer carries out an answer to the alert id. An answer that comes late or
// again changes nothing and is no error.
func (s *Service) Answer(ctx context.Context, id string, ans Answer) error {
	if _, err := ulid.ParseStrict(id); err != nil {
		return fmt.Errorf("answer to %.30q, which is no alert: %w", id, ErrInvalid)
	}
	var a record
	changed := false
	err := s.transact(ctx, func(tx *sql.Tx) error {
		a, changed = record{}, false
		row, found, err := store.AlertByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("no alert %s here: %w", id, ErrInvalid)
		}
		if err := a.read(row); err != nil {
			return err
		}
		to, ok := next(a.State, ans.Action)
		switch {
		case ok:
			a.answered(to, ans, s.Now())
		case ans.Action == "note" && a.Open():
			again, err := store.HasStep(ctx, tx, id, store.Step{Action: ans.Action, By: ans.By, Note: ans.Note})
			if err != nil || again {
				return err // the same message again, however late: some brokers keep it
			}
		default:
			return nil
		}
		changed = true
		a.Rev++
		step := store.Step{At: s.Now(), Action: ans.Action, By: ans.By, Note: ans.Note}
		return s.write(ctx, tx, &a, row.LastEvent, step)
	})
	if err != nil {
		return fmt.Errorf("answer an alert: %w", err)
	}
	if changed {
		s.Log.Info("alert answered", "id", id, "rev", a.Rev, "action", ans.Action, "by", ans.By, "state", a.State)
	}
	return nil
}
