package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/text"
)

// dutyRoom is a subscriber like any other: it knows of the gateway what the
// broker delivers.
type dutyRoom struct {
	demo   *Demo
	client paho.Client

	mu     sync.Mutex
	alerts map[string]int  // guarded by mu: the highest revision seen, by id
	seen   int             // guarded by mu: alerts of which there is a picture
	thumbs map[string]bool // guarded by mu
}

const answerWithin = 10 * time.Second

func (r *dutyRoom) listen(broker, prefix string) error {
	r.alerts, r.thumbs = map[string]int{}, map[string]bool{}
	opts := paho.NewClientOptions().AddBroker("tcp://" + broker).SetClientID("demo-duty-room").
		SetProtocolVersion(4).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(answerWithin)
	r.client = paho.NewClient(opts)
	if err := await(r.client.Connect()); err != nil {
		return fmt.Errorf("connect the duty room to the broker: %w", err)
	}
	for _, sub := range []struct {
		topic  string
		handle func(topic string, payload []byte)
	}{{"alert/+/+", r.alert}, {"thumb/+", r.thumb}} {
		handle := func(_ paho.Client, m paho.Message) {
			sub.handle(strings.TrimPrefix(m.Topic(), prefix+"/"), m.Payload())
		}
		if err := await(r.client.Subscribe(prefix+"/"+sub.topic, 1, handle)); err != nil {
			return fmt.Errorf("subscribe the duty room: %w", err)
		}
	}
	return nil
}

func await(t paho.Token) error {
	if !t.WaitTimeout(answerWithin) {
		return errors.New("no answer")
	}
	return t.Error()
}

func (r *dutyRoom) close() { r.client.Disconnect(250) }

func (r *dutyRoom) alert(_ string, payload []byte) {
	if len(payload) == 0 {
		return // a closed alert leaves the broker
	}
	var a alert.Alert
	if err := json.Unmarshal(payload, &a); err != nil {
		r.demo.Log.Error("an alert cannot be read", "error", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.Rev <= r.alerts[a.ID] {
		return
	}
	if _, old := r.alerts[a.ID]; !old && slices.Contains(a.Evidence, "thumb") {
		r.seen++
	}
	r.alerts[a.ID] = a.Rev
	if r.demo.JSON {
		_, _ = fmt.Fprintf(r.demo.Out, "%s\n", payload)
		return
	}
	r.say(a)
}

// say prints an alert in the user's language.
func (r *dutyRoom) say(a alert.Alert) {
	now := time.Now()
	at, kind := now.Format("15:04:05"), text.Kind(r.demo.Lang, a.Kind)
	zone := a.Zone
	if zone == "all" { // the zone that a camera without zones has
		zone = text.T(r.demo.Lang, "demo.whole")
	}
	where := strings.Join([]string{zone, a.Place, a.Caller}, " ")
	if a.Value != nil {
		where = fmt.Sprintf("%s %v %s", text.Reading(r.demo.Lang, a.Quantity), *a.Value, a.Unit)
	}
	where = strings.TrimSpace(where)
	switch {
	case !a.EndedAt.IsZero():
		r.demo.say("demo.over", at, a.Device, kind)
	case a.Rev > 1 && a.Count < 2: // evidence has come, or nobody has answered
		r.demo.say("demo.more", at, a.Device, kind, where, a.Rev)
	case a.Rev > 1:
		r.demo.say("demo.again", at, a.Device, kind, where, a.Count, a.Rev)
	default:
		r.demo.say("demo.alert", at, a.Device, kind, where, a.Severity, now.Sub(a.DetectedAt.Time).Seconds())
	}
}

func (r *dutyRoom) thumb(topic string, payload []byte) {
	id := strings.TrimPrefix(topic, "thumb/")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.thumbs[id] = true
	if !r.demo.JSON {
		r.demo.say("demo.thumb", time.Now().Format("15:04:05"), id, len(payload))
	}
}

func (r *dutyRoom) delivered() (alerts, thumbs int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.alerts), len(r.thumbs)
}

// settle waits until every picture that an alert promises has come, or most.
func (r *dutyRoom) settle(most time.Duration) {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r.mu.Lock()
		all := len(r.thumbs) >= r.seen
		r.mu.Unlock()
		if all {
			return
		}
	}
}
