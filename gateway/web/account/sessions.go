package account

import (
	"context"
	"slices"
	"time"
)

// Active is a session as others see it.
type Active struct {
	ID      string    `json:"id"` // the begin of the hash of its token, which opens nothing
	User    string    `json:"user"`
	Role    Role      `json:"role"`
	Origin  string    `json:"origin"` // where it began, an IP address
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Own     bool      `json:"own"` // it is the one that asks
}

const sessionID = 16 // hexadecimal digits

// Sessions lists the sessions, of one user or with an empty name of all, those that
// were used last first. token is that of who asks.
func (a *Accounts) Sessions(user, token string) []Active {
	now, all := a.Now(), []Active{}
	a.mu.Lock()
	for key, s := range a.sessions {
		if s.over(now) || user != "" && s.user != user {
			continue
		}
		all = append(all, Active{
			ID: key[:sessionID], User: s.user, Role: s.role, Origin: s.origin, Created: s.created.UTC(), Seen: s.seen.UTC(),
			Own: token != "" && key == digest(token),
		})
	}
	a.mu.Unlock()
	slices.SortFunc(all, func(x, y Active) int { return y.Seen.Compare(x.Seen) })
	return all
}

// End ends a session by its ID, of one user or with an empty name of anybody. It
// returns ErrUnknown if there is none.
func (a *Accounts) End(ctx context.Context, by Actor, user, id string) error {
	key, of := "", ""
	a.mu.Lock()
	for k, s := range a.sessions {
		if k[:sessionID] == id && (user == "" || s.user == user) {
			key, of = k, s.user
			delete(a.sessions, k)
		}
	}
	a.mu.Unlock()
	if key == "" {
		return ErrUnknown
	}
	a.exec(ctx, `DELETE FROM web_sessions WHERE token = ?`, key)
	a.Audit(ctx, by, "session.end", of)
	return nil
}
