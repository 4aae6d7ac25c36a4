// Command evaluate measures the heuristics: it runs every clip of a folder
// through `sentrybox replay` and holds what was detected against the truth
// written beside the clip.
//
// A clip is NAME.mp4 with NAME.camera.yaml, one entry of the config's cameras,
// and NAME.truth.json. See match for the rule by which an event counts as found.
// The exit status is 0 whatever the result, 1 if something could not be run, 2 for
// misuse.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"
)

type options struct {
	Dir             string        `arg:"" type:"existingdir" help:"Folder with NAME.mp4, NAME.camera.yaml and NAME.truth.json."`
	Only            string        `placeholder:"PATTERN" help:"Only the clips whose name fits, such as 'throw_*'."`
	Full            bool          `help:"Also measure with every picture decoded, whatever happens in it."`
	Baseline        bool          `help:"Also measure OpenCV's plain MOG2-and-area detector."`
	JSON            bool          `help:"Print everything as JSON."`
	Markdown        bool          `help:"Print the table for the README."`
	Out             string        `default:"build/eval" help:"Folder for the page with the pictures of misses and false alarms; replaced."`
	NoPage          bool          `help:"Write no page."`
	Sentrybox       string        `default:"build/sentrybox" help:"The program to measure."`
	BaselineProgram string        `default:"build/baseline" help:"The program behind --baseline."`
	Jobs            int           `default:"2" help:"Clips at a time."`
	Timeout         time.Duration `default:"15m" help:"The longest that one clip may take."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var o options
	exited := -1
	parser, err := kong.New(&o, kong.Name("hack/eval"), kong.Writers(out, errOut), kong.Exit(func(code int) { exited = code }),
		kong.Description("Measures the heuristics on the clips of a folder."))
	if err != nil {
		fmt.Fprintln(errOut, "eval:", err)
		return 1
	}
	_, err = parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(errOut, "eval:", err)
		return 2
	}
	if err := evaluate(ctx, &o, out, errOut); err != nil {
		fmt.Fprintln(errOut, "eval:", err)
		return 1
	}
	return 0
}

func evaluate(ctx context.Context, o *options, out, errOut io.Writer) error {
	clips, notes, err := findClips(o.Dir, o.Only)
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(errOut, "eval:", n)
	}
	rep := &report{Dir: filepath.Base(o.Dir), Notes: notes}
	if rep.Ours, err = measure(ctx, o, clips, o.Sentrybox, "replay"); err != nil {
		return err
	}
	if o.Full {
		if rep.Full, err = measure(ctx, o, clips, o.Sentrybox, "replay", "--decode", "full"); err != nil {
			return err
		}
	}
	if o.Baseline {
		if rep.Baseline, err = measure(ctx, o, clips, o.BaselineProgram); err != nil {
			return err
		}
	}
	switch {
	case o.JSON:
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		err = enc.Encode(rep)
	case o.Markdown:
		err = rep.markdown(out)
	default:
		err = rep.text(out)
	}
	if err == nil && !o.NoPage {
		p := page{Out: o.Out, Report: rep, Clips: clips}
		if err = p.write(ctx); err == nil {
			fmt.Fprintln(errOut, "eval: the pictures are in", filepath.Join(o.Out, "index.html"))
		}
	}
	return errors.Join(err, rep.failures())
}

// measure runs a program over the clips and scores what it printed.
func measure(ctx context.Context, o *options, clips []clip, program string, args ...string) (*measurement, error) {
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("the program to measure: %w", err)
	}
	results := make([]result, len(clips))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.Jobs, 1))
	for i := range clips {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, o.Timeout)
			defer cancel()
			r := runClip(ctx, program, args, &clips[i])
			r.score(&clips[i])
			results[i] = r
			return nil // a clip that fails stands in the report
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return sum(clips, results), nil
}
