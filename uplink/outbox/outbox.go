// Package outbox is a durable store-and-forward queue: what is to leave the box
// waits here until somebody outside has said that he has it.
//
// It is three tables in an SQLite database that the caller owns. The caller
// runs the steps of Schema, adds items inside transactions of its own, so that
// an alert and its outbox row are there together or not at all, and calls Wake
// after the commit. A sender asks Next for what to send, calls Sending before
// the first byte leaves and Done once the receiver has acknowledged.
//
// # Order
//
// Lanes have strict priority. Within a lane the lower Rank goes first, such as an
// alert's severity, and among equals the older. A topic
// has at most one item on its way: the second is handed out only after the
// first is done, whatever lane it is in. A retained topic therefore ends with
// the newest item, over any number of reconnects, and an empty retained payload,
// which clears a topic, never overtakes the text that it clears.
//
// # Conflation
//
// In the lanes Alert, State and Metrics an item takes the place of the unsent
// ones of its key that stand last on its topic, for a later revision contains
// everything of the earlier, and a receiver keeps the highest. A day without a
// line thus leaves one text of an alert that was raised a thousand times. It
// also takes their place in the queue: it waits no longer for being newer, and
// what waits for the text by After still waits for it, and an alert keeps the time since
// when it waits. What may be on its way
// stays, and so does all that stands before it. An empty payload in the Alert
// lane, which clears a topic, neither replaces nor is replaced, so that the
// text before it, which says how the alert ended, is always sent.
//
// A text in the Alert lane also takes away what stands last on its topic in the lane State,
// which is an earlier text of it that is published again, and makes whatever has to stay before it on the topic as
// urgent as it is itself: no alert waits behind what its budget or a backlog holds back.
//
// # Limits
//
// Each lane has a limit in bytes and in age. A lane that is full loses its oldest
// items, in one go somewhat more than needed, except for alerts, which are never
// dropped. Metrics go through a [Tail] instead, which folds them first. While the
// disk is nearly full only Alert and Reply take anything. All that is dropped is
// counted, and the counts outlive the process: see Stats.
//
// # Acknowledgement
//
// Items are removed by sequence number, which SQLite never gives twice. Removing
// one again is no error, and a gap never moves the rest.
//
// # Repetition
//
// A receiver wants to know whether it may have seen an item before, also after
// the sender was killed. A write for every item sent would double the wear of
// the flash for that. Instead the first Sending of a process notes durably that
// things are being sent, and Close notes what was tried and withdraws it. A
// process that finds the note knows that its predecessor was killed, and takes
// whatever is there for possibly sent.
package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Lane is a class of items. A lower one goes first.
type Lane int

// The lanes, the most urgent first.
const (
	Alert     Lane = iota // an alert's text, and the clearing of its topic
	Reply                 // acknowledgements and results of commands
	Thumbnail             // an alert's small picture
	State                 // a device's state; only the newest matters
	Evidence              // clips and pictures on request
	Metrics               // batched readings
)

// Lanes is the number of lanes.
const Lanes = int(Metrics) + 1

// MaxPayload is the longest payload of an item, in bytes: eight seconds of a
// line of 64 kbit/s, for an alert may have to wait for one.
const MaxPayload = 64 << 10

// ErrInvalid means that an item can never be sent as it is.
var ErrInvalid = errors.New("invalid outbox item")

// String returns the lane's name, as metrics show it.
func (l Lane) String() string {
	switch l {
	case Alert:
		return "alert"
	case Reply:
		return "reply"
	case Thumbnail:
		return "thumbnail"
	case State:
		return "state"
	case Evidence:
		return "evidence"
	case Metrics:
		return "metrics"
	default:
		return fmt.Sprintf("lane(%d)", int(l))
	}
}

// Item is one message on its way out.
type Item struct {
	// Seq is given by Put. It grows and is never given twice.
	Seq  int64
	Lane Lane
	// Topic is relative to the gateway's prefix, without a leading slash.
	Topic  string
	Retain bool
	// Key names what the item is about, such as an alert's id. In the lanes
	// Alert, State and Metrics an item replaces unsent ones of the same lane,
	// key and topic; see the package's documentation.
	Key string
	// After is a Key. The item waits until every item with that Key that stands
	// before it is done: a thumbnail waits for its alert's text, be it a later
	// revision by then.
	After string
	// Rank is the item's place among those of its lane: the lower goes first. It moves
	// no item before another of its topic.
	Rank    int
	Payload []byte
	// Created is set by Put when it is zero. It is kept in milliseconds. An alert that
	// takes the place of others has that of the first of them: so long has it waited.
	Created time.Time
	// Expires is when the item is worth nothing any more; never when zero. An
	// alert cannot expire.
	Expires time.Time
	// Attempts is how often the item may have been sent before. After a kill it
	// is at least one for everything that the killed process may have sent.
	Attempts int
}

func (it *Item) check() error {
	switch {
	case it.Lane < 0 || int(it.Lane) >= Lanes:
		return fmt.Errorf("%w: no such lane: %d", ErrInvalid, int(it.Lane))
	case it.Topic == "" || len(it.Topic) > 1024 || !utf8.ValidString(it.Topic) ||
		strings.ContainsAny(it.Topic, "+#\x00") || strings.HasPrefix(it.Topic, "/"):
		return fmt.Errorf("%w: topic %.100q", ErrInvalid, it.Topic)
	case len(it.Payload) > MaxPayload:
		return fmt.Errorf("%w: %d bytes of payload on %s, at most %d can be sent", ErrInvalid, len(it.Payload), it.Topic, MaxPayload)
	case it.Lane == Alert && !it.Expires.IsZero():
		return fmt.Errorf("%w: the alert on %s has an expiry", ErrInvalid, it.Topic)
	}
	return nil
}

// Box is the queue. Its methods may be called from several goroutines, but only
// one sender may use Next, Sending and Done. A method that takes no transaction
// waits for the one that is open if the database has a single connection, so
// none may be called from inside a transaction.
type Box struct {
	db  *sql.DB
	now func() time.Time

	noteMu sync.Mutex // held while the note of sending is written
	noted  bool       // guarded by noteMu

	mu      sync.Mutex
	tried   map[int64]int // guarded by mu: attempts of this process, by sequence
	suspect int64         // guarded by mu: up to here a killed process may have sent
	changed chan struct{} // guarded by mu: closed and replaced by Wake
	// atMost is how many bytes a lane has at the most, guarded by mu. Nobody
	// counts down when items go, so that only a lane that seems full is measured.
	atMost    [Lanes]int64
	uncounted [Lanes]tally // guarded by mu: dropped, and not noted durably yet

	volatile    []Item // guarded by mu
	volatileSeq int64  // guarded by mu

	limits Limits
	room   func() bool
	aged   func() bool
	tail   Tail
}

// tally is how much was dropped.
type tally struct {
	items uint64
	bytes int64
}

// Option changes what New makes.
type Option func(*Box)

// WithLimits sets the limits of the lanes, DefaultLimits otherwise.
func WithLimits(l Limits) Option { return func(b *Box) { b.limits = l } }

// WithRoom has room asked before every Put. While it says that the disk has
// none, only the lanes Alert and Reply are taken, and the rest is dropped and
// counted.
func WithRoom(room func() bool) Option { return func(b *Box) { b.room = room } }

// WithAged has aged asked whether the clock may be believed so far that thumbnails and evidence
// expire by it.
func WithAged(aged func() bool) Option { return func(b *Box) { b.aged = aged } }

// WithMetrics puts a tail behind the lanes.
func WithMetrics(t Tail) Option { return func(b *Box) { b.tail = t } }

// New returns the queue in db, in which the steps of Schema have been run. now
// is the clock by which items expire, time.Now when nil.
func New(ctx context.Context, db *sql.DB, now func() time.Time, options ...Option) (*Box, error) {
	if now == nil {
		now = time.Now
	}
	b := &Box{db: db, now: now, tried: map[int64]int{}, changed: make(chan struct{}), limits: DefaultLimits(),
		room: func() bool { return true }, aged: func() bool { return true }}
	for _, o := range options {
		o(b)
	}
	// One statement, and one that writes only after a kill.
	_, err := db.ExecContext(ctx, `UPDATE outbox_sender SET sending = 0,
		suspect = max(suspect, coalesce((SELECT max(seq) FROM outbox), 0)) WHERE sending = 1`)
	if err != nil {
		return nil, fmt.Errorf("read what an earlier process was sending: %w", err)
	}
	if err := db.QueryRowContext(ctx, `SELECT suspect FROM outbox_sender`).Scan(&b.suspect); err != nil {
		return nil, fmt.Errorf("read what an earlier process was sending: %w", err)
	}
	for l := range b.atMost {
		if b.atMost[l], err = laneBytes(ctx, db, Lane(l)); err != nil {
			return nil, fmt.Errorf("measure the outbox: %w", err)
		}
	}
	if b.tail != nil {
		b.tail.Notify(b.Wake)
	}
	return b, nil
}

// Put adds an item inside the caller's transaction and returns its sequence
// number, or 0 if the item was dropped since the disk has no room for its lane. It
// fails with ErrInvalid if the item could never be sent. The caller calls Wake
// once the transaction is committed.
func (b *Box) Put(ctx context.Context, tx *sql.Tx, it Item) (int64, error) {
	if err := it.check(); err != nil {
		return 0, err
	}
	if it.Created.IsZero() {
		it.Created = b.now()
	}
	size := int64(len(it.Payload)+len(it.Topic)) + overhead
	if it.Lane > Reply && !b.room() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.uncounted[it.Lane].items++
		b.uncounted[it.Lane].bytes += size
		return 0, nil
	}
	place, since, err := b.replace(ctx, tx, it)
	if err != nil {
		return 0, fmt.Errorf("replace an older %s in the outbox: %w", it.Topic, err)
	}
	if it.Lane == Alert {
		it.Created = since
	}
	if err := urge(ctx, tx, it); err != nil {
		return 0, fmt.Errorf("send what is before %s in the outbox: %w", it.Topic, err)
	}
	if it.Payload == nil {
		it.Payload = []byte{} // nil would be NULL
	}
	// Places grow along a topic, so the new row is its head only if it is alone.
	res, err := tx.ExecContext(ctx, `INSERT INTO outbox (place, lane, head, topic, retain, key, after, created, expires, size, payload, rank)
		VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM outbox WHERE topic = ?3), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`,
		place, it.Lane, it.Topic, it.Retain, it.Key, it.After, it.Created.UnixMilli(), toMilli(b.expiry(it)), size, it.Payload, it.Rank)
	if err != nil {
		return 0, fmt.Errorf("put %s into the outbox: %w", it.Topic, err)
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return 0, fmt.Errorf("put %s into the outbox: %w", it.Topic, err)
	}
	if place == 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE outbox SET place = seq WHERE seq = ?`, seq); err != nil {
			return 0, fmt.Errorf("put %s into the outbox: %w", it.Topic, err)
		}
	}
	if err := b.makeRoom(ctx, tx, it.Lane, size); err != nil {
		return 0, fmt.Errorf("make room in the outbox: %w", err)
	}
	return seq, nil
}

// conflates reports whether an item replaces, and is replaced by, others of its
// lane, topic and key.
func (it *Item) conflates() bool {
	return it.Key != "" && (it.Lane == State || it.Lane == Metrics || it.Lane == Alert && len(it.Payload) > 0)
}

// replace removes the items that it makes worthless and returns the place in
// the queue that they leave, 0 if there were none, and the earliest time that one
// of them, or it itself, was created. It goes back from the end of
// the topic to the first item that has to stay: nothing is overtaken by what
// takes over a place.
func (b *Box) replace(ctx context.Context, tx *sql.Tx, it Item) (place int64, since time.Time, err error) {
	since = it.Created
	if !it.conflates() {
		return 0, since, nil
	}
	for {
		var seq, at, created int64
		var replaced, again bool
		err := tx.QueryRowContext(ctx, `SELECT seq, place, created, lane = ?2 AND key = ?3 AND attempts = 0 AND (lane <> ?4 OR length(payload) > 0),
			lane = ?5 AND ?2 = ?4 AND attempts = 0
			FROM outbox WHERE topic = ?1 ORDER BY place DESC LIMIT 1`, it.Topic, it.Lane, it.Key, Alert, State).Scan(&seq, &at, &created, &replaced, &again)
		if errors.Is(err, sql.ErrNoRows) {
			return place, since, nil
		}
		if err != nil {
			return 0, since, err
		}
		if !replaced && !again || b.attempts(seq) > 0 {
			return place, since, nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE seq = ?`, seq); err != nil {
			return 0, since, err
		}
		if again { // that it waits says nothing of the alert
			continue
		}
		place = at
		if t := time.UnixMilli(created); t.Before(since) {
			since = t
		}
	}
}

// urge makes what stands before an alert's text on its topic as urgent as that.
func urge(ctx context.Context, tx *sql.Tx, it Item) error {
	if it.Lane != Alert || len(it.Payload) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET rank = iif(lane = ?2, min(rank, ?3), ?3), lane = ?2
		WHERE topic = ?1 AND (lane > ?2 OR rank > ?3)`, it.Topic, Alert, it.Rank)
	return err
}

// attempts returns how often seq may have been sent, as far as the row itself
// does not know.
func (b *Box) attempts(seq int64) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.tried[seq]
	if seq > 0 && seq <= b.suspect { // a tail numbers anew in each process
		n++
	}
	return n
}

// Wake tells the sender that items have been committed.
func (b *Box) Wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// Changed returns a channel that the next Wake closes. A sender takes it before
// it calls Next, so that nothing committed in between is overlooked.
func (b *Box) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func scanSeqs(rows *sql.Rows) (seqs []int64, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		seqs = append(seqs, seq)
	}
	return seqs, rows.Err()
}
