package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
)

// Schedule says when a rule is armed: periods of the day such as
//
//	22:00-06:00
//	08:00-11:30, 14:00-17:00
//	Mon-Fri 22:00-06:00, Sat-Sun 00:00-24:00
//
// A period whose end is not after its beginning goes on past midnight, and
// counts to the day on which it began. The days may be Chinese too: 周一-周五.
// Times are those of the clock on the wall: on the day that the clocks change,
// a period is an hour shorter or longer. The zero Schedule is always active.
type Schedule struct{ periods []period }

const (
	day      = 24 * 60 // minutes
	everyDay = 1<<7 - 1
)

// A period is minutes since midnight. If end is not above start it is on the
// next day.
type period struct {
	days       uint8 // bit d for time.Weekday d, on which it begins
	start, end int
}

var errPeriod = errors.New("not a period")

// ParseSchedule reads a schedule. The empty text is the one that is always
// active.
func ParseSchedule(s string) (Schedule, error) {
	v, f := parseSchedule(s)
	if f != nil {
		return Schedule{}, f.Err(s)
	}
	return v, nil
}

func parseSchedule(s string) (Schedule, *strict.Flaw) {
	if strings.TrimSpace(s) == "" {
		return Schedule{}, nil
	}
	const most = 64 // periods
	if len(s) > most*64 {
		return Schedule{}, &strict.Flaw{Key: "config.schedule.form", Quote: true}
	}
	var v Schedule
	for part := range strings.SplitSeq(plainMarks(s), ",") {
		p, err := parsePeriod(strings.TrimSpace(part))
		if err != nil || len(v.periods) == most {
			return Schedule{}, &strict.Flaw{Key: "config.schedule.form", Quote: true}
		}
		if p.start == p.end {
			return Schedule{}, &strict.Flaw{Key: "config.schedule.empty", Quote: true}
		}
		v.periods = append(v.periods, p)
	}
	return v, nil
}

// plainMarks puts ASCII for the marks of a Chinese keyboard, and takes away the
// spaces around hyphens.
func plainMarks(s string) string {
	s = strings.NewReplacer("，", ",", "、", ",", "：", ":", "–", "-", "—", "-", "～", "-", "　", " ").Replace(s)
	for _, space := range []string{" -", "- "} {
		for strings.Contains(s, space) {
			s = strings.ReplaceAll(s, space, "-")
		}
	}
	return s
}

// parsePeriod reads [days] hh:mm-hh:mm.
func parsePeriod(s string) (period, error) {
	p := period{days: everyDay}
	clock := s
	if i := strings.LastIndexByte(s, ' '); i >= 0 {
		var ok bool
		if p.days, ok = parseDays(strings.TrimSpace(s[:i])); !ok {
			return p, errPeriod
		}
		clock = s[i+1:]
	}
	from, to, ok := strings.Cut(clock, "-")
	var okFrom, okTo bool
	p.start, okFrom = parseClock(from)
	p.end, okTo = parseClock(to)
	if !ok || !okFrom || !okTo || p.start == day {
		return p, errPeriod
	}
	return p, nil
}

// parseDays reads one day or a range of them, which may go round the end of the
// week.
func parseDays(s string) (uint8, bool) {
	from, to, ranged := strings.Cut(s, "-")
	first, ok := parseDay(from)
	if !ok || !ranged {
		return 1 << first, ok
	}
	last, ok := parseDay(to)
	var days uint8
	for d := first; ; d = (d + 1) % 7 {
		days |= 1 << d
		if d == last || !ok {
			return days, ok
		}
	}
}

func parseDay(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := d.String()
		han := string([]rune("日一二三四五六")[d])
		if strings.EqualFold(s, name) || strings.EqualFold(s, name[:3]) || s == "周"+han || s == "星期"+han {
			return d, true
		}
	}
	return 0, s == "周天" || s == "星期天"
}

// parseClock reads h:mm or hh:mm, up to 24:00.
func parseClock(s string) (int, bool) {
	h, m, ok := strings.Cut(s, ":")
	if !ok || h == "" || len(h) > 2 || len(m) != 2 || strings.Trim(h+m, "0123456789") != "" {
		return 0, false
	}
	number := func(s string) (n int) {
		for _, c := range s {
			n = 10*n + int(c-'0')
		}
		return n
	}
	t := 60*number(h) + number(m)
	return t, t <= day && number(m) < 60
}

// Always reports whether the schedule has no periods.
func (s Schedule) Always() bool { return len(s.periods) == 0 }

// Active reports whether t, by the clock of its location, is within a period.
// Periods have their first instant and not their last.
func (s Schedule) Active(t time.Time) bool {
	if s.Always() {
		return true
	}
	now := 60*t.Hour() + t.Minute()
	today := uint8(1) << t.Weekday()
	yesterday := uint8(1) << ((t.Weekday() + 6) % 7)
	for _, p := range s.periods {
		if p.end > p.start {
			if p.days&today != 0 && now >= p.start && now < p.end {
				return true
			}
			continue
		}
		if p.days&today != 0 && now >= p.start || p.days&yesterday != 0 && now < p.end {
			return true
		}
	}
	return false
}

// Next returns the first instant after t at which Active changes, in t's
// location, or the zero time if it never does.
func (s Schedule) Next(t time.Time) time.Time {
	var at []time.Time
	year, month, date := t.Date()
	const days = 9 // today, and a week until every weekday has come by, and the rest of a night
	last := time.Date(year, month, date+days, 0, 0, 0, 0, t.Location())
	offsets := map[int]bool{}
	for z := t.AddDate(0, 0, -1); ; { // every change of the clocks is a change of the hour too
		_, offset := z.Zone()
		offsets[offset] = true
		_, end := z.ZoneBounds()
		if end.IsZero() || !end.Before(last) {
			break
		}
		at = append(at, end)
		z = end
	}
	for d := range days {
		for _, p := range s.periods {
			for _, minute := range []int{0, p.start, p.end} {
				// An hour that the clocks repeat is there at two offsets.
				for offset := range offsets {
					wall := time.Date(year, month, date+d, 0, minute, 0, 0, time.UTC)
					at = append(at, wall.Add(-time.Duration(offset)*time.Second).In(t.Location()))
				}
			}
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	now := s.Active(t)
	for _, c := range at {
		if c.After(t) && s.Active(c) != now {
			return c
		}
	}
	return time.Time{}
}

// String returns the schedule in the form that ParseSchedule reads.
func (s Schedule) String() string {
	parts := make([]string, len(s.periods))
	for i, p := range s.periods {
		parts[i] = p.String()
	}
	return strings.Join(parts, ", ")
}

func (p period) String() string {
	clock := fmt.Sprintf("%02d:%02d-%02d:%02d", p.start/60, p.start%60, p.end/60, p.end%60)
	if p.days == everyDay {
		return clock
	}
	// The days are one range, perhaps round the end of the week.
	first, last := time.Sunday, time.Sunday
	for d := range time.Weekday(7) {
		if p.days>>d&1 == 1 && p.days>>((d+6)%7)&1 == 0 {
			first = d
		}
		if p.days>>d&1 == 1 && p.days>>((d+1)%7)&1 == 0 {
			last = d
		}
	}
	if first == last {
		return first.String()[:3] + " " + clock
	}
	return first.String()[:3] + "-" + last.String()[:3] + " " + clock
}

// MarshalText returns String.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSchedule.
func (s *Schedule) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSchedule(string(b))
	return err
}

// DecodeNode is ParseSchedule.
func (s *Schedule) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if t, ok := d.Text(n, path); ok {
		got, f := parseSchedule(t)
		d.Flaw(path, f, t)
		if f == nil {
			*s = got
		}
	}
}
