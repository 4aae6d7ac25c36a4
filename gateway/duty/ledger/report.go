package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
)

// ulidAt is the least identifier of a moment.
func ulidAt(at time.Time) string {
	var u ulid.ULID
	_ = u.SetTime(ulid.Timestamp(at)) // it fails after the year 10889
	return u.String()
}

// Report is what a quarterly assessment asks for. Shares are of the alerts that they can be said of,
// tests and messages of the gateways themselves left out.
type Report struct {
	From, To time.Time
	Total    int
	Open     int
	Kinds    []Count
	Places   []Count // gateway and device
	// Hours counts alerts by day of the week, Monday first, and hour of detection.
	Hours    [7][24]int
	Severity [4]int
	Response Spread // from detection to the first answer
	Handling Spread // from detection to handled
	Passed   Spread // from detection to when it was here
	// In time: of all that were due, answered within the time that the gateway gave, handled so,
	// and here within PassWithin.
	Responded, HandledIn, PassedIn Share
	FalseAlarms                    []Count // by device; Of is how many alerts it raised
}

// PassWithin is how soon an alert must be here to count as passed on in time.
const PassWithin = time.Minute

// Count is how often something occurred.
type Count struct {
	Name  string
	Count int
	Of    int
}

// Share is how many of how many.
type Share struct{ In, Of int }

// Percent returns the share, or false if there is nothing to share.
func (s Share) Percent() (float64, bool) {
	if s.Of == 0 {
		return 0, false
	}
	return 100 * float64(s.In) / float64(s.Of), true
}

// Spread is how long something took.
type Spread struct {
	Count       int
	Median, P90 time.Duration

	all []time.Duration
}

func (s *Spread) add(d time.Duration) { s.all = append(s.all, max(d, 0)) }

func (s *Spread) finish() {
	slices.Sort(s.all)
	s.Count = len(s.all)
	if s.Count > 0 {
		s.Median, s.P90 = s.all[(s.Count-1)/2], s.all[(s.Count*9-1)/10]
	}
	s.all = nil
}

// Report counts the alerts that were detected from one time to another, in the days and hours of
// a place.
func (l *Ledger) Report(ctx context.Context, from, to time.Time, in *time.Location) (*Report, error) {
	r := &Report{From: from, To: to}
	kinds, places, wrong := map[string]int{}, map[string]int{}, map[string]int{}
	now := l.now()
	err := l.query(ctx, func(rows *sql.Rows) error {
		var x reported
		if err := rows.Scan(&x.gateway, &x.device, &x.kind, &x.state, &x.severity, &x.synced, &x.detected, &x.heard,
			&x.acknowledged, &x.handled, &x.respondBy, &x.handleBy); err != nil {
			return err
		}
		kinds[x.kind]++
		place := shortPath(x.gateway) + " " + x.device
		places[place]++
		if x.state == alert.False {
			wrong[place]++
		}
		r.take(x, now, in)
		return nil
	}, `SELECT gateway, device, kind, state, severity, synced, detected, heard, acknowledged, handled, respond_by, handle_by
		FROM alerts WHERE detected >= ? AND detected < ? AND kind NOT IN ('test', 'system')`, millis(from), millis(to))
	if err != nil {
		return nil, fmt.Errorf("count alerts for a report: %w", err)
	}
	for _, s := range []*Spread{&r.Response, &r.Handling, &r.Passed} {
		s.finish()
	}
	r.Kinds, r.Places = counts(kinds), counts(places)
	r.FalseAlarms = counts(wrong)
	for i := range r.FalseAlarms {
		r.FalseAlarms[i].Of = places[r.FalseAlarms[i].Name]
	}
	return r, nil
}

// shortPath leaves the prefix out, which is the same for all.
func shortPath(g string) string {
	parts := strings.Split(g, "/")
	return strings.Join(parts[max(0, len(parts)-3):], "/")
}

// reported is a row of the report.
type reported struct {
	gateway, device, kind         string
	state                         alert.State
	severity                      int
	synced                        bool
	detected, heard, acknowledged int64
	handled, respondBy, handleBy  int64
}

func (r *Report) take(x reported, now time.Time, in *time.Location) {
	r.Total++
	if x.handled == 0 && x.state != alert.Handled && x.state != alert.False {
		r.Open++
	}
	if x.severity >= 1 && x.severity <= 4 {
		r.Severity[x.severity-1]++
	}
	at := moment(x.detected).In(in)
	r.Hours[(int(at.Weekday())+6)%7][at.Hour()]++
	within := func(share *Share, spread *Spread, when, due int64) {
		if when > 0 && spread != nil {
			spread.add(time.Duration(when-x.detected) * time.Millisecond)
		}
		if when > 0 || now.UnixMilli() > due { // else it is not due yet
			share.Of++
			if when > 0 && when <= due {
				share.In++
			}
		}
	}
	within(&r.Responded, &r.Response, x.acknowledged, x.respondBy)
	handled := &r.Handling
	if x.state == alert.False {
		handled = nil // it counts as handled in time, and not how long that takes
	}
	within(&r.HandledIn, handled, x.handled, x.handleBy)
	if x.synced {
		within(&r.PassedIn, &r.Passed, x.heard, x.detected+PassWithin.Milliseconds())
	}
}

func counts(m map[string]int) []Count {
	all := make([]Count, 0, len(m))
	for name, n := range m {
		all = append(all, Count{Name: name, Count: n})
	}
	slices.SortFunc(all, func(a, b Count) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}
