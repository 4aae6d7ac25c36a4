package device

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/beat"
	"sentrybox/gateway/rule"
)

// tickEvery is how often buses, schedules and silence are looked at.
const tickEvery = time.Second

// maxText bounds a text in an alert or a state, in bytes.
const maxText = 48

// Hub is every sensor and output of a gateway.
type Hub struct {
	Config
	deliver *deliveries
	outputs *outputs

	looks looks

	wake chan struct{} // holds a token when the Hub has to look sooner than it meant to

	applying   sync.Mutex      // held while what there is changes, and before mu
	busesCtx   context.Context // guarded by applying, as outputsCtx: nil while the Hub does not run
	outputsCtx context.Context

	mu       sync.Mutex // guards all that follows, and of Config the lists and the location
	buses    map[string]*bus
	sensors  map[string]*sensor
	readings rule.Readings
	alarms   []*alarm
	by       map[rule.Ref][]*alarm // those that a reading is about
	armed    map[string]bool
	due      time.Time // when the Hub looks next
	saved    time.Time // when it was last noted who was heard
}

// New makes a Hub and reads from the store how things stood when the last one ended.
func New(ctx context.Context, c Config) (*Hub, error) {
	h := &Hub{
		Config: c, deliver: newDeliveries(&c), outputs: &outputs{}, buses: map[string]*bus{}, wake: make(chan struct{}, 1),
		sensors: map[string]*sensor{}, readings: rule.Readings{}, armed: map[string]bool{},
	}
	if err := h.deliver.open(ctx); err != nil {
		return nil, err
	}
	armed, err := h.readArmed(ctx, c.areas())
	if err != nil {
		return nil, err
	}
	heard, err := h.readHeard(ctx)
	if err != nil {
		return nil, err
	}
	h.OnState = nil // of what is not told yet
	h.install(c, armed, heard, time.Now())
	h.OnState = c.OnState
	return h, h.restore(ctx)
}

// restore takes what was raised when the last run ended as raised.
func (h *Hub) restore(ctx context.Context) error {
	known := map[string]bool{}
	for _, a := range h.alarms {
		known[a.ID] = true
		if _, a.active = h.deliver.raised[a.ID]; a.active {
			a.device = a.Sensor
		}
	}
	for id := range h.deliver.raised {
		if known[id] {
			continue
		}
		err := h.Store.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM device_alarms WHERE rule = ?`, id)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget the alarm %s, which is no more: %w", id, err)
		}
		delete(h.deliver.raised, id)
	}
	return nil
}

// Run runs every bus until ctx ends. Outputs are off when it begins and when it ends.
func (h *Hub) Run(ctx context.Context) error {
	busesCtx, stopBuses := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBuses()
	delivered := make(chan struct{})
	deliverCtx, stopDelivering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDelivering()
	h.applying.Lock()
	h.busesCtx, h.outputsCtx = busesCtx, ctx
	h.begin()
	h.applying.Unlock()
	go func() {
		defer close(delivered)
		h.deliver.Run(deliverCtx)
	}()
	h.watch(ctx)
	h.applying.Lock()
	defer h.applying.Unlock()
	h.busesCtx, h.outputsCtx = nil, nil
	for _, o := range h.outputs.list() { // they need their buses to be switched off
		o.halt()
	}
	stopBuses()
	for _, b := range h.buses {
		b.halt()
	}
	stopDelivering() // what the last messages of the buses said too
	<-delivered
	return ctx.Err()
}

// watch looks at everything that changes by itself, until ctx ends.
func (h *Hub) watch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			h.saveHeard(context.WithoutCancel(ctx))
			return
		case <-h.wake:
		case <-timer.C:
		}
		timer.Reset(h.tick(time.Now()))
		if h.saveDue(time.Now()) {
			h.saveHeard(ctx)
		}
	}
}

// tick looks at everything and returns when it is to be called again.
func (h *Hub) tick(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.buses {
		b.look(now)
	}
	for _, s := range h.sensors {
		h.lookAt(s, now)
	}
	h.due = now.Add(beat.Until(now, tickEvery))
	for _, a := range h.alarms {
		scheduled := a.Schedule != nil && !a.Schedule.Always()
		if scheduled || !a.next.IsZero() && !a.next.After(now) {
			h.follow(a, now)
		}
		if !a.next.IsZero() && a.next.Before(h.due) {
			h.due = a.next
		}
	}
	return max(h.due.Sub(now), 0)
}

// update follows the alarms that a reading is about.
func (h *Hub) update(ref rule.Ref, now time.Time) {
	for _, a := range h.by[ref] {
		h.attend(a, now)
	}
}

// attend follows an alarm, and has the Hub look sooner if need be.
func (h *Hub) attend(a *alarm, now time.Time) {
	h.follow(a, now)
	if a.next.IsZero() || !a.next.Before(h.due) {
		return
	}
	h.due = a.next
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Take takes what a sensor has sent. It is false if there is no such sensor.
func (h *Hub) Take(id string, m Message) bool {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sensors[id]
	if s == nil {
		return false
	}
	h.take(s, m, now)
	return true
}

// put takes one value of a sensor.
func (h *Hub) put(s *sensor, q Quantity, v Value, now time.Time) {
	ref := rule.Ref{Sensor: s.ID, Quantity: q.Name}
	r := rule.Reading{Value: v.Number, Text: v.Text, At: now}
	if !q.Event {
		h.readings[ref] = r
		s.values[q.Name] = r
		h.update(ref, now)
		return
	}
	if r.Text != "" {
		r.Value = 1
	}
	h.readings[ref] = r
	h.update(ref, now)
	h.readings[ref] = rule.Reading{Rest: true}
	h.update(ref, now)
	s.lastEvent = Event{Sensor: s.ID, Quantity: q.Name, Value: v.Number, Text: alert.Printable(v.Text, maxText), At: now}
	if h.OnEvent != nil {
		h.OnEvent(s.lastEvent)
	}
}

// forget makes the readings of a sensor unknown.
func (h *Hub) forget(s *sensor, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		ref := rule.Ref{Sensor: s.ID, Quantity: name}
		if _, ok := h.readings[ref]; ok {
			delete(h.readings, ref)
			h.update(ref, now)
		}
	}
}

// rounded is v with as many digits as a sensor has at most: six.
func rounded(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	out, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil || v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return v
	}
	return out
}

// Late is for how long the Hub should have looked at its sensors and has not; 0 before it runs.
func (h *Hub) Late(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due.IsZero() {
		return 0
	}
	return max(now.Sub(h.due), 0)
}
