package rule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/text"
)

func catalog() *Catalog {
	c := &Catalog{Known: map[string]bool{"th-1": true}, Free: map[string]bool{"th-1": true}, Quantities: map[Ref]Quantity{
		{"pit-1", "water_level"}: {Unit: "m"},
		{"pit-2", "water_level"}: {Unit: "m"},
		{"a", "smoke"}:           {Flag: true},
		{"b", "smoke"}:           {Flag: true},
		{"c", "smoke"}:           {Flag: true},
		{"泵 房", "temperature"}:   {Unit: "°C"},
		{"gate", "open"}:         {Flag: true},
		{"panic", "press"}:       {Event: true, Flag: true},
		{"reader", "card"}:       {Event: true, Text: true},
	}}
	for r := range c.Quantities {
		c.Known[r.Sensor] = true
	}
	return c
}

// sound are conditions with what they mean in the form that String gives.
func sound() map[string]string {
	return map[string]string{
		"water_level > 0.4 m for 30 s":                                  "(water_level > 0.4 m) for 30s",
		"water_level>40cm for 30s":                                      "(water_level > 40 cm) for 30s",
		"any 2 of smoke within 60 s":                                    "any 2 of smoke within 1m0s",
		"any of (a.smoke, b.smoke = on)":                                "any 1 of (a.smoke, b.smoke = on)",
		"all of (pit-1.water_level ≥ 1 m, gate.open) within 1 h 30 min": "all of (pit-1.water_level >= 1 m, gate.open) within 1h30m0s",
		"a.smoke or b.smoke and not c.smoke":                            "(a.smoke or (b.smoke and not (c.smoke)))",
		"(a.smoke or b.smoke) and c.smoke":                              "((a.smoke or b.smoke) and c.smoke)",
		"not gate.open for 5 min":                                       "(not (gate.open)) for 5m0s",
		"'泵 房'.temperature ＞ 57 ℃":                                      "'泵 房'.temperature > 57 ℃",
		"reader.card = '00 12'":                                         "reader.card = '00 12'",
		"th-1.x < -3.5":                                                 "th-1.x < -3.5",
		"gate.open = closed for 10 分钟":                                  "(gate.open = off) for 10m0s",
		"panic.press":                                                   "panic.press",
	}
}

// faulty are conditions with the column and the begin of what is wrong.
func faulty() map[string]struct {
	column int
	says   string
} {
	type f = struct {
		column int
		says   string
	}
	return map[string]f{
		"":                               {1, "a reading"},
		"water_level >":                  {14, "a number"},
		"water_level > 0.4 m for":        {24, "a number"},
		"water_level > 0.4 m for 30":     {24, "a time"},
		"water_level > 0.4 m for 30 x":   {24, "a time"},
		"water_level > 0.4 m 3":          {21, "nothing"},
		"any 0 of smoke":                 {5, "a number from 1"},
		"any 2 smoke":                    {7, "\"of\""},
		"any 3 of (a.smoke, b.smoke)":    {1, "3 of 2"},
		"(a.smoke":                       {9, "\")\""},
		"a.smoke > on":                   {11, "on and off"},
		"'pit":                           {1, "the quote"},
		"a.smoke and":                    {12, "a reading"},
		"a.smoke for 8000 h":             {12, "a time from"},
		strings.Repeat("(", 30) + "a":    {22, "nested"},
		strings.Repeat("not ", 30) + "a": {85, "nested"},
		strings.Repeat("x", 1001):        {1001, "longer"},
	}
}

func TestParse(t *testing.T) {
	for in, want := range sound() {
		c, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := c.String(); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
		if _, err := bindAll(c); err != nil {
			t.Errorf("bind %s: %v", in, err)
		}
	}
	for in, want := range faulty() {
		_, err := Parse(in)
		var e *Error
		if !errors.As(err, &e) || e.Column != want.column || !strings.Contains(text.T(text.English, e.Key, e.Args...), want.says) {
			t.Errorf("%.40q: %v, want column %d: %s", in, err, want.column, want.says)
		}
	}
}

// bindAll binds a condition to each of those that it is about.
func bindAll(c *Condition) ([]*Bound, error) {
	sensors, err := c.Sensors(catalog())
	var all []*Bound
	for _, s := range sensors {
		b, err := c.Bind(catalog(), s)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, err
}

func TestBindSays(t *testing.T) {
	for in, want := range map[string]string{
		"pit-9.water_level > 1 m":                  "no sensor",
		"pit-1.smoke":                              "does not measure",
		"humidity > 3 %":                           "no sensor measures",
		"pit-1.water_level > 1":                    "needs its unit, m",
		"pit-1.water_level > 1 °C":                 "is measured in m",
		"a.smoke > 1 m":                            "has no unit",
		"any 4 of smoke":                           "4 of 3",
		"smoke and water_level > 1 m":              "both smoke and water_level",
		"panic.press for 3 s":                      "lasts no time",
		"press for 3 s":                            "lasts no time",
		"a.smoke = 'x'":                            "is no text",
		"reader.card > 3":                          "is a text",
		"th-1.x > 1 m":                             "has no unit",
		"a.smoke and (b.smoke or pit-1.nothing>1)": "does not measure",
	} {
		c, err := Parse(in)
		if err != nil {
			t.Fatal(in, err)
		}
		if _, err := bindAll(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

// at is a moment of a test: what is read then, and what must be known after it.
type at struct {
	second int
	set    string // sensor.quantity=value, with commas between; "-" for gone
	want   Truth
	next   int // second at which it must ask to be called; 0 for never
}

func TestFollow(t *testing.T) {
	for in, steps := range map[string][]at{
		"water_level > 40 cm for 30 s": { // of pit-1
			{0, "", Unknown, 0},
			{1, "pit-1.water_level=0.5", False, 31},
			{20, "pit-1.water_level=0.3", False, 0},
			{25, "pit-1.water_level=0.41", False, 55},
			{26, "pit-2.water_level=0", False, 55},
			{55, "", True, 0},
			{60, "pit-1.water_level=0.4", False, 0},
		},
		"any 2 of smoke within 60 s": {
			{0, "a.smoke=1,b.smoke=0,c.smoke=0", False, 0},
			{100, "a.smoke=0", False, 160},
			{150, "c.smoke=1", True, 160},
			{160, "", False, 0},
		},
		"all of (a.smoke, b.smoke)": {
			{0, "a.smoke=1", Unknown, 0},
			{1, "b.smoke=0", False, 0},
			{2, "b.smoke=1", True, 0},
			{3, "a.smoke=-", Unknown, 0},
		},
		"a.smoke or b.smoke": {
			{0, "a.smoke=1", True, 0},
			{1, "a.smoke=0", Unknown, 0},
		},
		"not gate.open for 10 s": {
			{0, "gate.open=0", False, 10},
			{5, "gate.open=-", Unknown, 0},
			{6, "gate.open=0", False, 16},
			{16, "", True, 0},
			{17, "gate.open=1", False, 0},
		},
		"panic.press and a.smoke": {
			{0, "a.smoke=1,panic.press=1", True, 0},
			{0, "panic.press=0", False, 0},
		},
		"all of (panic.press, gate.open = closed) within 10 s": {
			{0, "panic.press=0,gate.open=1", False, 0},
			{5, "panic.press=1", False, 0},
			{5, "panic.press=0", False, 15},
			{9, "gate.open=0", True, 15},
			{15, "", False, 0},
		},
	} {
		t.Run(in, func(t *testing.T) {
			c, err := Parse(in)
			if err != nil {
				t.Fatal(err)
			}
			all, err := bindAll(c)
			if err != nil {
				t.Fatal(err)
			}
			f, r := NewFollower(all[0]), Readings{}
			zero := time.Now()
			for _, s := range steps {
				now := zero.Add(time.Duration(s.second) * time.Second)
				set(r, s.set, now)
				got := f.Follow(r, now, false)
				if again := f.Follow(r, now, false); again != got {
					t.Errorf("%d s: asked again it says %+v, not %+v", s.second, again, got)
				}
				next := 0
				if !got.Next.IsZero() {
					next = int(got.Next.Sub(zero) / time.Second)
				}
				if got.Truth != s.want || next != s.next {
					t.Errorf("%d s: %d, next at %d; want %d, %d", s.second, got.Truth, next, s.want, s.next)
				}
			}
		})
	}
}

func set(r Readings, what string, now time.Time) {
	if what == "" {
		return
	}
	for s := range strings.SplitSeq(what, ",") {
		name, v, _ := strings.Cut(s, "=")
		sensor, quantity, _ := strings.Cut(name, ".")
		ref := Ref{sensor, quantity}
		if v == "-" {
			delete(r, ref)
			continue
		}
		p := parser{in: []rune(v)}
		r[ref] = Reading{Value: p.number(), At: now}
	}
}

// TestFulfilled: after a restart, what is fulfilled goes on without its time beginning
// anew, and ends when it is no more.
func TestFulfilled(t *testing.T) {
	c, _ := Parse("gate.open for 5 min")
	b, err := c.Bind(catalog(), "")
	if err != nil {
		t.Fatal(err)
	}
	f, r, now := NewFollower(b), Readings{}, time.Now()
	for i, s := range []struct {
		set  string
		want Truth
	}{{"", Unknown}, {"gate.open=1", True}, {"gate.open=0", False}} {
		set(r, s.set, now)
		if got := f.Follow(r, now, true); got.Truth != s.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// TestCause: it is the newest reading of those that count.
func TestCause(t *testing.T) {
	c, _ := Parse("a.smoke and any 1 of (b.smoke, c.smoke) and not gate.open")
	b, err := c.Bind(catalog(), "")
	if err != nil {
		t.Fatal(err)
	}
	f, r := NewFollower(b), Readings{}
	now := time.Now()
	for i, s := range []string{"a.smoke=1", "b.smoke=1", "c.smoke=0", "gate.open=0"} {
		set(r, s, now.Add(time.Duration(i)*time.Second))
	}
	if got := f.Follow(r, now.Add(9*time.Second), false); got.Truth != True || got.Cause != (Ref{"b", "smoke"}) {
		t.Errorf("%+v", got)
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		v        float64
		from, to string
		want     float64
		ok       bool
	}{
		{40, "cm", "m", 0.4, true}, {0, "°C", "K", 273.15, true}, {212, "°F", "℃", 100, true}, {5, "bar", "kPa", 500, true},
		{3, "kg", "kg", 3, true}, {3, "kg", "m", 0, false}, {3, "m", "°C", 0, false},
	} {
		got, ok := Convert(c.v, c.from, c.to)
		if ok != c.ok || got-c.want > 1e-9 || c.want-got > 1e-9 {
			t.Errorf("%v %s is %v %s, %v", c.v, c.from, got, c.to, ok)
		}
	}
}

// FuzzParse: what is read can be written and read again, and followed.
func FuzzParse(f *testing.F) {
	for in := range sound() {
		f.Add(in)
	}
	for in := range faulty() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		c, err := Parse(in)
		if err != nil {
			var e *Error
			if n := len([]rune(in)); !errors.As(err, &e) || e.Column < 1 || e.Column > n+1 {
				t.Fatalf("%v, of %d characters", err, n)
			}
			return
		}
		again, err := Parse(c.String())
		if len(c.String()) > maxLength || errors.As(err, new(*Error)) && err.(*Error).Key == "rule.deep" { //nolint:errorlint // it is one
			return // parentheses are written out
		}
		if err != nil || again.String() != c.String() {
			t.Fatalf("%q is %q, and that %v, %v", in, c, again, err)
		}
		all, err := bindAll(c)
		if err != nil {
			return
		}
		b := all[0]
		fl, r, now := NewFollower(b), Readings{}, time.Now()
		for i, ref := range b.Refs() {
			fl.Follow(r, now, false)
			r[ref] = Reading{Value: float64(i), At: now}
			now = now.Add(time.Second)
		}
		if got := fl.Follow(r, now, false); !got.Next.IsZero() && !got.Next.After(now) {
			t.Fatalf("%q asks to be called at once", in)
		}
	})
}
