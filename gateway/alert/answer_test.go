package alert

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	type step struct {
		action string
		state  State
		rev    int
	}
	for name, steps := range map[string][]step{
		"in order":        {{"ack", Acknowledged, 2}, {"dispatch", Dispatched, 3}, {"handled", Handled, 4}},
		"again":           {{"ack", Acknowledged, 2}, {"ack", Acknowledged, 2}},
		"late":            {{"dispatch", Dispatched, 2}, {"ack", Dispatched, 2}},
		"after closing":   {{"false", False, 2}, {"handled", False, 2}, {"note", False, 2}},
		"a note":          {{"note", Raised, 2}, {"note", Raised, 2}, {"ack", Acknowledged, 3}},
		"straight to end": {{"handled", Handled, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			a := f.raise(t, f.event(3))
			f.queued(t)
			for i, s := range steps {
				if err := f.Answer(t.Context(), a.ID, Answer{Action: s.action, By: "王"}); err != nil {
					t.Fatal(err)
				}
				log, err := f.Store.Steps(t.Context(), a.ID)
				if err != nil || len(log) != s.rev {
					t.Errorf("step %d: %d revisions, %v; want %d", i, len(log), err, s.rev)
				}
			}
			items := f.queued(t)
			last := items[len(items)-1]
			closed := steps[len(steps)-1].state == Handled || steps[len(steps)-1].state == False
			if closed != (len(last.Payload) == 0) || !last.Retain {
				t.Errorf("closed is %v, but the topic ends with %q", closed, last.Payload)
			}
			var got Alert
			for _, it := range items {
				if len(it.Payload) > 0 {
					if err := json.Unmarshal(it.Payload, &got); err != nil {
						t.Fatal(err)
					}
				}
			}
			if want := steps[len(steps)-1]; got.State != want.state || got.Rev != want.rev {
				t.Errorf("published %s rev %d, want %s rev %d", got.State, got.Rev, want.state, want.rev)
			}
		})
	}
}

func TestAnswerToNothing(t *testing.T) {
	f := newFixture(t)
	for _, id := range []string{"", "x", "01JQ0000000000000000000000", "../../etc"} {
		if err := f.Answer(t.Context(), id, Answer{Action: "ack"}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

var answers = []struct {
	in string
	ok bool
}{
	{`{"action":"ack","by":"李","at":"2026-03-01T12:00:00Z"}`, true},
	{`{"action":"note","by":"李","note":"去看了\u0000","later":1}`, true},
	{`{"action":"open"}`, false},
	{`{"action":"ack","at":"yesterday"}`, true},
	{`{"action":"ack","at":1767225600}`, true},
	{`[]`, false},
	{``, false},
	{`{"action":"ack"} x`, false},
	{`{"action":"ack","note":"` + strings.Repeat("x", 5000) + `"}`, false},
}

// TestNoteThatComesAgain: a broker that keeps a note sends it at each connection.
func TestNoteThatComesAgain(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.event(3))
	for _, note := range []string{"one", "two", "one", "two", "three"} {
		if err := f.Answer(t.Context(), a.ID, Answer{Action: "note", By: "王", Note: note}); err != nil {
			t.Fatal(err)
		}
	}
	if log, err := f.Store.Steps(t.Context(), a.ID); err != nil || len(log) != 4 {
		t.Errorf("%d revisions, %v; want 4", len(log), err)
	}
}

func TestParseAnswer(t *testing.T) {
	for _, tc := range answers {
		a, err := ParseAnswer([]byte(tc.in))
		if (err == nil) != tc.ok {
			t.Errorf("%.60s: %v", tc.in, err)
		}
		if strings.ContainsRune(a.Note, 0) {
			t.Errorf("a control character got through: %q", a.Note)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, tc := range answers {
		f.Add([]byte(tc.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnswer(b)
		if err == nil && (len([]rune(a.By)) > maxBy || len([]rune(a.Note)) > maxNote) {
			t.Errorf("too long: %d, %d", len(a.By), len(a.Note))
		}
	})
}
