// Command compose, which hack/scenes runs, writes clips with exactly known truth into a folder, for
// hack/eval to measure with: NAME.mp4, NAME.camera.yaml and NAME.truth.json. They
// are composed by analyticstest from Debian's opencv-doc, real people on real
// photographs, and from drawing; with --drawn, from drawing alone. Tune on seeds 1
// to 9 and tell results of seeds from 100 on.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
)

type options struct {
	Out   string `arg:"" help:"Folder to write to."`
	Seed  uint64 `default:"1" help:"Which variant: 1 to 9 for tuning, 100 and up for testing."`
	Only  string `placeholder:"PATTERN" help:"Only the clips whose name fits, such as 'throw_*'."`
	Wide  bool   `help:"The wide set: an hour and more of every kind and nuisance."`
	Falls bool   `help:"The wide sweep for thrown objects instead of the scenes of every kind."`
	Drawn bool   `help:"Do without real footage."`
	Stock string `default:"/usr/share/doc/opencv-doc/examples/data" help:"Where vtest.avi and the photographs are."`
	Jobs  int    `default:"2" help:"Clips at a time."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scenes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o options
	kong.Parse(&o, kong.Name("hack/scenes"), kong.Description("Composes clips with known truth."))
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	var stock analyticstest.Stock
	if !o.Drawn {
		var err error
		if stock, err = loadStock(ctx, o.Stock); err != nil {
			return fmt.Errorf("%w (opencv-doc has it; --drawn does without)", err)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.Jobs, 1))
	n := 0
	clips := analyticstest.Clips
	switch {
	case o.Wide:
		clips = analyticstest.Wide
	case o.Falls:
		clips = analyticstest.FallClips
	}
	for _, c := range clips(o.Seed, stock) {
		if o.Only != "" {
			if ok, err := filepath.Match(o.Only, c.Name); err != nil {
				return fmt.Errorf("--only %q: %w", o.Only, err)
			} else if !ok {
				continue
			}
		}
		n++
		group.Go(func() error {
			if err := write(ctx, o.Out, &c); err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Printf("%d clips in %s, with %d real people\n", n, o.Out, len(stock.People))
	return nil
}

// write encodes a clip as a camera would, a keyframe every two seconds and at a
// camera's bit rate, and writes its truth last: a clip without is passed over.
func write(ctx context.Context, dir string, c *analyticstest.Clip) error {
	base := filepath.Join(dir, c.Name)
	if err := os.Remove(base + ".truth.json"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	w, h := c.Scene.Width, c.Scene.Height
	rate := fmt.Sprintf("%dk", cmp.Or(c.Rate, 800)*w*h/(640*360))
	quantizer := cmp.Or(c.Quantizer, 25)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray",
		"-s", fmt.Sprintf("%dx%d", w, h), "-r", strconv.Itoa(c.FPS), "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-threads", "1",
		"-crf", strconv.Itoa(quantizer), "-maxrate", rate, "-bufsize", rate, "-g", strconv.Itoa(cmp.Or(c.GOP, 2*c.FPS)), "-bf", "0", "-pix_fmt", "yuv420p", base+".mp4")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start ffmpeg: %w", err)
	}
	pic := make([]byte, w*h)
	var writeErr error
	for i := 0; i < c.Pictures() && writeErr == nil; i++ {
		c.Draw(pic, i)
		_, writeErr = in.Write(pic)
	}
	if err := errors.Join(writeErr, in.Close(), cmd.Wait()); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if err := writeJSON(base+".camera.yaml", camera(c)); err != nil {
		return err
	}
	return writeJSON(base+".truth.json", truth(c))
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// camera returns an entry of the config's cameras; JSON is YAML.
func camera(c *analyticstest.Clip) map[string]any {
	zones := map[string]any{}
	for _, z := range c.Zones {
		if len(z.Line) > 0 {
			zones[z.Name] = map[string]any{"line": z.Line, "direction": c.Rules[0].Direction}
		} else {
			zone := map[string]any{"polygon": z.Polygon}
			if len(z.Floors) > 0 {
				zone["floors"] = z.Floors
			}
			zones[z.Name] = zone
		}
	}
	var rules []map[string]any
	for _, r := range c.Rules {
		rule := map[string]any{"kind": r.Kind}
		if r.Zone != "" {
			rule["zone"] = r.Zone
		}
		if r.After > 0 {
			rule["after"] = fmt.Sprintf("%gs", r.After)
		}
		if r.Kind == wire.Gathering {
			rule["people"] = r.People
		}
		rules = append(rules, rule)
	}
	return map[string]any{"id": c.Name, "zones": zones, "detect": rules}
}

func truth(c *analyticstest.Clip) map[string]any {
	seconds := func(s float64) float64 { return math.Round(1000*s) / 1000 }
	events := []map[string]any{}
	for _, e := range c.Events {
		event := map[string]any{"kind": e.Kind, "zone": e.Zone, "start": seconds(e.Start.Seconds()), "end": seconds(e.End.Seconds())}
		if e.Agitated {
			event["agitated"] = true
		}
		if e.Kind == wire.ThrownObject {
			event["origin"], event["floor"] = e.Origin, e.Floor
		}
		events = append(events, event)
	}
	return map[string]any{"name": c.Name, "seconds": c.Length.Seconds(), "events": events}
}
