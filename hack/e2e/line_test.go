//go:build e2e

package e2e

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/control"
	"sentrybox/gateway/store"
	"sentrybox/uplink/linetest"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

// full reports whether the figures of the README are wanted, which take minutes.
func full() bool { return os.Getenv("UPLINK_REPORT") == "full" }

// figure prints a line for hack/uplink-report.
func figure(t *testing.T, name, format string, args ...any) {
	t.Helper()
	t.Logf("figure\t%s\t%s", name, fmt.Sprintf(format, args...))
}

// village is a line at the edge of a cell: 64 kbit/s, 800 ms there and back, and a
// fifth of the packets lost, each by itself, in both directions.
func village() linetest.Quality {
	return linetest.Quality{Rate: 8000, Delay: 400 * time.Millisecond, Loss: 0.2}
}

// site is a gateway and, at the other end of its lines, a world with brokers.
type site struct {
	*gateway
	gw, world *linetest.Host
	data      string
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{gw: linetest.NewHost(t, "gw"), world: linetest.NewHost(t, "world"), data: filepath.Join(dir, "data"),
		gateway: &gateway{t: t, config: filepath.Join(dir, "config.yaml"), log: &logBuffer{}}}
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the gateway said:\n%s", s.log)
		}
	})
	return s
}

// broker starts a Mosquitto behind line n.
func (s *site) broker(n int) *mqtttest.Mosquitto {
	return mqtttest.StartMosquitto(s.t, mqtttest.MosquittoOptions{Host: s.world, Listen: fmt.Sprintf("10.%d.0.2", n), Port: 1883})
}

func (s *site) subscribe(m *mqtttest.Mosquitto) *mqtttest.Subscriber {
	return mqtttest.Subscribe(s.t, m.URL(), prefix+"#", mqtttest.SubscriberOptions{Host: s.world})
}

// run starts the gateway in its namespace.
func (s *site) run(uplinks string) {
	s.t.Helper()
	doc := strings.NewReplacer("${DATA}", s.data, `[{url: "${BROKER}"}]`, uplinks).Replace(head)
	if err := os.WriteFile(s.config, []byte(doc), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = s.gw.Command(filepath.Join(programs, "sentrybox"), "run", "--config", s.config)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// alert raises an alert once the gateway is there, and returns its id.
func (s *site) alert(severity int) string {
	s.t.Helper()
	req := control.Request{ID: ulid.Make().String(), Kind: "test", Severity: severity}
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if _, err = control.Raise(s.t.Context(), s.data, req); err == nil {
			return req.ID
		}
	}
	s.t.Fatal(err)
	return ""
}

// backlog puts n items of metrics of size bytes into the outbox of a gateway that
// does not run yet.
func (s *site) backlog(n, size int) {
	s.t.Helper()
	ctx := s.t.Context()
	st, err := store.Open(ctx, s.data, store.Migration{Component: "outbox", Steps: outbox.Schema()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer st.Close()
	box, err := outbox.New(ctx, st.DB(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	err = st.Tx(ctx, func(tx *sql.Tx) error {
		for i := range n {
			it := outbox.Item{Lane: outbox.Metrics, Topic: fmt.Sprintf("metrics/%d", i), Payload: make([]byte, size)}
			if _, err := box.Put(ctx, tx, it); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// arrivals returns when each alert came first.
func arrivals(sub *mqtttest.Subscriber) map[string]time.Time {
	first := map[string]time.Time{}
	for _, m := range sub.Messages() {
		if _, topic, ok := strings.Cut(m.Topic, "/alert/"); ok && len(m.Payload) > 0 {
			id := topic[strings.Index(topic, "/")+1:]
			if _, seen := first[id]; !seen {
				first[id] = m.At
			}
		}
	}
	return first
}

// TestAlertOnAPoorLine measures how long an alert's text takes to the subscriber
// over a village's line on which a backlog of metrics waits. Several lines are
// measured at once, each with losses of its own.
func TestAlertOnAPoorLine(t *testing.T) {
	t.Parallel()
	lines, each := 2, 4
	if full() {
		lines, each = 5, 24
	}
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for i := range lines {
		s := newSite(t)
		linetest.Connect(t, s.gw, s.world, "wwan0", 1, village(), uint64(i)+1)
		m := s.broker(1)
		sub := s.subscribe(m)
		s.backlog(1000, 4000)
		s.run(fmt.Sprintf(`[{url: %q, interface: wwan0}]`, m.URL()))
		wg.Go(func() {
			d := s.measure(sub, each, uint64(i))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, d...)
		})
	}
	wg.Wait()
	if t.Failed() || len(all) != lines*each {
		t.Fatalf("%d of %d alerts came", len(all), lines*each)
	}
	slices.Sort(all)
	median, p99 := all[len(all)/2], all[(len(all)*99+99)/100-1]
	figure(t, "alerts measured on the poor line", "%d", len(all))
	figure(t, "alert to subscriber, median", "%.1f s", median.Seconds())
	figure(t, "alert to subscriber, 99th percentile", "%.1f s", p99.Seconds())
	figure(t, "alert to subscriber, slowest", "%.1f s", all[len(all)-1].Seconds())
	if full() && (median > 5*time.Second || p99 > 15*time.Second) {
		t.Errorf("median %v, 99th percentile %v", median, p99)
	}
}

// measure raises alerts and returns how long each took.
func (s *site) measure(sub *mqtttest.Subscriber, n int, seed uint64) (all []time.Duration) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	raised := map[string]time.Time{}
	sub.WaitTopic(patience, prefix+"status")
	for range n {
		time.Sleep(time.Duration(1500+rnd.IntN(2500)) * time.Millisecond)
		at := time.Now()
		raised[s.alert(2)] = at
	}
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		first := arrivals(sub)
		all = nil
		for id, at := range raised {
			if came, ok := first[id]; ok {
				all = append(all, came.Sub(at))
			}
		}
		if len(all) == n {
			break
		}
	}
	return all
}

// TestAfterAWeek measures how long 500 alerts take that waited for the line, and
// holds that they are through before the metrics.
func TestAfterAWeek(t *testing.T) {
	t.Parallel()
	runs, alerts := 1, 60
	if full() {
		runs, alerts = 6, 500
	}
	var mu sync.Mutex
	var slowest, fastest time.Duration
	var wg sync.WaitGroup
	for i := range runs {
		s := newSite(t)
		line := linetest.Connect(t, s.gw, s.world, "wwan0", 1, village(), uint64(i)+1)
		m := s.broker(1)
		sub := s.subscribe(m)
		s.backlog(1000, 4000)
		line.Dead(true)
		s.run(fmt.Sprintf(`[{url: %q, interface: wwan0}]`, m.URL()))
		wg.Go(func() {
			for range alerts {
				s.alert(2)
			}
			line.Dead(false)
			took := allThrough(t, sub, alerts)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
			if fastest == 0 || took < fastest {
				fastest = took
			}
		})
	}
	wg.Wait()
	figure(t, fmt.Sprintf("%d alerts after a week without a line, from the line's return, %d runs", alerts, runs), "%.0f to %.0f s", fastest.Seconds(), slowest.Seconds())
	if full() && slowest > time.Minute {
		t.Errorf("%v", slowest)
	}
}

func allThrough(t *testing.T, sub *mqtttest.Subscriber, n int) time.Duration {
	began := time.Now()
	for time.Since(began) < 5*time.Minute {
		if first := arrivals(sub); len(first) == n {
			last := began
			for _, at := range first {
				if at.After(last) {
					last = at
				}
			}
			// One may have been on its way before the first alert was raised.
			if early := metricsBefore(sub, last); early > 1 {
				t.Errorf("%d metrics came before the last alert", early)
			}
			return last.Sub(began)
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Errorf("%d of %d alerts came", len(arrivals(sub)), n)
	return 0
}

func metricsBefore(sub *mqtttest.Subscriber, at time.Time) (n int) {
	for _, m := range sub.Messages() {
		if strings.Contains(m.Topic, "/metrics") && m.At.Before(at) {
			n++
		}
	}
	return n
}

// TestFailOver: the preferred of two lines dies without a word. What is raised
// then arrives at the other broker, which knows all that is open; what is closed
// there is cleared at the first when that is used again.
func TestFailOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fibre := linetest.Connect(t, s.gw, s.world, "wan0", 1, linetest.Quality{Delay: 5 * time.Millisecond}, 1)
	linetest.Connect(t, s.gw, s.world, "wwan0", 2, linetest.Quality{Rate: 125_000, Delay: 50 * time.Millisecond}, 2)
	first, second := s.broker(1), s.broker(2)
	atFirst, atSecond := s.subscribe(first), s.subscribe(second)
	uplinks := fmt.Sprintf(`[{url: %q, interface: wan0, name: fibre}, {url: %q, interface: wwan0, name: lte}]`, first.URL(), second.URL())
	s.run(uplinks)
	open := s.alert(2)
	topic := prefix + "alert/community/" + open
	atFirst.WaitTopic(patience, topic)
	fibre.Dead(true)
	died := time.Now()
	late := s.alert(2)
	m := atSecond.WaitTopic(patience, prefix+"alert/community/"+late)
	figure(t, "fail-over, from the line's death to the alert at the other broker", "%.1f s", m.At.Sub(died).Seconds())
	// If the first acknowledged it, it comes when all is said again: once a minute at most.
	atSecond.WaitTopic(patience, topic)
	atSecond.Publish(prefix+"ack/"+open, false, []byte(`{"action":"handled","by":"王"}`))
	atSecond.Wait(patience, "the cleared topic", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return m.Topic == topic && len(m.Payload) == 0 })
	})
	s.stop()
	fibre.Dead(false)
	s.run(uplinks)
	atFirst.Wait(patience, "the cleared topic at the first broker", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return m.Topic == topic && len(m.Payload) == 0 })
	})
	atFirst.WaitTopic(patience, prefix+"alert/community/"+late)
}

// TestDeadAtTheStart: the preferred line is dead when the gateway starts.
func TestDeadAtTheStart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	linetest.Connect(t, s.gw, s.world, "wan0", 1, linetest.Quality{}, 1).Dead(true)
	linetest.Connect(t, s.gw, s.world, "wwan0", 2, linetest.Quality{Delay: 50 * time.Millisecond}, 2)
	m := s.broker(2)
	sub := s.subscribe(m)
	began := time.Now()
	s.run(fmt.Sprintf(`[{url: "mqtt://10.1.0.2:1883", interface: wan0}, {url: %q, interface: wwan0}]`, m.URL()))
	id := s.alert(1)
	came := sub.WaitTopic(patience, prefix+"alert/community/"+id)
	figure(t, "start with a dead preferred line, until an alert is at the other broker", "%.1f s", came.At.Sub(began).Seconds())
}
