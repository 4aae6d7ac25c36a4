package feed

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"sentrybox/gateway/duty/ledger"
)

// askAfter is how often an answer is sent before its gateway is asked about the alert.
const askAfter = 3

// ErrOffline means that the broker cannot be reached.
var ErrOffline = errors.New("the broker is not reached")

// askPrefix stands before the names of our questions about alerts, so that their results are told from
// those of others.
const askPrefix = "duty-ask-"

// publish sends a message at QoS 1 and waits for the broker's receipt.
func publish(c paho.Client, topic string, payload []byte) error {
	token := c.Publish(topic, 1, false, payload)
	if !token.WaitTimeout(sendTime) {
		return errors.New("the broker gives no receipt")
	}
	return token.Error()
}

// say sends the answers that are due, and asks about alerts of which nothing is heard.
func (f *Feed) say(ctx context.Context, c paho.Client) error {
	tick := time.NewTicker(sayEvery)
	defer tick.Stop()
	began, asked := time.Now(), time.Time{}
	for {
		due, err := f.cfg.Ledger.Due(ctx, sayMost)
		if err != nil {
			return err
		}
		for _, a := range due {
			if !f.Serves(a.Gateway) {
				continue
			}
			payload, err := json.Marshal(map[string]string{
				"action": a.Action, "by": a.Who, "at": a.At.UTC().Format(time.RFC3339), "note": a.Note,
			})
			if err != nil {
				return fmt.Errorf("encode an answer: %w", err)
			}
			if err := publish(c, string(a.Gateway)+"/ack/"+a.Alert, payload); err != nil {
				return fmt.Errorf("send an answer: %w", err)
			}
			if err := f.cfg.Ledger.Sent(ctx, a); err != nil {
				return err
			}
			if a.Tries >= askAfter { // perhaps the gateway does not know the alert any more
				f.ask(a.Gateway, a.Alert)
			}
		}
		if now := time.Now(); now.Sub(began) > askEvery && now.Sub(asked) > askEvery {
			asked = now
			if err := f.askUnsure(ctx, began); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Serves says whether a gateway is one of this broker's.
func (f *Feed) Serves(g ledger.Gateway) bool {
	path, ok := strings.CutPrefix(string(g), f.cfg.Prefix+"/")
	want, got := strings.Split(f.cfg.Scope, "/"), strings.Split(path, "/")
	if !ok || len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != "+" && want[i] != got[i] {
			return false
		}
	}
	return true
}

// askUnsure asks about open alerts that were neither in what the broker kept nor spoken of since.
func (f *Feed) askUnsure(ctx context.Context, since time.Time) error {
	all, err := f.cfg.Ledger.Unsure(ctx, since, sayMost)
	if err != nil {
		return err
	}
	for _, c := range all {
		if f.Serves(c.Where) {
			f.ask(c.Where, c.ID)
		}
	}
	return nil
}

// ask asks a gateway how it stands with an alert. An answer comes by keep.
func (f *Feed) ask(g ledger.Gateway, about string) {
	id := askPrefix + about + "-" + rand.Text()[:8]
	if err := f.Command(g, id, map[string]any{"type": "alert", "alert": about}, time.Minute); err != nil && !errors.Is(err, ErrOffline) {
		f.cfg.Log.Warn("a gateway could not be asked about an alert", "alert", about, "error", err)
	}
}

// Command sends a command to a gateway without waiting for the broker's receipt; its result comes to Config.Piece.
func (f *Feed) Command(g ledger.Gateway, id string, body map[string]any, life time.Duration) error {
	f.mu.Lock()
	link := f.link
	f.mu.Unlock()
	if link == nil {
		return ErrOffline
	}
	body["expires"] = time.Now().Add(life).UTC().Format(time.RFC3339)
	payload, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode a command: %w", err)
	}
	link.Publish(string(g)+"/cmd/"+id, 1, false, payload)
	return nil
}

// Listen subscribes to a topic below a gateway, for Config.Piece.
func (f *Feed) Listen(g ledger.Gateway, rest string) error {
	f.mu.Lock()
	link := f.link
	f.mu.Unlock()
	if link == nil {
		return ErrOffline
	}
	// At QoS 0: pieces of a clip that nobody takes must not fill the queue that the broker keeps alerts in.
	token := link.Subscribe(string(g)+"/"+rest, 0, nil)
	if !token.WaitTimeout(sendTime) {
		return errors.New("the broker does not answer a subscription")
	}
	return token.Error()
}

// Unlisten ends what Listen began. A broker that cannot be reached is not told: what comes then is passed over.
func (f *Feed) Unlisten(g ledger.Gateway, rest string) {
	f.mu.Lock()
	link := f.link
	f.mu.Unlock()
	if link != nil {
		link.Unsubscribe(string(g) + "/" + rest)
	}
}

// answered takes what was asked for.
func (f *Feed) answered(ctx context.Context, g ledger.Gateway, rest string, payload []byte) {
	id, isResult := strings.CutSuffix(strings.TrimPrefix(rest, "cmd/"), "/result")
	if !isResult || !strings.HasPrefix(id, askPrefix) {
		if f.cfg.Piece != nil {
			f.cfg.Piece(ctx, g, rest, payload)
		}
		return
	}
	var result struct {
		Error string          `json:"error"`
		Alert json.RawMessage `json:"alert"`
	}
	var a struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(payload, &result) != nil {
		f.refused.Add(1)
		return
	}
	if result.Error == "unknown" {
		about, _, _ := strings.Cut(strings.TrimPrefix(id, askPrefix), "-")
		seq, err := f.cfg.Ledger.Forgotten(ctx, about, g)
		if err != nil {
			f.cfg.Log.Warn("what a gateway said of an alert is not kept", "error", err)
		}
		f.heard(ctx, ledger.Heard{Seq: seq})
		return
	}
	if json.Unmarshal(result.Alert, &a) != nil {
		return // refused for another reason, such as a gateway that is too old
	}
	m := ledger.Message{Gateway: g, Topic: "alert/" + f.cfg.Level + "/" + a.ID, Payload: result.Alert, At: time.Now()}
	h, err := f.cfg.Ledger.Hear(ctx, []ledger.Message{m})
	if err != nil {
		f.cfg.Log.Warn("what a gateway said of an alert is not kept", "error", err)
		return
	}
	f.heard(ctx, ledger.Heard{Seq: h.Seq, Refused: h.Refused})
}

// kept reads, once, what the broker keeps of open alerts, where the subscription is shared: a shared
// one does not get it.
func (f *Feed) kept(session context.Context) error {
	if f.cfg.Share != "" {
		if err := f.readKept(session); err != nil {
			return err
		}
	}
	<-session.Done()
	return session.Err()
}

func (f *Feed) readKept(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	messages := make(chan paho.Message, queue)
	c, err := f.connect(ctx, f.cfg.ClientID+"r", true, func(m paho.Message) {
		if !m.Retained() {
			m.Ack() // the shared subscription has it
			return
		}
		select {
		case messages <- m:
		case <-ctx.Done():
		}
	}, func(error) { cancel() })
	if err != nil {
		return fmt.Errorf("read what the broker keeps: %w", err)
	}
	defer c.Disconnect(100)
	if token := c.Subscribe(f.below("alert/"+f.cfg.Level+"/+"), 1, nil); !token.WaitTimeout(sendTime) || token.Error() != nil {
		return errors.New("read what the broker keeps: no subscription")
	}
	if err := f.keep(ctx, messages); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
