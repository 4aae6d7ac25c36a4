package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/evidence"
	"sentrybox/uplink/budget"
	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/outbox"
)

// lateAfter is how long an alert may wait before it counts as replayed: its
// receiver should then look at its times.
const lateAfter = 30 * time.Second

func (a *App) buildUplink(ctx context.Context) error {
	prefix := a.prefix()
	cfg := mqtt.Config{
		Prefix:        prefix,
		Roots:         a.roots,
		ClientID:      clientID(prefix),
		Source:        a.source(),
		Render:        a.render,
		Subscriptions: []mqtt.Subscription{{Filter: "ack/+", Handle: a.received}, {Filter: "cmd/+", Handle: a.received}},
		Sweep:         a.kept,
		Swept:         "alert/+/+",
		OnState:       a.uplinkState,
		Log:           a.Log.With("part", "uplink"),
	}
	for i, m := range a.Config.Uplink.MQTT {
		b, err := a.newBroker(ctx, &m, a.Config.Uplink.NameOf(i))
		if err != nil {
			return fmt.Errorf("uplink.mqtt[%d]: %w", i, err)
		}
		cfg.Brokers = append(cfg.Brokers, b)
	}
	client, err := mqtt.New(cfg)
	if err != nil {
		return fmt.Errorf("uplink: %w", err)
	}
	a.uplink = client
	return nil
}

// source is the outbox, as the uplink has it.
func (a *App) source() mqtt.Source {
	var s mqtt.Source = &timed{Box: a.outbox, store: a.store, monitor: a.monitor, sent: map[int64]alertTimes{}}
	if a.short != nil {
		s = &noting{Source: s, app: a, grave: map[int64]string{}}
	}
	return s
}

func (a *App) newBroker(ctx context.Context, m *config.MQTT, name string) (b mqtt.Broker, err error) {
	b = mqtt.Broker{URL: m.URL.Reveal(), Username: m.Username, Password: m.Password.Reveal(), Interface: m.Interface}
	if m.CA != "" || m.Cert != "" || m.Pin != "" {
		if b.TLS, err = mqtt.LoadTLS(m.CA, m.Cert, m.Key, m.Pin); err != nil {
			return b, err
		}
	}
	location := a.Config.Gateway.Location()
	meter, err := budget.Open(ctx, a.store.DB(), name, budget.Limits{Rate: int64(m.Budget.Rate), Month: int64(m.Budget.Month)},
		func() time.Time { return time.Now().In(location) })
	if err != nil {
		return b, err
	}
	b.Meter = meter
	a.meters = append(a.meters, meter)
	return b, nil
}

// clientID is the same at each start, so that a broker drops a half-open session
// of ours, and has the 23 letters and digits that every broker takes (MQTT 3.1.1,
// 3.1.3.1).
func clientID(prefix string) string {
	sum := sha256.Sum256([]byte(prefix))
	return "sentrybox" + hex.EncodeToString(sum[:7])
}

func (a *App) render(it outbox.Item, d mqtt.Delivery) ([]byte, error) {
	switch {
	case evidence.Is(it.Topic):
		return a.sender.Render(context.Background(), it.Payload)
	case !strings.HasPrefix(it.Topic, "alert/"):
		return it.Payload, nil
	}
	now := time.Now()
	// In another lane than its own it is published again.
	again := it.Lane != outbox.Alert || d.Replayed || now.Sub(it.Created) > lateAfter
	return alert.Render(it.Payload, now, again)
}

// uplinkState hears of every change of the uplink, which the uplink logs itself.
func (a *App) uplinkState(s mqtt.State) {
	if s.Phase == mqtt.Online {
		now := int32(s.Uplink) + 1 // of a short list
		if before := a.last.Swap(now); before != 0 && before != now {
			a.signal(a.moved)
		}
		a.signal(a.online)
	}
	a.lines.read(site{a}.uplinks())
	a.postGateway()
}

// signal puts a token into c if there is none.
func (a *App) signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// kept hears of what a broker has kept from an earlier time. An alert that was
// closed while another broker was in use is cleared now.
func (a *App) kept(ctx context.Context, topic string) {
	if err := a.alerts.ClearKept(ctx, topic); err != nil && ctx.Err() == nil {
		a.Log.Error("a closed alert stays at the broker", "topic", topic, "error", err)
	}
}

const (
	answerTries = 10
	answerAgain = 200 * time.Millisecond
	foldAnswers = time.Second // bad answers are logged so often
)

// received takes ack/{id} and cmd/{id} by way of an uplink. Its broker has its
// receipt already, so a database that fails for a moment gets another chance.
func (a *App) received(ctx context.Context, topic string, payload []byte) {
	err := a.take(ctx, topic, payload, false)
	for try := 1; err != nil && try < answerTries && ctx.Err() == nil; try++ {
		time.Sleep(answerAgain)
		err = a.take(ctx, topic, payload, false)
	}
	if err != nil {
		a.Log.Error("a message from the duty room could not be kept", "topic", topic, "error", err)
	}
}

// take carries out a message of a duty room. What is wrong with it is no error: the
// same again would not help.
func (a *App) take(ctx context.Context, topic string, payload []byte, local bool) error {
	if len(payload) == 0 { // somebody clears what a broker keeps
		return nil
	}
	switch kind, _, _ := strings.Cut(topic, "/"); kind {
	case "ack":
		return a.takeAnswer(ctx, topic, payload)
	case "cmd":
		return a.commands.Take(ctx, topic, payload, local)
	case "sensors":
		a.takeSensor(topic, payload)
	}
	return nil
}

// takeAnswer carries out an answer. One that cannot be carried out as it stands
// is logged, and no error: the same again would not help.
func (a *App) takeAnswer(ctx context.Context, topic string, payload []byte) error {
	ans, err := alert.ParseAnswer(payload)
	if err == nil {
		err = a.alerts.Answer(ctx, strings.TrimPrefix(topic, "ack/"), ans)
	}
	if errors.Is(err, alert.ErrInvalid) {
		a.bad.log(a.Log, err)
		return nil
	}
	return err
}

// badAnswers folds a flood of answers that are passed over into a line a second.
type badAnswers struct {
	mu     sync.Mutex
	count  int       // guarded by mu
	logged time.Time // guarded by mu
}

func (b *badAnswers) log(log *slog.Logger, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	if now := time.Now(); now.Sub(b.logged) >= foldAnswers {
		log.Warn("answers from the duty room were passed over", "count", b.count, "error", err)
		b.logged, b.count = now, 0
	}
}
