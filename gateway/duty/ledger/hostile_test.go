package ledger

import (
	"errors"
	"testing"
	"time"

	"sentrybox/gateway/alert"
)

// TestPictureOfAnother: a gateway cannot give another's alert a picture.
func TestPictureOfAnother(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)))
	picture := Message{Gateway: gate + "2", Topic: "thumb/" + id(1), Payload: []byte{0xFF, 0xD8, 0xFF, 1}}
	if h := l.hear(t, picture); h.Refused != 1 {
		t.Errorf("%+v", h)
	}
	if _, err := l.Picture(t.Context(), id(1)); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	picture.Gateway = gate
	if h := l.hear(t, picture); h.Refused != 0 {
		t.Errorf("%+v", h)
	}
}

// TestTurnedAround: characters that turn the text beside them around are gone.
func TestTurnedAround(t *testing.T) {
	l := open(t, t.TempDir())
	a := revision(1, 1, alert.Raised)
	a.Device, a.Note = "gate\u202emk5", "\u2066x\u2069\n"
	l.hear(t, message(a))
	if c, err := l.Alert(t.Context(), id(1)); err != nil || c.Device != "gate mk5" || c.Note != " x  " {
		t.Errorf("%q, %q, %v", c.Device, c.Note, err)
	}
}

// TestMootPress: what changes nothing is no answer, and accuses nobody in the audit log.
func TestMootPress(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)))
	for _, who := range []string{"王", "李"} {
		if _, err := l.Say(t.Context(), Answer{Alert: id(1), Action: "ack", Who: who}); err != nil {
			t.Fatal(err)
		}
		l.at = l.at.Add(time.Second)
	}
	all, err := l.Log(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].Who != "王" || all[0].What != "ack" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestTooMany: where more are open than a page gets, what nobody has answered is not left out for what
// somebody has, and the gravest never are.
func TestTooMany(t *testing.T) {
	l := open(t, t.TempDir())
	var all []Message
	for n := range maxOpen + 100 {
		a := revision(n, 2, alert.Acknowledged)
		a.ID = numbered(n)
		all = append(all, message(a))
	}
	grave, fresh := revision(1, 2, alert.Dispatched), revision(2, 1, alert.Raised)
	grave.ID, grave.Severity, fresh.ID, fresh.Severity = numbered(9000), 1, numbered(9001), 4
	fresh.DetectedAt.Time = began.Add(time.Hour)
	l.hear(t, append(all, message(grave), message(fresh))...)
	cards, total, _, err := l.Open(t.Context())
	if err != nil || len(cards) != maxOpen || total != maxOpen+102 || cards[0].ID != grave.ID || cards[maxOpen-1].ID != fresh.ID {
		t.Errorf("%d of %d, %v", len(cards), total, err)
	}
}

// numbered is an identifier for more alerts than id can tell apart.
func numbered(n int) string {
	return ulidAt(began.Add(time.Duration(n) * time.Millisecond))
}
