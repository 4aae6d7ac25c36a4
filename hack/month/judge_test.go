package main

import (
	"strings"
	"testing"
	"time"
)

// hours makes two hours of samples, by a function of the minute.
func hours(name string, at func(minute float64) float64) (all []sample) {
	for i := range 720 {
		v := map[string]float64{}
		for _, l := range limits() {
			v[l.name] = 1000
		}
		d := time.Duration(i) * 10 * time.Second
		v[name] = at(d.Minutes())
		all = append(all, sample{d, v})
	}
	return all
}

func TestJudge(t *testing.T) {
	for name, tc := range map[string]struct {
		of   string
		at   func(minute float64) float64
		want string
	}{
		"steady":                {"anon", func(float64) float64 { return 50000 }, ""},
		"grows until settled":   {"anon", func(m float64) float64 { return 30000 + 2000*min(m, 10) }, ""},
		"a leak":                {"anon", func(m float64) float64 { return 50000 + 50*m }, "gateway, memory of its own has grown"},
		"to and fro":            {"rss", func(m float64) float64 { return 50000 + 20000*float64(int(m*6)%2) }, ""},
		"goroutines that stay":  {"goroutines", func(m float64) float64 { return 200 + m/2 }, "goroutines"},
		"a file every minute":   {"files", func(m float64) float64 { return 70 + m }, "open files"},
		"one thread more":       {"threads", func(m float64) float64 { return 9 + float64(int(m/100)) }, ""},
		"the disk may grow":     {"disk", func(m float64) float64 { return 1000 * m }, ""},
		"a session that stays":  {"sessions", func(m float64) float64 { return 1 + float64(int(m/60)) }, "sessions"},
		"vision processes grow": {"vision_pss", func(m float64) float64 { return 100000 + 1000*m }, "vision processes"},
	} {
		t.Run(name, func(t *testing.T) {
			v := judge(hours(tc.of, tc.at), 10*time.Minute, 5*time.Minute)
			var said []string
			for _, err := range v.faults {
				said = append(said, err.Error())
			}
			got := strings.Join(said, "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	if v := judge(nil, time.Minute, time.Minute); len(v.faults) == 0 {
		t.Error("nothing is judged to be good")
	}
}

func TestJudgeAlerts(t *testing.T) {
	r := &room{seen: map[string]*heard{"a": {}, "b": {}, "strange": {}}}
	v := &verdict{}
	v.alerts([]string{"a", "b", "c"}, r, []string{"a", "lost"})
	if len(v.faults) != 3 {
		t.Errorf("%v", v.faults)
	}
}
