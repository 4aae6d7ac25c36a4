// Command street plays a street: a thousand gateways at a cluster of brokers, two duty
// room consoles that share a database, a burst of alerts, and a broker that is killed in the
// middle of it. It prints what was lost and how the page fared, and fails if anything was lost.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// street is what is played.
type street struct {
	program  string // sentrybox
	gateways int
	rate     int // alerts a second, of all
	burst    time.Duration
	answers  int // how many alerts are acknowledged at a console meanwhile
	settle   time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var s street
	flag.StringVar(&s.program, "sentrybox", "build/sentrybox", "the program")
	flag.IntVar(&s.gateways, "gateways", 1000, "how many gateways")
	flag.IntVar(&s.rate, "rate", 50, "alerts a second")
	flag.DurationVar(&s.burst, "burst", time.Minute, "how long")
	flag.IntVar(&s.answers, "answers", 200, "how many alerts are acknowledged meanwhile")
	flag.DurationVar(&s.settle, "settle", 5*time.Minute, "how long the last may take")
	flag.Parse()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "street:", err)
		os.Exit(1) // stop has nothing left to do
	}
}

func (s *street) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "street-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := &machines{dir: dir}
	defer func() { err = errors.Join(err, m.stop()) }()
	if err := m.start(ctx, s.program); err != nil {
		return err
	}
	fleet := newFleet(s.gateways, m.brokers())
	defer fleet.stop()
	say("connecting %d gateways to 3 brokers", s.gateways)
	if err := fleet.connect(ctx); err != nil {
		return err
	}
	watch := watchPages(ctx, m.consoles)
	began := time.Now()
	say("%d alerts a second for %v", s.rate, s.burst)
	killed := time.AfterFunc(s.burst/2, func() {
		say("a broker is killed")
		m.killBroker(1)
	})
	defer killed.Stop()
	raised, err := fleet.burst(ctx, s.rate, s.burst, func(n int, id string) {
		if s.answers > 0 && n%max(s.rate*int(s.burst/time.Second)/s.answers, 1) == 0 {
			m.consoles[n%2].acknowledge(id)
		}
	})
	if err != nil {
		return err
	}
	say("%d alerts raised in %v", raised, time.Since(began).Round(time.Second))
	if err := m.restartBroker(ctx, 1); err != nil {
		return err
	}
	lost, acked, took, err := m.settled(ctx, fleet, s.settle)
	if err != nil {
		return err
	}
	pages := watch()
	fmt.Println("| what | measured |")
	fmt.Println("| --- | --- |")
	fmt.Printf("| gateways, brokers, consoles | %d, 3 (NATS JetStream, one killed and restarted), 2 with one PostgreSQL |\n", s.gateways)
	fmt.Printf("| alerts raised, lost | %d at %d a second, %d |\n", raised, s.rate, lost)
	fmt.Printf("| acknowledged at a console, shown so by the gateway | %d, %d |\n", m.asked(), acked)
	fmt.Printf("| until everything had arrived and was answered, after the last was raised | %v |\n", took.Round(100*time.Millisecond))
	fmt.Printf("| the page's state, asked for each second: median, 99th percentile, failures | %v, %v, %d of %d |\n",
		pages.median.Round(time.Millisecond), pages.p99.Round(time.Millisecond), pages.failed, pages.asked)
	fmt.Printf("| longest silence of the page's stream | %v |\n", pages.silence.Round(100*time.Millisecond))
	if lost > 0 || acked < m.asked() {
		return fmt.Errorf("%d alerts and %d answers are lost", lost, m.asked()-acked)
	}
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
