// Package command carries out what a duty room asks for on cmd/{id}, once, and
// answers on cmd/{id}/result.
//
// A command's identifier is chosen by who asks. The same one again is answered
// with the result that it had the first time, and not carried out again. The
// command's row, what it changes in the database, and its answer in the outbox
// are one transaction.
package command

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// Refusal says why a command is not carried out.
type Refusal struct {
	Code   string // one word
	Reason string
}

// Error is part of error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Reason }

// Refuse returns a Refusal.
func Refuse(code, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// Request is what every command has.
type Request struct {
	ID      string          `json:"-"` // from the topic
	Type    string          `json:"type"`
	Expires time.Time       `json:"expires"` // or a day from now
	Local   bool            `json:"-"`       // asked at the local broker
	Body    json.RawMessage `json:"-"`       // all of the payload
}

// Handler carries out one type of command within the transaction, and returns
// what is to be in its result besides id, type and state, as something that JSON
// can encode as an object; or a Refusal. Any other error undoes everything, and
// the command counts as never received.
type Handler func(ctx context.Context, tx *sql.Tx, r Request) (any, error)

const (
	maxPayload = 4 << 10
	maxLife    = 7 * 24 * time.Hour
	defLife    = 24 * time.Hour
	resultLife = time.Hour // that an answer waits for the line
	maxRows    = 5000
)

// Schema returns the steps that make the table; see store.Migration.
func Schema() store.Migration {
	return store.Migration{Component: "commands", Steps: []string{`
		CREATE TABLE commands (
			id      TEXT PRIMARY KEY,
			at      INTEGER NOT NULL, -- Unix milliseconds
			result  BLOB NOT NULL
		) STRICT, WITHOUT ROWID;
		CREATE INDEX commands_at ON commands (at);`}}
}

// Service carries out commands. Set the fields, then use it.
type Service struct {
	Store    *store.Store
	Outbox   *outbox.Box
	Handlers map[string]Handler // by type
	Now      func() time.Time
	Log      *slog.Logger
	// Local publishes at the local broker, nil without one.
	Local func(topic string, payload []byte)
	// Done is called after each command that was carried out, nil for nobody.
	Done func()
	// Accepted hears of each command that was carried out and not refused, once that is
	// durable; nil for nobody.
	Accepted func(Request)

	mu sync.Mutex // held while a command is carried out
}

var validID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Topic returns where the result of a command is published, below the prefix.
func Topic(id string) string { return "cmd/" + id + "/result" }

// Take carries out the command of a message. An error means that it could not be
// made durable, and may be tried again.
func (s *Service) Take(ctx context.Context, topic string, payload []byte, local bool) error {
	id := strings.TrimPrefix(topic, "cmd/")
	if !validID.MatchString(id) {
		s.Log.Warn("a command was passed over: its identifier is up to 64 letters, digits, dots, dashes and underscores")
		return nil
	}
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var result []byte
	var accepted *Request
	carried := false
	err := s.Store.Tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT result FROM commands WHERE id = ?`, id).Scan(&result)
		if errors.Is(err, sql.ErrNoRows) {
			carried = true
			result, accepted, err = s.carryOut(ctx, tx, id, payload, local, now)
		}
		if err != nil {
			return err
		}
		return s.Reply(ctx, tx, id, result, local)
	})
	if err != nil {
		return fmt.Errorf("carry out command %s: %w", id, err)
	}
	s.Tell(id, result, local)
	if carried && s.Done != nil {
		s.Done()
	}
	if accepted != nil && s.Accepted != nil {
		s.Accepted(*accepted)
	}
	return nil
}

// Finish says how a command has ended that was accepted: state is done or failed.
func (s *Service) Finish(ctx context.Context, r Request, state string, detail any) error {
	result, err := Result(r.ID, r.Type, state, detail)
	if err != nil {
		return err
	}
	err = s.Store.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE commands SET result = ? WHERE id = ?`, result, r.ID); err != nil {
			return err
		}
		return s.Reply(ctx, tx, r.ID, result, r.Local)
	})
	if err != nil {
		return fmt.Errorf("end command %s: %w", r.ID, err)
	}
	s.Tell(r.ID, result, r.Local)
	return nil
}

// Reply queues a result, inside a transaction, for who did not ask at the local
// broker. Tell is to be called after the commit.
func (s *Service) Reply(ctx context.Context, tx *sql.Tx, id string, result []byte, local bool) error {
	if local {
		return nil
	}
	_, err := s.Outbox.Put(ctx, tx, outbox.Item{Lane: outbox.Reply, Topic: Topic(id), Payload: result, Expires: s.Now().Add(resultLife)})
	return err
}

// Tell publishes a result that is durable at the local broker.
func (s *Service) Tell(id string, result []byte, local bool) {
	if !local {
		s.Outbox.Wake()
	}
	if s.Local != nil {
		s.Local(Topic(id), result)
	}
}

func (s *Service) carryOut(ctx context.Context, tx *sql.Tx, id string, payload []byte, local bool, now time.Time) (result []byte, accepted *Request, err error) {
	r, err := Parse(payload, now)
	r.ID, r.Local = id, local
	var detail any
	if err == nil {
		detail, err = s.handle(ctx, tx, r)
	}
	var refusal *Refusal
	if err != nil && !errors.As(err, &refusal) {
		return nil, nil, err
	}
	state := "accepted"
	if accepted = &r; refusal != nil {
		accepted = nil
		state = "refused"
		detail = map[string]string{"error": refusal.Code, "message": refusal.Reason}
	}
	result, err = Result(id, r.Type, state, detail)
	if err != nil {
		return nil, nil, err
	}
	s.Log.Info("command", "id", id, "type", r.Type, "state", state, "local", local)
	if _, err := tx.ExecContext(ctx, `INSERT INTO commands (id, at, result) VALUES (?, ?, ?)`, id, now.UnixMilli(), result); err != nil {
		return nil, nil, fmt.Errorf("note the command: %w", err)
	}
	// An identifier is remembered for longer than any command lives.
	_, err = tx.ExecContext(ctx, `DELETE FROM commands WHERE at < ?1 OR id IN (SELECT id FROM commands ORDER BY at DESC LIMIT -1 OFFSET ?2)`,
		now.Add(-2*maxLife).UnixMilli(), maxRows)
	if err != nil {
		return nil, nil, fmt.Errorf("forget old commands: %w", err)
	}
	return result, accepted, nil
}

func (s *Service) handle(ctx context.Context, tx *sql.Tx, r Request) (any, error) {
	if !r.Expires.After(s.Now()) {
		return nil, Refuse("expired", "it was to be carried out before %s", r.Expires.UTC().Format(time.RFC3339))
	}
	h, ok := s.Handlers[r.Type]
	if !ok {
		return nil, Refuse("type", "this gateway knows no command of that type")
	}
	return h(ctx, tx, r)
}

// Parse reads the payload of a command, whose unknown keys are passed over. It
// fails with a Refusal.
func Parse(payload []byte, now time.Time) (Request, error) {
	var r Request
	if len(payload) > maxPayload {
		return r, Refuse("invalid", "%d bytes, at most %d", len(payload), maxPayload)
	}
	if err := json.Unmarshal(payload, &r); err != nil {
		return Request{}, Refuse("invalid", "it is no JSON object of the contract")
	}
	r.Body = payload
	if len(r.Type) > 32 {
		r.Type = r.Type[:32]
	}
	r.Type = strings.ToValidUTF8(r.Type, "?")
	switch {
	case r.Expires.IsZero():
		r.Expires = now.Add(defLife)
	case r.Expires.Sub(now) > maxLife:
		r.Expires = now.Add(maxLife)
	}
	return r, nil
}

// Result encodes a result: id, type and state, and the members of detail.
func Result(id, kind, state string, detail any) ([]byte, error) {
	out := map[string]any{}
	if detail != nil {
		b, err := json.Marshal(detail)
		if err == nil {
			err = json.Unmarshal(b, &out)
		}
		if err != nil {
			return nil, fmt.Errorf("encode the result of command %s: %w", id, err)
		}
	}
	out["id"], out["type"], out["state"] = id, kind, state
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode the result of command %s: %w", id, err)
	}
	return b, nil
}
