package ledger

import (
	"context"
	"strings"
	"time"
)

// Filter chooses alerts of the past. Zero fields choose all.
type Filter struct {
	From, To time.Time // of detection
	Kind     string
	Gateway  Gateway
	Device   string   // some of its identifier, in upper or lower case
	Named    []Device // beside those, if Device says any
	State    string
	Before   string // the last identifier of the page before
	Limit    int    // 50 when 0, at most 500
}

// Device is one of a gateway.
type Device struct {
	Gateway Gateway
	ID      string
}

// Past returns alerts, the newest first.
func (l *Ledger) Past(ctx context.Context, f Filter) ([]Card, error) {
	where, args := f.where()
	if f.Before != "" {
		where, args = where+` AND id < ?`, append(args, f.Before)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	return l.cards(ctx, where+` ORDER BY id DESC LIMIT ?`, append(args, min(limit, 500))...)
}

func (f *Filter) where() (string, []any) {
	where, args := `WHERE 1 = 1`, []any{}
	add := func(cond string, v any) { where, args = where+` AND `+cond, append(args, v) }
	if !f.From.IsZero() {
		add(`detected >= ?`, millis(f.From))
	}
	if !f.To.IsZero() {
		add(`detected < ?`, millis(f.To))
	}
	for column, v := range map[string]string{"kind": f.Kind, "gateway": string(f.Gateway), "state": f.State} {
		if v != "" {
			add(column+` = ?`, v)
		}
	}
	if f.Device != "" {
		like := strings.NewReplacer(`!`, `!!`, `%`, `!%`, `_`, `!_`).Replace(strings.ToLower(f.Device))
		where, args = where+` AND (lower(device) LIKE ? ESCAPE '!'`, append(args, "%"+like+"%")
		for _, d := range f.Named {
			where, args = where+` OR (gateway = ? AND device = ?)`, append(args, string(d.Gateway), d.ID)
		}
		where += `)`
	}
	return where, args
}
