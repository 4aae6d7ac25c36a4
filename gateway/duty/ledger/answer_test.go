package ledger

import (
	"errors"
	"slices"
	"testing"
	"time"

	"sentrybox/gateway/alert"
)

func (c *clocked) say(t *testing.T, n int, action string) string {
	t.Helper()
	got, err := c.Say(t.Context(), Answer{Alert: id(n), Action: action, Who: "王"})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (c *clocked) due(t *testing.T, want ...string) []Answer {
	t.Helper()
	all, err := c.Due(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all {
		got = append(got, a.Action)
	}
	if !slices.Equal(got, want) {
		t.Errorf("due are %v, want %v", got, want)
	}
	return all
}

// TestAnswerIsSentUntilHeard: an answer goes out again and again, at once when its gateway comes
// back, until the alert shows it.
func TestAnswerIsSentUntilHeard(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)))
	l.say(t, 1, "ack")
	if again := l.say(t, 1, "ack"); again != "" {
		t.Error("the same answer waits twice")
	}
	for _, pause := range []time.Duration{againFirst, 2 * againFirst, 4 * againFirst} {
		for _, a := range l.due(t, "ack") {
			if a.Gateway != gate || a.Who != "王" {
				t.Errorf("to be sent: %+v", a)
			}
			if err := l.Sent(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		l.at = l.at.Add(pause - time.Second)
		l.due(t)
		l.at = l.at.Add(time.Second)
	}
	l.due(t, "ack")
	if err := l.Sent(t.Context(), l.due(t, "ack")[0]); err != nil {
		t.Fatal(err)
	}
	l.due(t)
	l.hear(t, Message{Gateway: gate, Topic: "status", Payload: []byte(`{"state":"online"}`), At: l.at})
	l.due(t, "ack")
	l.hear(t, message(revision(1, 2, alert.Acknowledged)))
	l.at = l.at.Add(time.Hour)
	l.due(t)
	if c, err := l.Alert(t.Context(), id(1)); err != nil || len(c.Answers) != 0 || c.State != alert.Acknowledged {
		t.Errorf("%+v, %v", c, err)
	}
	if l.say(t, 1, "ack") != "" || l.say(t, 1, "dispatch") == "" {
		t.Error("what is new and what is not")
	}
}

// TestOvertaken: another room has handled the alert while ours called it a false alarm.
func TestOvertaken(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)))
	l.say(t, 1, "false")
	l.hear(t, message(revision(1, 2, alert.Handled)))
	l.at = l.at.Add(time.Minute)
	l.due(t)
	c, err := l.Alert(t.Context(), id(1))
	if err != nil || len(c.Answers) != 1 || c.Answers[0].Status != late {
		t.Errorf("%+v, %v", c.Answers, err)
	}
}

func TestUndo(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)))
	first := l.say(t, 1, "handled")
	l.due(t)
	if ok, err := l.Undo(t.Context(), first, "王"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	l.at = l.at.Add(UndoWithin)
	l.due(t)
	second := l.say(t, 1, "handled")
	l.at = l.at.Add(UndoWithin)
	if err := l.Sent(t.Context(), l.due(t, "handled")[0]); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Undo(t.Context(), second, "王"); ok || err != nil {
		t.Errorf("what was sent is taken back: %v, %v", ok, err)
	}
	if _, err := l.Say(t.Context(), Answer{Alert: id(7), Action: "ack"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("an answer to nothing: %v", err)
	}
	var n int
	if err := l.row(t.Context(), `SELECT count(*) FROM audit WHERE who = '王' AND alert = ?`, id(1)).Scan(&n); n != 3 || err != nil {
		t.Errorf("%d lines in the audit log, %v", n, err)
	}
}
