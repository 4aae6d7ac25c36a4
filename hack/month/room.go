package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	ackAfter    = 3 * time.Second
	handleAfter = 20 * time.Second
	// lateAfter is when one alert in twenty is answered, after its clock has run out once.
	lateAfter = 6 * time.Minute
)

// room is a duty room: it remembers every alert that it hears of and answers each.
type room struct {
	client paho.Client
	prefix string

	mu     sync.Mutex
	hurry  bool              // guarded by mu: every alert is answered at once
	seen   map[string]*heard // guarded by mu
	sentAt int               // guarded by mu: revisions that came again
	odd    int               // guarded by mu: of these, with different words
}

// heard is what is known of an alert.
type heard struct {
	first time.Time
	rev   int
	words map[int]string // by revision, what may not differ
	open  bool
	acked time.Time
}

// newRoom listens at the broker itself, not over the line that is cut.
func newRoom(broker, prefix string) *room {
	r := &room{prefix: prefix, seen: map[string]*heard{}}
	opt := paho.NewClientOptions().AddBroker(broker).SetClientID("month-duty-room").SetProtocolVersion(4).SetAutoReconnect(true).
		SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).SetMaxReconnectInterval(100 * time.Millisecond).
		SetCleanSession(true).SetWriteTimeout(5 * time.Second)
	opt.SetOnConnectHandler(func(c paho.Client) { c.Subscribe(prefix+"alert/#", 1, r.take) })
	r.client = paho.NewClient(opt)
	r.client.Connect()
	return r
}

func (r *room) close() { r.client.Disconnect(100) }

// words is what two deliveries of a revision have in common.
func words(payload []byte) string {
	var all map[string]any
	if json.Unmarshal(payload, &all) != nil {
		return string(payload)
	}
	delete(all, "sent_at")
	delete(all, "replayed")
	b, _ := json.Marshal(all) // of what was JSON
	return string(b)
}

func (r *room) take(_ paho.Client, m paho.Message) {
	payload := bytes.TrimSpace(m.Payload())
	if len(payload) == 0 {
		return // cleared
	}
	var a struct {
		ID    string `json:"id"`
		Rev   int    `json:"rev"`
		State string `json:"state"`
		Level string `json:"level"`
	}
	if json.Unmarshal(payload, &a) != nil || a.ID == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.seen[a.ID]
	if h == nil {
		h = &heard{first: time.Now(), words: map[int]string{}}
		r.seen[a.ID] = h
	}
	// Each level that hears of an alert has a topic of its own, and its own words.
	key, said := a.Rev*10+len(a.Level)%10, words(payload)
	if was, again := h.words[key]; again {
		r.sentAt++
		if was != said {
			r.odd++
			say("revision %d of %s came twice:\n%s\n%s", a.Rev, a.ID, was, said)
		}
	}
	h.words[key] = said
	if a.Rev > h.rev {
		h.rev, h.open = a.Rev, a.State != "handled" && a.State != "false"
		if a.State != "raised" && h.acked.IsZero() {
			h.acked = time.Now()
		}
		for k := range h.words {
			if k/10 < a.Rev-4 {
				delete(h.words, k) // a memory without end is not what is tested here
			}
		}
	}
}

// attend answers what is due.
func (r *room) attend(now time.Time) {
	type answer struct{ id, action string }
	var due []answer
	r.mu.Lock()
	n := 0
	for _, id := range slices.Sorted(maps.Keys(r.seen)) {
		h := r.seen[id]
		n++
		wait := ackAfter
		if n%20 == 0 {
			wait = lateAfter
		}
		switch {
		case !h.open:
		case h.acked.IsZero() && (r.hurry || now.Sub(h.first) > wait):
			due = append(due, answer{id, "ack"})
		case !h.acked.IsZero() && (r.hurry || now.Sub(h.acked) > handleAfter):
			due = append(due, answer{id, "handled"})
		}
	}
	r.mu.Unlock()
	for _, d := range due {
		body := fmt.Sprintf(`{"action":%q,"by":"值班室","at":%q}`, d.action, now.UTC().Format(time.RFC3339))
		t := r.client.Publish(r.prefix+"ack/"+d.id, 1, false, body)
		t.WaitTimeout(2 * time.Second) // asked again on the next round until the gateway's own words say so
	}
}

// finish answers every alert at once from now on.
func (r *room) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hurry = true
}

// stillOpen returns how many alerts are open as far as the room knows.
func (r *room) stillOpen() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.seen {
		if h.open {
			n++
		}
	}
	return n
}

func (r *room) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

func (r *room) has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[id] != nil
}

func (r *room) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.seen))
}

// again returns how many revisions came more than once, and how many of these with different words.
func (r *room) again() (n, odd int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sentAt, r.odd
}

// promised is ids that `raise` has given.
type promised struct {
	mu  sync.Mutex
	all []string // guarded by mu
}

func (p *promised) add(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, strings.TrimSpace(id))
}

func (p *promised) list() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}
