// Command benchmark, which hack/bench runs, measures Sentrybox beside others on
// one machine, in one run, on the same live streams, and prints Markdown:
//
//   - what one camera costs, beside Motion, a plain decode of every picture by
//     ffmpeg, and OpenCV's MOG2 on every picture;
//   - how many cameras the machine bears before pictures are skipped;
//   - how long it takes from the picture that decides to the message at a
//     subscriber of a real Mosquitto.
//
// The cameras are simulated by this very process, so that they are in no one's
// figures; they do take their share of the machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type options struct {
	Quick     string   `arg:"" optional:"" enum:"quick,full" default:"full" help:"full, or quick: a short run that checks that all of it works and that the figures are plausible."`
	Only      []string `enum:"compare,capacity,latency" default:"compare,capacity,latency" help:"Which parts: ${enum}."`
	Streams   []string `help:"Which streams to compare on; all when none is named." placeholder:"NAME"`
	Measure   float64  `help:"Seconds of each measurement of the comparison, in place of 45." placeholder:"SECONDS"`
	Cameras   []int    `help:"How many substreams at a time, in place of 4, 8, 16 and 32." placeholder:"N"`
	Sentrybox string   `default:"build/sentrybox" help:"The program."`
	Baseline  string   `default:"build/baseline" help:"The program with OpenCV's MOG2."`
	Dir       string   `default:"build/bench" help:"Folder of the footage."`
	Set       []string `help:"Lines to add to Sentrybox's config." placeholder:"YAML"`
	CameraSet string   `name:"camera-set" help:"Keys to add to each camera of it, such as 'clips: never'." placeholder:"YAML"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	options
	work string // folder of this run, removed at its end
	plan plan
}

// plan is how long and how much.
type plan struct {
	footage, warm, measure time.Duration
	cameras                []int // substreams, step by step
	wide                   int   // idle 1080p cameras
	step                   time.Duration
	walkers                int
	walks                  time.Duration
	learn                  time.Duration // of them, before alerts count
	streams                []string      // of the comparison; all when nil
}

func plans(quick bool) plan {
	if quick {
		return plan{footage: 10 * time.Second, warm: 5 * time.Second, measure: 8 * time.Second,
			cameras: []int{2}, step: 6 * time.Second, walkers: 4, walks: 20 * time.Second,
			streams: []string{"idle-1080p", "busy-640x360"}}
	}
	return plan{footage: 40 * time.Second, warm: 15 * time.Second, measure: 45 * time.Second,
		cameras: []int{4, 8, 16, 32}, wide: 16, step: 20 * time.Second, walkers: 10, walks: 180 * time.Second, learn: 2 * walkLength}
}

func run(ctx context.Context) error {
	b := &bench{}
	kong.Parse(&b.options, kong.Name("hack/bench"), kong.Description("Measures what watching costs, beside others, on this machine."))
	b.plan = plans(b.Quick == "quick")
	if len(b.Cameras) > 0 {
		b.plan.cameras = b.Cameras
	}
	if b.Measure > 0 {
		b.plan.measure = time.Duration(b.Measure * float64(time.Second))
	}
	var err error
	if b.work, err = os.MkdirTemp("", "sentrybox-bench-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(b.work)
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fmt.Printf("%s\n\n", machine())
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"compare", b.compare}, {"capacity", b.capacity}, {"latency", b.latency}} {
		if !slices.Contains(b.Only, part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// sleep waits, unless the run is over.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case <-time.After(d):
		return nil
	}
}

// note says on stderr what goes on.
func note(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+strings.TrimSuffix(format, "\n")+"\n", args...)
}
