package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxVars is how many sequence numbers go into one statement.
const maxVars = 500

// querier is the database or one connection of it.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Next returns at most n items that may be sent now: by lane down to lowest,
// those before others in the queue first, none in skip, and none whose topic has
// an item before it that is not done, or whose After still waits. What has expired and is not in skip is
// removed and counted on the way.
func (b *Box) Next(ctx context.Context, n int, lowest Lane, skip map[int64]struct{}) (items []Item, err error) {
	// One connection for all of it: it queues behind the writers once.
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := b.expire(ctx, conn, skip); err != nil && ctx.Err() != nil {
		return nil, err
	} // on a full disk nothing can be removed, and alerts go out all the same
	if lowest >= Alert {
		items = b.nextVolatile(n, skip, items)
	}
	for lane := Alert; lane <= lowest && int(lane) < Lanes && len(items) < n; lane++ {
		if items, err = b.nextOf(ctx, conn, lane, n, skip, items); err != nil {
			return nil, fmt.Errorf("read the outbox: %w", err)
		}
	}
	if lowest >= Metrics {
		if items, err = b.nextOfTail(n, skip, items); err != nil {
			return nil, fmt.Errorf("read the outbox: %w", err)
		}
	}
	return items, nil
}

// nextOf appends items of one lane until there are n. It looks at the head of
// each topic only, in their order, and no further than it must. The oldest item
// of all waits for none and is the head of its topic, so there is always
// progress.
func (b *Box) nextOf(ctx context.Context, db querier, lane Lane, n int, skip map[int64]struct{}, items []Item) ([]Item, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT a.seq FROM outbox a INDEXED BY outbox_head WHERE a.lane = ? AND a.head = 1
		AND (a.after = '' OR NOT EXISTS (SELECT 1 FROM outbox k WHERE k.key = a.after AND k.key <> '' AND k.place < a.place))
		ORDER BY a.rank, a.place LIMIT ?`, lane, n-len(items)+len(skip))
	if err != nil {
		return nil, err
	}
	seqs, err := scanSeqs(rows)
	if err != nil {
		return nil, err
	}
	for _, seq := range seqs {
		if len(items) == n {
			break
		}
		if _, ok := skip[seq]; ok {
			continue
		}
		it, err := b.item(ctx, db, seq)
		if errors.Is(err, sql.ErrNoRows) {
			continue // replaced since
		}
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

func (b *Box) item(ctx context.Context, db querier, seq int64) (Item, error) {
	it := Item{Seq: seq}
	var created, expires int64
	err := db.QueryRowContext(ctx, `SELECT lane, topic, retain, key, after, created, expires, attempts, payload
		FROM outbox WHERE seq = ?`, seq).
		Scan(&it.Lane, &it.Topic, &it.Retain, &it.Key, &it.After, &created, &expires, &it.Attempts, &it.Payload)
	if err != nil {
		return Item{}, err
	}
	it.Created = time.UnixMilli(created)
	if expires != 0 {
		it.Expires = time.UnixMilli(expires)
	}
	it.Attempts += b.attempts(seq)
	return it, nil
}

// expire removes what has expired, except what is on its way. Mostly there is
// nothing, and then nothing is written.
func (b *Box) expire(ctx context.Context, db querier, skip map[int64]struct{}) error {
	gone, lanes, err := b.expired(ctx, db, skip)
	if err != nil {
		return fmt.Errorf("look for what has expired in the outbox: %w", err)
	}
	if err := b.remove(ctx, db, gone); err != nil {
		return fmt.Errorf("remove what has expired from the outbox: %w", err)
	}
	return b.tallyUp(ctx, db, lanes)
}

// Sweep removes what has expired, also while nobody sends, and makes durable
// what was counted. It is to be called about once a minute.
func (b *Box) Sweep(ctx context.Context) (err error) {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sweep the outbox: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	b.mu.Lock()
	skip := make(map[int64]struct{}, len(b.tried)) // some of them are on their way
	for seq := range b.tried {
		skip[seq] = struct{}{}
	}
	b.mu.Unlock()
	return b.expire(ctx, conn, skip)
}

// tallyUp counts what was dropped: an item of each of these lanes, and all that was
// not noted before. What cannot be noted now is noted another time.
func (b *Box) tallyUp(ctx context.Context, db querier, lanes []Lane) error {
	b.mu.Lock()
	for _, lane := range lanes {
		b.uncounted[lane].items++
	}
	all := b.uncounted
	b.uncounted = [Lanes]tally{}
	b.mu.Unlock()
	var err error
	for l, t := range all {
		if err == nil {
			err = countDropped(ctx, db, Lane(l), int(t.items), t.bytes)
		}
		if err != nil {
			b.mu.Lock()
			b.uncounted[l].items += t.items
			b.uncounted[l].bytes += t.bytes
			b.mu.Unlock()
		}
	}
	return err
}

func (b *Box) expired(ctx context.Context, db querier, skip map[int64]struct{}) (seqs []int64, lanes []Lane, err error) {
	rows, err := db.QueryContext(ctx, `SELECT seq, lane FROM outbox WHERE expires > 0 AND expires <= ? AND (? OR lane NOT IN (?, ?))
		ORDER BY expires LIMIT ?`, b.now().UnixMilli(), b.aged(), Thumbnail, Evidence, maxVars+len(skip))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var seq int64
		var lane Lane
		if err := rows.Scan(&seq, &lane); err != nil {
			return nil, nil, err
		}
		if _, ok := skip[seq]; ok || lane < 0 || int(lane) >= Lanes {
			continue
		}
		seqs, lanes = append(seqs, seq), append(lanes, lane)
	}
	return seqs, lanes, rows.Err()
}

// Sending notes that the items are about to be sent, before their first byte
// leaves. It writes to the database once in the life of the process. An error
// means that after a kill the items would not be known as possibly sent; they
// may be sent nevertheless.
func (b *Box) Sending(ctx context.Context, seqs ...int64) error {
	b.mu.Lock()
	for _, seq := range seqs {
		b.tried[seq]++
	}
	b.mu.Unlock()
	b.noteMu.Lock()
	defer b.noteMu.Unlock()
	if b.noted {
		return nil
	}
	if _, err := b.db.ExecContext(ctx, `UPDATE outbox_sender SET sending = 1`); err != nil {
		return fmt.Errorf("note that the outbox is being sent: %w", err)
	}
	b.noted = true
	return nil
}

// Done removes items that the receiver has acknowledged, all in one write. To
// remove one that is not there is no error.
func (b *Box) Done(ctx context.Context, seqs ...int64) error {
	if err := b.remove(ctx, b.db, b.doneInTail(b.doneVolatile(seqs))); err != nil {
		return fmt.Errorf("remove %d acknowledged items from the outbox: %w", len(seqs), err)
	}
	return nil
}

func (b *Box) remove(ctx context.Context, db querier, seqs []int64) error {
	for len(seqs) > 0 {
		part := seqs[:min(len(seqs), maxVars)]
		seqs = seqs[len(part):]
		args := make([]any, len(part))
		for i, seq := range part {
			args[i] = seq
		}
		_, err := db.ExecContext(ctx, `DELETE FROM outbox WHERE seq IN (?`+strings.Repeat(`, ?`, len(part)-1)+`)`, args...)
		if err != nil {
			return err
		}
		b.mu.Lock()
		for _, seq := range part {
			delete(b.tried, seq)
		}
		b.mu.Unlock()
	}
	return nil
}

// Close notes durably what was tried and is not done, so that the next process
// knows it exactly. It leaves the database open. The box must not be used
// afterwards.
func (b *Box) Close(ctx context.Context) (err error) {
	b.noteMu.Lock()
	defer b.noteMu.Unlock()
	b.mu.Lock()
	nothing := !b.noted && len(b.tried) == 0
	b.mu.Unlock()
	if nothing {
		return nil
	}
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("note what was sent from the outbox: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("note what was sent from the outbox: %w", err)
			if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
				err = errors.Join(err, rerr)
			}
		}
	}()
	b.mu.Lock()
	defer b.mu.Unlock()
	for seq, n := range b.tried {
		if _, err := tx.ExecContext(ctx, `UPDATE outbox SET attempts = attempts + ? WHERE seq = ?`, n, seq); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE outbox_sender SET sending = 0`); err != nil {
		return err
	}
	b.noted = false
	return tx.Commit()
}
