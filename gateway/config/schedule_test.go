package config

import (
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/gateway/strict"
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParseSchedule(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{" ", ""},
		{"22:00-06:00", "22:00-06:00"},
		{"8:00-11:30,14:00-17:00", "08:00-11:30, 14:00-17:00"},
		{"00:00-24:00", "00:00-24:00"},
		{"Mon-Fri 22:00-06:00, Sat-Sun 00:00-24:00", "Mon-Fri 22:00-06:00, Sat-Sun 00:00-24:00"},
		{"fri-MONDAY 1:00-2:00", "Fri-Mon 01:00-02:00"},
		{"周一-周五 22:00-06:00, 星期日 00:00-24:00, 周天 1:00-2:00", "Mon-Fri 22:00-06:00, Sun 00:00-24:00, Sun 01:00-02:00"},
		{"22:00  -  06:00", "22:00-06:00"},
		{"周一 - 周五　22：00–06：00，周六 8:00～9:00", "Mon-Fri 22:00-06:00, Sat 08:00-09:00"},
		{"Sun-Sat 1:00-2:00", "01:00-02:00"},
		{"Mon-Sun 1:00-2:00", "01:00-02:00"},
	} {
		s, err := ParseSchedule(test.in)
		if err != nil || s.String() != test.want {
			t.Errorf("%q: %q, %v", test.in, s, err)
		}
		again, err := ParseSchedule(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q again: %q, %v", test.in, again, err)
		}
	}
	for _, in := range []string{
		"22:00", "22:00-", "-", "22-06", "22:00-06:00,", ",", "24:00-06:00", "22:60-06:00", "22:00-24:01", "22:00-25:00", "9:5-10:00",
		"22:00 06:00", "Mon 22:00", "Monn 22:00-06:00", "Mon- 22:00-06:00", "Mon-Tue-Wed 22:00-06:00", "+1:00-2:00", "１:00-2:00",
		"08:00-08:00", "001:00-2:00", "22:00-06:00-07:00", "Mon-Fri",
	} {
		if s, err := ParseSchedule(in); err == nil {
			t.Errorf("%q: read as %q", in, s)
		}
	}
}

func TestActive(t *testing.T) {
	shanghai := location(t, "Asia/Shanghai")
	for _, test := range []struct {
		schedule, at string // 2024-01-01 was a Monday
		want         bool
	}{
		{"", "2024-01-01 12:00:00", true},
		{"22:00-06:00", "2024-01-01 21:59:59", false},
		{"22:00-06:00", "2024-01-01 22:00:00", true},
		{"22:00-06:00", "2024-01-02 05:59:59", true},
		{"22:00-06:00", "2024-01-02 06:00:00", false},
		{"22:00-24:00", "2024-01-01 23:59:59", true},
		{"22:00-24:00", "2024-01-02 00:00:00", false},
		{"00:00-24:00", "2024-01-02 00:00:00", true},
		{"22:00-00:00", "2024-01-02 00:00:00", false},
		{"22:00-00:00", "2024-01-01 23:30:00", true},
		{"Mon 22:00-06:00", "2024-01-02 01:00:00", true},  // begun on Monday
		{"Mon 22:00-06:00", "2024-01-01 01:00:00", false}, // would have begun on Sunday
		{"Sun 22:00-06:00", "2024-01-01 01:00:00", true},
		{"Sat-Mon 10:00-11:00", "2024-01-01 10:30:00", true},
		{"Sat-Mon 10:00-11:00", "2024-01-02 10:30:00", false},
		{"08:00-11:00, 14:00-17:00", "2024-01-01 12:00:00", false},
		{"08:00-11:00, 14:00-17:00", "2024-01-01 16:00:00", true},
	} {
		s, err := ParseSchedule(test.schedule)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation(time.DateTime, test.at, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Active(at); got != test.want {
			t.Errorf("%q at %s: %v", test.schedule, test.at, got)
		}
	}
	// The clock is that of the location: 22:30 in Shanghai is 14:30 in UTC.
	s, err := ParseSchedule("22:00-06:00")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 1, 1, 14, 30, 0, 0, time.UTC)
	if s.Active(at) || !s.Active(at.In(shanghai)) {
		t.Error("the location is not looked at")
	}
}

// TestNext compares with looking at every minute, over changes of the clocks by
// an hour and by half an hour.
func TestNext(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []struct {
		name string
		near []time.Time // changes of the clocks
	}{
		{"Asia/Shanghai", []time.Time{time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)}},
		{"Europe/Berlin", []time.Time{time.Date(2024, 3, 31, 1, 0, 0, 0, time.UTC), time.Date(2024, 10, 27, 1, 0, 0, 0, time.UTC)}},
		{"Australia/Lord_Howe", []time.Time{time.Date(2024, 4, 6, 15, 0, 0, 0, time.UTC), time.Date(2024, 10, 5, 15, 30, 0, 0, time.UTC)}},
	} {
		l := location(t, zone.name)
		for _, near := range zone.near {
			for _, text := range []string{
				"22:00-06:00", "00:30-02:30", "02:00-03:00", "01:45-02:15, 02:20-02:25", "Sun 02:10-24:00", "Mon-Sat 00:00-24:00", "Sat 23:00-02:30", "Tue 12:00-13:00",
			} {
				s, err := ParseSchedule(text)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					from := near.Add(time.Duration(random.IntN(4*24*60)-3*24*60) * time.Minute).Add(17 * time.Second).In(l)
					want := from.Truncate(time.Minute).Add(time.Minute)
					for s.Active(want) == s.Active(from) {
						want = want.Add(time.Minute)
					}
					if got := s.Next(from); !got.Equal(want) || got.Location() != l {
						t.Fatalf("%s, %q after %s: %s, want %s", zone.name, text, from, got, want)
					}
				}
			}
		}
	}
	for _, always := range []string{"", "00:00-24:00", "22:00-06:00, 06:00-22:00"} {
		s, err := ParseSchedule(always)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Next(time.Now()); !got.IsZero() {
			t.Errorf("%q: %s", always, got)
		}
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]string{
		"30s": "30s", "5m": "5m", "90m": "1h30m", "1h30m": "1h30m", "24h": "24h", "500ms": "500ms", "1h0m5s": "1h0m5s", "0s": "0s", "10m": "10m", "100m": "1h40m",
	} {
		v, err := strict.ParseDuration(in)
		if err != nil || v.String() != want {
			t.Errorf("%q: %q, %v", in, v, err)
		}
		var again Duration
		if err := again.UnmarshalText([]byte(v.String())); err != nil || again != v {
			t.Errorf("%q again: %v, %v", in, again, err)
		}
	}
	for in, want := range map[string]string{
		"30":    `"30" has no unit, write 30s, 5m or 1h`,
		"0":     `"0" has no unit, write 30s, 5m or 1h`,
		"":      `"" is not a time span, write 30s, 5m or 1h30m`,
		"5 m":   `"5 m" is not a time span, write 30s, 5m or 1h30m`,
		"-5m":   `a time span cannot be negative`,
		"8000h": `too long, at most 2160h`,
	} {
		if _, err := strict.ParseDuration(in); err == nil || err.Error() != want {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestPolygonGeometry(t *testing.T) {
	for _, test := range []struct {
		name    string
		polygon Polygon
		crossed bool
		area    float64
	}{
		{"square", Polygon{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, false, 1},
		{"the other way round", Polygon{{0, 1}, {1, 1}, {1, 0}, {0, 0}}, false, 1},
		{"bow tie", Polygon{{0, 0}, {1, 1}, {1, 0}, {0, 1}}, true, 0},
		{"star", Polygon{{0.5, 0}, {0.8, 1}, {0, 0.4}, {1, 0.4}, {0.2, 1}}, true, -1},
		{"concave", Polygon{{0, 0}, {1, 0}, {1, 1}, {0.5, 0.5}, {0, 1}}, false, 0.75},
		{"touches itself", Polygon{{0, 0}, {1, 0}, {0.5, 0.5}, {1, 1}, {0, 1}, {0.5, 0.5}}, false, 0.5},
		{"a point twice", Polygon{{0, 0}, {1, 0}, {1, 0}, {1, 1}, {0, 1}}, false, 1},
		{"a line", Polygon{{0, 0}, {0.5, 0.5}, {1, 1}}, false, 0},
	} {
		if _, _, crossed := crossing(test.polygon); crossed != test.crossed {
			t.Errorf("%s: crossed %v", test.name, crossed)
		}
		if got := area(test.polygon); test.area >= 0 && (got < test.area-1e-9 || got > test.area+1e-9) {
			t.Errorf("%s: area %v, want %v", test.name, got, test.area)
		}
	}
}
