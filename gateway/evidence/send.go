package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/command"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

const (
	// Piece is how many bytes of a file a message has: two thirds of a second of a
	// line of 64 kbit/s, header included.
	Piece = 5 << 10
	// queuedPieces is how many references to pieces wait in the outbox for each
	// transfer. They are small; the bytes are read when they are sent.
	queuedPieces = 64
	maxTransfers = 8
	topUpEvery   = 200 * time.Millisecond
	// localPause keeps a transfer at the local broker below 1.5 MB a second, so that
	// a slow client's queue takes it.
	localPause = 5 * time.Millisecond
)

// Header is the first line of a piece's payload.
type Header struct {
	Alert  string `json:"alert"`
	Part   string `json:"part"`
	Media  string `json:"media"` // video/mp4, image/jpeg or audio/wav
	Offset int64  `json:"offset"`
	Length int    `json:"length"` // bytes after the newline
	Total  int64  `json:"total"`  // bytes of the file
	SHA256 string `json:"sha256"` // of the whole file, in hexadecimal
}

// ref is what stands in the outbox for a piece.
type ref struct {
	Alert  string `json:"a"`
	Part   string `json:"p"`
	Offset int64  `json:"o"`
}

// Topic returns where a piece is published, below the prefix.
func Topic(alert, part string, offset int64) string {
	return prefixOf(alert, part) + strconv.FormatInt(offset, 10)
}

func prefixOf(alert, part string) string { return "evidence/" + alert + "/" + part + "/" }

// Sender sends files to who asks for them.
type Sender struct {
	*Folder
	Outbox   *outbox.Box
	Commands *command.Service
	// Publish publishes at the local broker, nil without one.
	Publish func(topic string, payload []byte)

	more chan struct{}
}

// NewSender returns a Sender for files of a folder.
func NewSender(f *Folder, box *outbox.Box) *Sender {
	return &Sender{Folder: f, Outbox: box, more: make(chan struct{}, 1)}
}

// Wake says that a command may have begun a transfer.
func (s *Sender) Wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// answer is what a command's result says.
type answer struct {
	Alert  string `json:"alert"`
	Part   string `json:"part"`
	Media  string `json:"media"`
	From   int64  `json:"from"`
	Piece  int    `json:"piece"`
	Total  int64  `json:"total"`
	SHA256 string `json:"sha256"`
}

// Handle is the command.Handler of {"type":"evidence","alert":…,"part":"clip",
// "from":byte}.
func (s *Sender) Handle(ctx context.Context, tx *sql.Tx, r command.Request) (any, error) {
	var ask struct {
		Alert string `json:"alert"`
		Part  string `json:"part"`
		From  int64  `json:"from"`
	}
	if err := json.Unmarshal(r.Body, &ask); err != nil {
		return nil, command.Refuse("invalid", "alert and part are texts, from is a number")
	}
	if ask.Part == "" {
		ask.Part = Clip
	}
	if _, err := ulid.ParseStrict(ask.Alert); err != nil || extension(ask.Part) == "" {
		return nil, command.Refuse("invalid", "alert is an alert's id, part is clip, picture or voice")
	}
	file, found, err := s.Find(ctx, tx, ask.Alert, ask.Part)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, s.absent(ctx, tx, ask.Alert)
	}
	if ask.From < 0 || ask.From >= file.Bytes {
		return nil, command.Refuse("range", "from is a byte from 0 to %d", file.Bytes-1)
	}
	// A newer request for the same file takes the older one's place.
	if _, err := tx.ExecContext(ctx, `DELETE FROM evidence_transfers WHERE alert = ? AND part = ? AND local = ?`, ask.Alert, ask.Part, r.Local); err != nil {
		return nil, fmt.Errorf("end an older transfer: %w", err)
	}
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM evidence_transfers`).Scan(&n); err != nil {
		return nil, fmt.Errorf("count transfers: %w", err)
	}
	if n >= maxTransfers {
		return nil, command.Refuse("busy", "%d files are being sent, ask again when one is through", n)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO evidence_transfers (command, alert, part, next, expires, local) VALUES (?, ?, ?, ?, ?, ?)`,
		r.ID, ask.Alert, ask.Part, ask.From, r.Expires.UnixMilli(), r.Local)
	if err != nil {
		return nil, fmt.Errorf("begin a transfer: %w", err)
	}
	return answer{ask.Alert, ask.Part, mediaType(ask.Part), ask.From, Piece, file.Bytes, file.SHA256}, nil
}

// absent says why there is no file.
func (s *Sender) absent(ctx context.Context, tx *sql.Tx, alert string) error {
	_, found, err := store.AlertByID(ctx, tx, alert)
	switch {
	case err != nil:
		return err
	case !found:
		return command.Refuse("unknown", "there is no such alert here")
	}
	return command.Refuse("gone", "that was not kept, not yet, or no longer")
}

// transfer is a row of evidence_transfers.
type transfer struct {
	command string
	file    File
	next    int64
	expires time.Time
	local   bool
}

// Run sends until ctx ends. A transfer that was under way when the process ended
// goes on.
func (s *Sender) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.more:
		case <-timer.C:
		}
		n, err := s.step(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.Log.Error("sending evidence", "error", err)
			timer.Reset(10 * time.Second)
		case n > 0:
			timer.Reset(topUpEvery)
		}
	}
}

// step takes each transfer some way on, and returns how many there are.
func (s *Sender) step(ctx context.Context) (int, error) {
	all, err := s.transfers(ctx)
	if err != nil {
		return 0, err
	}
	for _, t := range all {
		if t.local && t.expires.After(s.Now()) {
			err = s.stepLocal(ctx, t)
		} else {
			err = s.stepOut(ctx, t)
		}
		if err != nil {
			return 0, fmt.Errorf("%s of alert %s: %w", t.file.Part, t.file.Alert, err)
		}
	}
	return len(all), nil
}

func (s *Sender) transfers(ctx context.Context) (all []transfer, err error) {
	rows, err := s.Store.DB().QueryContext(ctx, `SELECT t.command, t.next, t.expires, t.local, e.alert, e.part, e.name, e.bytes, e.sha256
		FROM evidence_transfers t JOIN evidence e ON e.alert = t.alert AND e.part = t.part ORDER BY t.command`)
	if err != nil {
		return nil, fmt.Errorf("read the transfers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t transfer
		var expires int64
		if err := rows.Scan(&t.command, &t.next, &expires, &t.local, &t.file.Alert, &t.file.Part, &t.file.Name, &t.file.Bytes, &t.file.SHA256); err != nil {
			return nil, fmt.Errorf("read the transfers: %w", err)
		}
		t.expires = time.UnixMilli(expires)
		all = append(all, t)
	}
	return all, rows.Err()
}

// stepOut queues references for the uplink, and ends a transfer whose pieces have
// all been acknowledged, or whose time is over.
func (s *Sender) stepOut(ctx context.Context, t transfer) error {
	state, queued := "", false
	var result []byte
	err := s.Store.Tx(ctx, func(tx *sql.Tx) error {
		waiting, err := s.Outbox.Waiting(ctx, tx, prefixOf(t.file.Alert, t.file.Part))
		if err != nil {
			return err
		}
		switch {
		case !t.expires.After(s.Now()):
			state = "expired"
		case t.next >= t.file.Bytes && waiting == 0:
			state = "done"
		case waiting > queuedPieces/2 || t.next >= t.file.Bytes:
			return nil
		default:
			queued = true
			return s.queue(ctx, tx, t, queuedPieces-waiting)
		}
		if result, err = s.end(ctx, tx, t, state); err != nil {
			return err
		}
		return s.Commands.Reply(ctx, tx, t.command, result, t.local)
	})
	if err != nil {
		return err
	}
	if queued {
		s.Outbox.Wake()
	}
	if state != "" {
		s.Commands.Tell(t.command, result, t.local)
	}
	return nil
}

// queue puts at most n references into the outbox.
func (s *Sender) queue(ctx context.Context, tx *sql.Tx, t transfer, n int) error {
	next := t.next
	for ; n > 0 && next < t.file.Bytes; n-- {
		topic := Topic(t.file.Alert, t.file.Part, next)
		waits, err := s.Outbox.Pending(ctx, tx, topic)
		if err != nil {
			return err
		}
		if !waits { // an older request has not queued the same
			payload, err := json.Marshal(ref{t.file.Alert, t.file.Part, next})
			if err != nil {
				return err
			}
			seq, err := s.Outbox.Put(ctx, tx, outbox.Item{Lane: outbox.Evidence, Topic: topic, Payload: payload, Expires: t.expires})
			if err != nil {
				return err
			}
			if seq == 0 { // no room on the disk now
				break
			}
		}
		next += Piece
	}
	_, err := tx.ExecContext(ctx, `UPDATE evidence_transfers SET next = ? WHERE command = ?`, next, t.command)
	if err != nil {
		return fmt.Errorf("note how far a transfer is: %w", err)
	}
	return nil
}

// end removes a transfer and returns its last result.
func (s *Sender) end(ctx context.Context, tx *sql.Tx, t transfer, state string) ([]byte, error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM evidence_transfers WHERE command = ?`, t.command); err != nil {
		return nil, fmt.Errorf("end a transfer: %w", err)
	}
	s.Log.Info("evidence sent", "command", t.command, "alert", t.file.Alert, "part", t.file.Part, "state", state)
	return command.Result(t.command, "evidence", state, map[string]any{
		"alert": t.file.Alert, "part": t.file.Part, "total": t.file.Bytes, "sha256": t.file.SHA256,
	})
}

// stepLocal publishes pieces at the local broker for a while. It notes how far it
// is now and then only: after a kill some pieces come again.
func (s *Sender) stepLocal(ctx context.Context, t transfer) error {
	for range 4 * queuedPieces {
		if t.next >= t.file.Bytes || s.Publish == nil {
			break
		}
		payload, err := s.piece(t.file, t.next)
		if err != nil {
			return err
		}
		s.Publish(Topic(t.file.Alert, t.file.Part, t.next), payload)
		t.next += Piece
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(localPause):
		}
	}
	var result []byte
	err := s.Store.Tx(ctx, func(tx *sql.Tx) (err error) {
		if t.next < t.file.Bytes {
			_, err = tx.ExecContext(ctx, `UPDATE evidence_transfers SET next = ? WHERE command = ?`, t.next, t.command)
			return err
		}
		result, err = s.end(ctx, tx, t, "done")
		return err
	})
	if err == nil && result != nil {
		s.Commands.Tell(t.command, result, true)
	}
	return err
}

// Render makes a piece of a reference from the outbox. It fails with
// os.ErrNotExist once the file is gone.
func (s *Sender) Render(ctx context.Context, payload []byte) ([]byte, error) {
	var r ref
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, fmt.Errorf("read a reference to evidence: %w", err)
	}
	file, err := scanFile(s.Store.DB().QueryRowContext(ctx, `SELECT `+fileColumns+` FROM evidence WHERE alert = ? AND part = ?`, r.Alert, r.Part))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%s of alert %s: %w", r.Part, r.Alert, os.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("look for evidence: %w", err)
	}
	return s.piece(file, r.Offset)
}

func (s *Sender) piece(file File, offset int64) ([]byte, error) {
	if offset < 0 || offset >= file.Bytes {
		return nil, fmt.Errorf("byte %d of %d", offset, file.Bytes)
	}
	f, err := os.Open(filepath.Join(s.Dir, file.Name))
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	defer f.Close()
	h := Header{
		Alert: file.Alert, Part: file.Part, Media: mediaType(file.Part), Offset: offset,
		Length: int(min(Piece, file.Bytes-offset)), Total: file.Bytes, SHA256: file.SHA256,
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	out := append(head, '\n')
	out = append(out, make([]byte, h.Length)...)
	if _, err := f.ReadAt(out[len(out)-h.Length:], offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return out, nil
}

// Is reports whether a topic is one of pieces.
func Is(topic string) bool { return strings.HasPrefix(topic, "evidence/") }
