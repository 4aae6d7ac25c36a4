package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"time"
)

const (
	// MaxPicture is how many bytes the whole picture of an alert may have; gateways keep 960 KiB at most.
	MaxPicture = 1 << 20
	// maxPixels bounds what a browser makes of a picture, at four bytes each.
	maxPixels = 40_000_000
)

// ErrPicture means that bytes are no picture that a page can show.
var ErrPicture = errors.New("no JPEG, or too large a one")

// Illustrate gives an alert of a gateway, whose own picture was missed, the whole one, a JPEG. It returns the
// number of the change. It fails with ErrPicture, or with ErrUnknown if the gateway has no such alert.
func (l *Ledger) Illustrate(ctx context.Context, g Gateway, id string, picture []byte) (seq int64, err error) {
	size, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	if err != nil || len(picture) > MaxPicture || size.Width*size.Height > maxPixels {
		return 0, ErrPicture
	}
	err = l.tx(ctx, func(t *tx) error {
		var known int
		if err := t.row(`SELECT count(*) FROM alerts WHERE id = ? AND gateway = ?`, id, string(g)).Scan(&known); err != nil {
			return err
		}
		if known == 0 {
			return ErrUnknown
		}
		_, err := t.illustrate(g, id, picture)
		seq = t.seq
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take the picture of %.30q: %w", id, err)
	}
	return seq, nil
}

// Missed returns the open alerts of severity 1 and 2 that have no picture here and were not claimed, of those detected
// since one time and first heard before another: the gravest and then the newest first, at most 500.
func (l *Ledger) Missed(ctx context.Context, since, before time.Time) ([]Card, error) {
	return l.cards(ctx, `WHERE is_open = 1 AND severity <= 2 AND detected >= ? AND heard <= ?
		AND NOT EXISTS (SELECT 1 FROM thumbs WHERE thumbs.alert = alerts.id)
		AND NOT EXISTS (SELECT 1 FROM asked WHERE asked.alert = alerts.id)
		ORDER BY severity, detected DESC, id DESC LIMIT ?`, millis(since), millis(before), maxOpen)
}

// Claim says whether an alert's picture may be asked for by itself: of each alert once, by one of the consoles that
// share the ledger, and at most so many of a gateway since a time.
func (l *Ledger) Claim(ctx context.Context, c *Card, since time.Time, most int) (ok bool, err error) {
	err = l.tx(ctx, func(t *tx) error {
		var n int
		if err := t.row(`SELECT count(*) FROM asked WHERE gateway = ? AND at > ?`, string(c.Where), millis(since)).Scan(&n); err != nil || n >= most {
			return err
		}
		res, err := t.exec(`INSERT INTO asked (alert, gateway, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, c.ID, string(c.Where), millis(l.now()))
		if err != nil {
			return err
		}
		rows, err := res.RowsAffected()
		ok = rows == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("claim the picture of alert %s: %w", c.ID, err)
	}
	return ok, nil
}
