package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sentrybox/drivers/rtsp/rtsptest"
)

// row is what a program used on a stream.
type row struct {
	program string
	reading
	skipped string // share of the pictures that Sentrybox did not get to
}

// compare measures what one camera costs, on each stream.
func (b *bench) compare(ctx context.Context) error {
	fmt.Printf("## One camera\n\n%s\n\n", compareHelp)
	fmt.Println("| stream | program | CPU s a minute | of Motion's | memory, MB | cameras a core | skipped |\n|---|---|---|---|---|---|---|")
	for _, s := range streams() {
		if want := cmp.Or(strings.Join(b.Streams, ","), strings.Join(b.plan.streams, ",")); want != "" && !slices.Contains(strings.Split(want, ","), s.name) {
			continue
		}
		rows, err := b.compareOn(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		motion := rows[slices.IndexFunc(rows, func(r row) bool { return r.program == "Motion" })]
		for _, r := range rows {
			memory := fmt.Sprintf("%.0f", mb(r.total))
			if r.root < r.total*9/10 {
				memory = fmt.Sprintf("%.0f + %.0f", mb(r.root), mb(r.total-r.root))
			}
			fmt.Printf("| %s | %s | %.2f | %.2f | %s | %.0f | %s |\n", s.name, r.program, r.perMinute(), r.perMinute()/motion.perMinute(), memory, 60/r.perMinute(),
				cmp.Or(r.skipped, "-"))
		}
	}
	fmt.Println()
	return nil
}

const compareHelp = `All at once on the same live streams, H.264 at 25 pictures a second over TCP, a keyframe every 2 s. Sentrybox is all its processes; its memory is
that of the gateway and of the camera's process. A 1080p camera has a substream of 640×360, 500 kbit/s; a second Sentrybox analyses that and keeps the
whole stream, which the others decode. Motion has its defaults, and writes neither films nor pictures. MOG2 sees every
picture, in luma about 640 wide. Memory is the peak of the proportional set size. Where Sentrybox skipped pictures the machine was too busy for
the row to mean much.`

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

// compareOn runs all programs at once on one stream.
func (b *bench) compareOn(ctx context.Context, s stream) ([]row, error) {
	sim := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"cam": {Clip: rtsptest.File(b.clip(s.name))}}}
	if s.sub != "" {
		sim.Cameras["sub"] = rtsptest.Camera{Clip: rtsptest.File(b.clip(s.sub))}
	}
	if err := sim.Start(); err != nil {
		return nil, err
	}
	defer sim.Close()
	url := sim.URL("cam")
	broker, addr, err := b.mosquitto()
	if err != nil {
		return nil, err
	}
	defer broker.stop()
	sentries, err := b.sentries(addr, sim, s)
	for _, g := range sentries {
		defer g.stop()
	}
	if err != nil {
		return nil, err
	}
	var all []*program
	for _, g := range sentries {
		all = append(all, g.program)
	}
	for _, other := range b.others(url, s) {
		p, err := start(other.name, other.args...)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		all = append(all, p)
	}
	note("%s: warming up", s.name)
	for _, g := range sentries {
		if err := g.ready(ctx, time.Minute); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, b.plan.warm); err != nil {
		return nil, err
	}
	if n := sim.Readers("cam"); n != len(all) {
		return nil, fmt.Errorf("%d programs of %d read the camera:\n%s", n, len(all), all[len(sentries)].said)
	}
	if s.sub != "" && sim.Readers("sub") != 1 {
		return nil, fmt.Errorf("nobody reads the substream:\n%s", all[1].said)
	}
	note("%s: measuring", s.name)
	rows, err := watch(ctx, all, b.plan.measure)
	if err != nil {
		return nil, err
	}
	for i, g := range sentries {
		rows[i].program = []string{"Sentrybox", "Sentrybox with the substream as `detect_url`"}[i]
		c, err := g.read(ctx)
		if err != nil {
			return nil, err
		}
		rows[i].skipped = fmt.Sprintf("%.0f %%", 100*c["camera_skipped"]/max(c["camera_access_units"], 1))
		note("%s, %s: %v decoded and %v analysed of %v pictures, %v skipped; the gateway's part is %.2f s a minute", s.name, rows[i].program,
			c["camera_decoded"], c["camera_analysed"], c["camera_access_units"], c["camera_skipped"], rows[i].own.Seconds()/rows[i].took.Minutes())
	}
	for _, r := range rows {
		if r.cpu <= 0 || r.total <= 0 {
			return nil, fmt.Errorf("%s: %v of CPU and %d bytes cannot be", r.program, r.cpu, r.total)
		}
	}
	return rows, nil
}

// sentries starts Sentrybox on the stream, and once more as the camera page recommends it for a camera that
// has a substream: that one is analysed, this one kept. What it returns beside an error is to be stopped.
func (b *bench) sentries(broker string, sim *rtsptest.Server, s stream) (all []*gateway, err error) {
	rules := []string{defaultRules}
	if s.sub != "" {
		rules = append(rules, defaultRules+"\n    detect_url: "+sim.URL("sub"))
	}
	for _, r := range rules {
		g, err := b.sentrybox(broker, []sentry{{"cam", sim.URL("cam"), r}})
		if err != nil {
			return all, err
		}
		all = append(all, g)
	}
	return all, nil
}

type other struct {
	name string
	args []string
}

// others are what Sentrybox is held against.
func (b *bench) others(url string, s stream) []other {
	motion := filepath.Join(b.work, "motion.conf")
	conf := fmt.Sprintf("daemon off\nsetup_mode off\nlog_level 4\nnetcam_url %s\nwidth %d\nheight %d\npicture_output off\nmovie_output off\n"+
		"webcontrol_port 0\nstream_port 0\ntarget_dir %s\n", url, s.width, s.height, b.work)
	camera := filepath.Join(b.work, "baseline.yaml")
	err := errors.Join(os.WriteFile(motion, []byte(conf), 0o600), os.WriteFile(camera, []byte("{id: cam, detect: [{kind: motion}]}\n"), 0o600))
	if err != nil {
		note("%v", err) // the programs will say so
	}
	return []other{
		{"Motion", []string{"motion", "-n", "-c", motion}},
		{"ffmpeg, decoding alone", []string{"ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-rtsp_transport", "tcp", "-i", url, "-an", "-f", "null", "-"}},
		{"OpenCV's MOG2", []string{b.Baseline, "--camera", camera, url}},
	}
}

// watch measures running programs for a time.
func watch(ctx context.Context, all []*program, length time.Duration) ([]row, error) {
	meters := make([]*meter, len(all))
	for i, p := range all {
		var err error
		if meters[i], err = newMeter(p.cmd); err != nil {
			return nil, errors.Join(err, p.alive())
		}
	}
	rows := make([]row, len(all))
	for end := time.Now().Add(length); ; {
		if err := sleep(ctx, min(2*time.Second, max(time.Until(end), time.Millisecond))); err != nil {
			return nil, err
		}
		for i, m := range meters {
			if err := all[i].alive(); err != nil {
				return nil, err
			}
			r, err := m.look()
			if err != nil {
				return nil, err
			}
			rows[i] = row{program: all[i].name, reading: r}
		}
		if !time.Now().Before(end) {
			return rows, nil
		}
	}
}
