package mqtt

import (
	"context"
	"fmt"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"sentrybox/uplink/outbox"
)

const (
	// window is how many items are on their way at most: 500 alerts of 600 bytes
	// fill a line of 64 kbit/s over a round trip of 800 ms, the repetition of what
	// is lost, and some seconds in which a lost packet holds up all acknowledgements.
	window = 256
	// crowd is how many there are for another of a lane below Alert to join them.
	crowd = 32
	// bulkBytes is how many bytes of the lanes below Reply are on their way: a few
	// segments, behind which an alert waits for half a second at 64 kbit/s, and of
	// which each that is lost holds it up. One item may always go.
	bulkBytes = 5 << 10
	// overhead is what an item costs besides its payload and topic: MQTT, TCP and
	// IP headers, and its acknowledgement.
	overhead = 120
	batch    = 32 // items that are asked of the source at once
	// roomEvery is how often a crowded connection is looked at for room.
	roomEvery = 10 * time.Millisecond
)

// share returns how many items may be on their way for another of the lane to
// join them, so that a backlog leaves room for what is more urgent.
func share(l outbox.Lane) int {
	switch l {
	case outbox.Alert:
		return window
	case outbox.Reply:
		return crowd - 6
	case outbox.Thumbnail, outbox.State:
		return crowd - 12
	default:
		return crowd - 16
	}
}

// flightKind is what a flight carries.
type flightKind int

const (
	itemFlight flightKind = iota
	statusFlight
	subFlight
	echoFlight
)

// flight is a publication that waits for its PUBACK, or the subscription.
type flight struct {
	kind   flightKind
	seq    int64 // of an item
	bulk   int   // its bytes, for lanes below Reply
	urgent int   // 1 for the other lanes
	sent   time.Time
	// overtaken is when a later flight was acknowledged first, zero if none was.
	overtaken time.Time
}

// landing is the end of a flight.
type landing struct {
	*flight
	err error
}

// retryIn has the source asked again after d at the latest.
func (s *session) retryIn(d time.Duration) {
	if at := time.Now().Add(d); s.retryAt.IsZero() || at.Before(s.retryAt) {
		s.retryAt = at
		s.retry.Reset(d)
	}
}

// fill sends what the source has and the window takes. Only one item at a time is
// with paho or waits for the kernel, so that whatever is most urgent is the next.
func (s *session) fill(ctx context.Context) {
	for ctx.Err() == nil && s.link.conn.writing.Load() == 0 && s.link.conn.handed.Load() == 0 {
		if s.look {
			s.look = false
			s.ready = s.ask(ctx)
		}
		if len(s.ready) == 0 {
			return
		}
		if s.crowded(time.Now()) {
			return
		}
		it := s.ready[0]
		bulky := it.Lane > outbox.Reply
		if s.items >= share(it.Lane) || bulky && s.bulk > 0 && s.bulk+len(it.Payload) > bulkBytes {
			s.ready = nil // the rest is no more urgent, and its turn comes with the next acknowledgement
			return
		}
		if wait := s.target.meter.Wait(); bulky && wait > 0 {
			s.ready = nil
			s.retryIn(wait)
			return
		}
		if s.ready = s.ready[1:]; len(s.ready) == 0 {
			s.look = true // there may be more
		}
		if !s.send(ctx, it) {
			return // the connection is broken, and each further try might block
		}
	}
}

// crowded reports whether the kernel has enough, and has it asked again soon if
// so. What stays so for Timing.Write is left to the next write to judge, which
// fails on a connection that takes nothing any more.
func (s *session) crowded(now time.Time) bool {
	if !s.crowding.crowded(s.link.conn.raw.Conn, now) {
		s.crowdedAt = time.Time{}
		return false
	}
	if s.crowdedAt.IsZero() {
		s.crowdedAt = now
	}
	if now.Sub(s.crowdedAt) >= s.cfg.Timing.Write {
		s.crowdedAt = now
		return false
	}
	s.room.Reset(roomEvery)
	return true
}

// lowest returns the lowest lane that something may be sent of now, -1 if none.
func (s *session) lowest() outbox.Lane {
	budget := s.target.meter.Lowest()
	lowest := outbox.Lane(-1)
	for l := outbox.Alert; int(l) < outbox.Lanes && share(l) > s.items; l++ {
		if l > outbox.Reply {
			if s.bulk >= bulkBytes || l > budget {
				break
			}
			if wait := s.target.meter.Wait(); wait > 0 {
				s.retryIn(wait)
				break
			}
		}
		lowest = l
	}
	return lowest
}

// ask returns what the source has to be sent now.
func (s *session) ask(ctx context.Context) []outbox.Item {
	lowest := s.lowest()
	if lowest < 0 {
		return nil
	}
	skip := s.skip(time.Now())
	for f := range s.flights {
		if f.kind == itemFlight {
			skip[f.seq] = struct{}{}
		}
	}
	most := batch
	if lowest > outbox.Reply {
		most = 4 // mostly large, and the bucket is asked each time
	}
	items, err := s.cfg.Source.Next(ctx, min(most, window-s.items), lowest, skip)
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Error("cannot read the outbox", "err", err)
			s.retryIn(retryTime)
		}
		return nil
	}
	return items
}

// send puts one item on its way. It reports false if the connection turned out
// to be of no use.
func (s *session) send(ctx context.Context, it outbox.Item) bool {
	payload := it.Payload
	if s.cfg.Render != nil && len(payload) > 0 {
		var err error
		payload, err = s.cfg.Render(it, Delivery{Attempt: it.Attempts + 1, Replayed: it.Attempts > 0})
		if err != nil {
			s.cfg.Log.Error("cannot render an outgoing message", "topic", it.Topic, "seq", it.Seq, "err", err)
			s.held[it.Seq] = time.Now().Add(holdTime)
			s.retryIn(holdTime)
			return true
		}
	}
	if err := s.cfg.Source.Sending(context.WithoutCancel(ctx), it.Seq); err != nil {
		s.cfg.Log.Error("cannot note what is being sent", "err", err)
	}
	f := &flight{seq: it.Seq, sent: time.Now()}
	if it.Lane > outbox.Reply {
		f.bulk = len(payload) // which Render may have made longer
	}
	s.items++
	s.bulk += f.bulk
	if it.Lane <= outbox.Reply {
		f.urgent = 1
	}
	s.urgent += f.urgent
	s.target.meter.Spend(len(payload) + len(s.cfg.Prefix) + len(it.Topic) + overhead)
	return s.publish(f, it.Topic, it.Retain, payload)
}

func (s *session) publishStatus(payload string) *flight {
	f := &flight{kind: statusFlight, sent: time.Now()}
	s.publish(f, "status", true, []byte(payload))
	return f
}

// publish hands a message to paho. It blocks while the write before does, for
// Timing.Write at most, and reports whether that was not in vain.
func (s *session) publish(f *flight, topic string, retain bool, payload []byte) bool {
	s.sent.Add(1)
	s.link.conn.handed.Add(1)
	t := s.link.Publish(s.cfg.full(topic), 1, retain, payload)
	s.await(f, t)
	select {
	case <-t.Done():
		return t.Error() == nil
	default:
		return true
	}
}

// await has the end of a token reported. Nothing but the token decides what the
// end was.
func (s *session) await(f *flight, t paho.Token) {
	if len(s.flights) == 0 {
		s.progress = f.sent
	}
	s.flights[f] = struct{}{}
	s.waiting.Go(func() {
		select {
		case <-t.Done():
		case <-s.over:
			select {
			case <-t.Done(): // both at once: the token counts
			default:
				return
			}
		}
		err := t.Error()
		if sub, ok := t.(*paho.SubscribeToken); ok && err == nil {
			s.reportRefused(sub)
		}
		s.landings <- landing{f, err}
	})
}

// reportRefused logs the filters that the broker did not grant (MQTT 3.1.1,
// 3.9.3). The rest of the connection is of use all the same.
func (s *session) reportRefused(t *paho.SubscribeToken) {
	for filter, code := range t.Result() {
		if code > 2 {
			s.cfg.Log.Error("the broker refuses a subscription", "broker", s.target.name, "filter", filter)
		}
	}
}

// land takes one end, and all others that are there, and removes the
// acknowledged items in one write.
func (s *session) land(ctx context.Context, ld landing) error {
	err := s.settle(ld)
	for err == nil {
		select {
		case ld = <-s.landings:
			err = s.settle(ld)
			continue
		default:
		}
		break
	}
	s.remove(ctx)
	s.look = true
	if s.proven && err == nil {
		s.setState(State{Phase: Online, Broker: s.target.name, Uplink: s.target.index})
	}
	return err
}

// settle takes one end. A token with an error means that the connection is of
// no more use, whether paho has noticed or not.
func (s *session) settle(ld landing) error {
	delete(s.flights, ld.flight)
	if ld.kind == itemFlight {
		s.items--
		s.urgent -= ld.urgent
		s.bulk -= ld.bulk
	}
	if ld.err != nil {
		return fmt.Errorf("connection to %s: %w", s.target.name, ld.err)
	}
	s.progress = time.Now()
	for f := range s.flights {
		if f.overtaken.IsZero() && f.sent.Before(ld.sent) {
			f.overtaken = s.progress
		}
	}
	s.proven = s.proven || ld.kind != subFlight
	if ld.kind == itemFlight {
		s.acked.Add(1)
		s.unremoved[ld.seq] = struct{}{}
	}
	return nil
}

// remove takes acknowledged items out of the source. If that fails they are
// not sent again, and it is tried again.
func (s *session) remove(ctx context.Context) {
	if len(s.unremoved) == 0 {
		return
	}
	seqs := make([]int64, 0, len(s.unremoved))
	for seq := range s.unremoved {
		seqs = append(seqs, seq)
	}
	// Also when the end has come: what is acknowledged should not come twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	if err := s.cfg.Source.Done(ctx, seqs...); err != nil {
		s.cfg.Log.Error("cannot remove acknowledged messages", "err", err)
		s.retryIn(retryTime)
		return
	}
	clear(s.unremoved)
}

// deadline is when the broker has to have acknowledged something. Each byte on
// its way adds to it, for a slow line is not a dead one. A broker acknowledges
// in order (MQTT 3.1.1, 4.6), so one that leaves out a message and goes on with
// others is broken too.
func (s *session) deadline() (time.Time, bool) {
	if len(s.flights) == 0 {
		return time.Time{}, false
	}
	allow := s.cfg.Timing.Ack + time.Duration(s.bulk)*time.Second/minRate
	at := s.progress.Add(allow)
	for f := range s.flights {
		if t := f.overtaken.Add(allow); !f.overtaken.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at, true
}

// watchdog returns a channel that fires at the deadline, never when nothing is
// on its way.
func (s *session) watchdog() (<-chan time.Time, func() bool) {
	at, ok := s.deadline()
	if !ok {
		return nil, func() bool { return true }
	}
	t := time.NewTimer(time.Until(at))
	return t.C, t.Stop
}

func (s *session) checkStalled() error {
	if at, ok := s.deadline(); !ok || time.Now().Before(at) || len(s.landings) > 0 {
		return nil
	}
	return fmt.Errorf("connection to %s: %w", s.target.name, errStalled)
}
