package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"sentrybox/gateway/command"
	"sentrybox/uplink/outbox"
)

// ask sends a command, and returns its result.
func (r *rig) ask(id, body string, local bool) map[string]any {
	r.t.Helper()
	if err := r.sender.Commands.Take(r.t.Context(), "cmd/"+id, []byte(body), local); err != nil {
		r.t.Fatal(err)
	}
	var result map[string]any
	if err := json.Unmarshal(r.local[command.Topic(id)], &result); err != nil {
		r.t.Fatalf("result of %s: %v", id, err)
	}
	return result
}

// receiver puts pieces together, in whatever order and however often they come.
type receiver struct {
	data []byte
	have map[int64]bool
	head Header
	sent int
}

func (rc *receiver) take(t *testing.T, payload []byte) {
	t.Helper()
	line, rest, _ := bytes.Cut(payload, []byte("\n"))
	if err := json.Unmarshal(line, &rc.head); err != nil || len(rest) != rc.head.Length {
		t.Fatalf("piece %s with %d bytes: %v", line, len(rest), err)
	}
	if rc.data == nil {
		rc.data, rc.have = make([]byte, rc.head.Total), map[int64]bool{}
	}
	copy(rc.data[rc.head.Offset:], rest)
	rc.have[rc.head.Offset] = true
	rc.sent++
}

func (rc *receiver) whole() bool {
	sum := sha256.Sum256(rc.data)
	return hex.EncodeToString(sum[:]) == rc.head.SHA256
}

// deliver is an uplink: it sends at most n pieces, and says how many there were.
func (r *rig) deliver(rc *receiver, n int) (sent int) {
	r.t.Helper()
	items, err := r.box.Next(r.t.Context(), n, outbox.Evidence, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, it := range items {
		if it.Lane == outbox.Evidence {
			payload, err := r.sender.Render(r.t.Context(), it.Payload)
			if err != nil {
				r.t.Fatal(err)
			}
			if len(it.Payload) > 200 || len(payload) > Piece+400 {
				r.t.Errorf("%d bytes wait in the outbox for a piece of %d", len(it.Payload), len(payload))
			}
			rc.take(r.t, payload)
			sent++
		}
		if err := r.box.Done(r.t.Context(), it.Seq); err != nil {
			r.t.Fatal(err)
		}
	}
	return sent
}

func (r *rig) step() int {
	r.t.Helper()
	n, err := r.sender.step(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// TestTransfer: a file arrives whole across a restart in the middle, from the
// first byte or any other, and asking again with the same id begins nothing anew.
func TestTransfer(t *testing.T) {
	r := newRig(t)
	id := r.raise("gate")
	r.keep(id, 100*Piece+17)
	body := `{"type":"evidence","alert":"` + id + `","part":"picture","from":0}`
	if got := r.ask("c-1", body, false); got["state"] != "accepted" || got["total"] != float64(100*Piece+17) {
		t.Fatalf("%v", got)
	}
	var rc receiver
	r.step()
	for r.deliver(&rc, 20) > 0 && rc.sent < 30 {
	}
	r.restart()
	r.ask("c-1", body, false)
	for range 1000 {
		n := r.step()
		if r.deliver(&rc, 20) == 0 && n == 0 {
			break
		}
	}
	if !rc.whole() || rc.sent != 101 {
		t.Errorf("whole: %v after %d pieces", rc.whole(), rc.sent)
	}
	var last map[string]any
	if err := json.Unmarshal(r.local[command.Topic("c-1")], &last); err != nil || last["state"] != "done" {
		t.Errorf("at last %v, %v", last, err)
	}
	// From the middle: the rest alone.
	rest := receiver{data: make([]byte, 100*Piece+17), have: map[int64]bool{}}
	copy(rest.data, rc.data[:90*Piece+100])
	r.ask("c-2", `{"type":"evidence","alert":"`+id+`","part":"picture","from":`+fmt.Sprint(90*Piece+100)+`}`, false)
	for range 1000 {
		n := r.step()
		if r.deliver(&rest, 20) == 0 && n == 0 {
			break
		}
	}
	if !rest.whole() || rest.sent != 10 {
		t.Errorf("whole: %v after %d pieces", rest.whole(), rest.sent)
	}
}

// TestLocalTransfer: who asks at the local broker gets it there, and nothing of it
// goes out by the uplink.
func TestLocalTransfer(t *testing.T) {
	r := newRig(t)
	id := r.raise("gate")
	r.keep(id, 5*Piece)
	r.ask("c-1", `{"type":"evidence","alert":"`+id+`","part":"picture"}`, true)
	for r.step() > 0 {
	}
	var rc, out receiver
	for i := range 5 {
		rc.take(t, r.local[Topic(id, Picture, int64(i*Piece))])
	}
	if !rc.whole() || r.deliver(&out, 100) != 0 {
		t.Errorf("whole: %v; %d pieces went out", rc.whole(), out.sent)
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	id, none := r.raise("gate"), r.raise("yard")
	r.keep(id, 100)
	for name, tc := range map[string]struct{ body, want string }{
		"no JSON": {`{`, "invalid"}, "type": {`{"type":"dance"}`, "type"}, "alert": {`{"type":"evidence","alert":"x"}`, "invalid"},
		"part":    {`{"type":"evidence","alert":"` + id + `","part":"../../etc/passwd"}`, "invalid"},
		"from":    {`{"type":"evidence","alert":"` + id + `","part":"picture","from":100}`, "range"},
		"neg":     {`{"type":"evidence","alert":"` + id + `","part":"picture","from":-1}`, "range"},
		"gone":    {`{"type":"evidence","alert":"` + none + `","part":"picture"}`, "gone"},
		"unknown": {`{"type":"evidence","alert":"01JQZZZZZZZZZZZZZZZZZZZZZZ","part":"picture"}`, "unknown"},
		"expired": {`{"type":"evidence","alert":"` + id + `","part":"picture","expires":"2026-02-28T00:00:00Z"}`, "expired"},
	} {
		if got := r.ask("c-"+string(name[0])+fmt.Sprint(len(tc.body)), tc.body, true); got["state"] != "refused" || got["error"] != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	r.ask("late", `{"type":"evidence","alert":"`+id+`","part":"picture","expires":"2026-03-01T12:00:10Z"}`, false)
	r.now = r.now.Add(time.Minute)
	r.step()
	var got map[string]any
	if err := json.Unmarshal(r.local[command.Topic("late")], &got); err != nil || got["state"] != "expired" || r.step() != 0 {
		t.Errorf("%v, %v", got, err)
	}
}
