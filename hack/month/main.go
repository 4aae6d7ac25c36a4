// Command month plays what a box has to bear in a month without a visit, in two hours: eight
// cameras that reboot and hang, sensors of every kind whose lines are unplugged, a line that is cut, a
// broker that is killed, vision processes that are killed. Every ten seconds it writes what the
// gateway holds to a CSV file, and at the end it judges: memory has not grown by more than a twentieth
// since the settled beginning, nor have files, goroutines and threads, and every alert has arrived.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// month is one run.
type month struct {
	For      time.Duration `default:"2h" help:"How long it lasts."`
	After    time.Duration `default:"10m" help:"When what the gateway holds has settled: the end is held against this."`
	Window   time.Duration `default:"5m" help:"Length of the two stretches that are compared, by their medians."`
	Every    time.Duration `default:"10s" help:"Interval of samples."`
	Pace     float64       `default:"1" help:"How many times as often as usual things go wrong."`
	Cameras  int           `default:"8" help:"How many cameras."`
	Seed     uint64        `default:"1" help:"Of what goes wrong when."`
	Dir      string        `type:"path" help:"Folder for data, logs and soak.csv; one that is removed if not given."`
	Programs string        `type:"existingdir" default:"build" help:"Folder of sentrybox, sentrybox-vision, camsim and sensorsim."`
	Clip     string        `type:"existingfile" required:"" help:"MP4 file that the cameras play."`
}

// settleWithin is how long after the last fault everything may take to be right again.
const settleWithin = 3 * time.Minute

func main() {
	var m month
	kong.Parse(&m, kong.Name("month"), kong.Description("A month alone, in two hours."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := m.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "month:", err)
		os.Exit(1)
	}
}

func (m *month) run(ctx context.Context) (err error) {
	if m.After+2*m.Window > m.For {
		return fmt.Errorf("%v is too short for a judgement that begins after %v and compares %v", m.For, m.After, m.Window)
	}
	if m.Dir == "" {
		if m.Dir, err = os.MkdirTemp("", "sentrybox-month-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(m.Dir) }()
	}
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return err
	}
	s, err := newSite(m)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.start(ctx); err != nil {
		return err
	}
	say("%d cameras, %d sensors, for %v; samples in %s", m.Cameras, len(s.sims)+2, m.For, filepath.Join(m.Dir, "soak.csv"))
	samples, err := m.endure(ctx, s)
	if err != nil {
		return err
	}
	v, err := m.conclude(ctx, s, samples)
	if err != nil {
		return err
	}
	fmt.Print(v.table())
	if len(v.faults) > 0 {
		return errors.Join(v.faults...)
	}
	fmt.Println("\nNothing has grown, and every alert has arrived.")
	return nil
}

// endure lets things go wrong for the run's time, and returns the samples. A run that is
// interrupted is judged by what there is.
func (m *month) endure(ctx context.Context, s *site) ([]sample, error) {
	over, cancel := context.WithTimeout(ctx, m.For)
	defer cancel()
	out, err := newCSV(filepath.Join(m.Dir, "soak.csv"))
	if err != nil {
		return nil, err
	}
	defer out.close()
	faults := s.trouble(over)
	defer faults.Wait()
	var all []sample
	began := time.Now()
	tick := time.NewTicker(m.Every)
	defer tick.Stop()
	for {
		select {
		case <-over.Done():
			return all, nil
		case <-s.gateway.done:
			return all, fmt.Errorf("the gateway has ended: see %s", s.gateway.logPath)
		case <-tick.C:
		}
		one, err := s.sample(over, time.Since(began))
		if err != nil {
			if over.Err() == nil {
				say("no sample: %v", err)
			}
			continue
		}
		all = append(all, one)
		if err := out.write(one); err != nil {
			return nil, err
		}
	}
}

// conclude waits until all is right again, stops the gateway, and judges.
func (m *month) conclude(ctx context.Context, s *site, samples []sample) (*verdict, error) {
	calm, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	said := s.rightAgain(calm)
	if err := s.gateway.end(30 * time.Second); err != nil {
		said = append(said, fmt.Errorf("the gateway does not end well: %w", err))
	}
	known, err := s.stored(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	v := judge(samples, m.After, m.Window)
	v.faults = append(v.faults, said...)
	v.alerts(known, s.room, s.raised.list())
	v.did = s.counts()
	return v, nil
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().UTC().Format("15:04:05 ")+format+"\n", args...)
}
