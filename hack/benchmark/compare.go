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
}

// compare measures what one camera costs, on each stream.
func (b *bench) compare(ctx context.Context) error {
	fmt.Printf("## One camera\n\n%s\n\n", compareHelp)
	fmt.Println("| stream | program | CPU s a minute | of Motion's | memory, MB | cameras a core |\n|---|---|---|---|---|---|")
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
			fmt.Printf("| %s | %s | %.2f | %.2f | %s | %.0f |\n", s.name, r.program, r.perMinute(), r.perMinute()/motion.perMinute(), memory, 60/r.perMinute())
		}
	}
	fmt.Println()
	return nil
}

const compareHelp = `All at once on the same live streams, H.264 at 25 pictures a second over TCP, a keyframe every 2 s. Sentrybox is all its processes; its memory is
that of the gateway and of the camera's process. Motion has its defaults, and writes neither films nor pictures. MOG2 sees every
picture, in luma about 640 wide. Memory is the peak of the proportional set size.`

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

// compareOn runs all programs at once on one stream.
func (b *bench) compareOn(ctx context.Context, s stream) ([]row, error) {
	sim := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"cam": {Clip: rtsptest.File(b.clip(s.name))}}}
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
	g, err := b.sentrybox(addr, []sentry{{"cam", url, defaultRules}})
	if err != nil {
		return nil, err
	}
	defer g.stop()
	all := []*program{g.program}
	for _, other := range b.others(url, s) {
		p, err := start(other.name, other.args...)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		all = append(all, p)
	}
	note("%s: warming up", s.name)
	if err := g.ready(ctx, time.Minute); err != nil {
		return nil, err
	}
	if err := sleep(ctx, b.plan.warm); err != nil {
		return nil, err
	}
	if n := sim.Readers("cam"); n != len(all) {
		return nil, fmt.Errorf("%d programs of %d read the camera:\n%s", n, len(all), all[1].said)
	}
	note("%s: measuring", s.name)
	rows, err := watch(ctx, all, b.plan.measure)
	if err != nil {
		return nil, err
	}
	rows[0].program = "Sentrybox"
	c, err := g.read(ctx)
	if err != nil {
		return nil, err
	}
	note("%s: %v decoded and %v analysed of %v pictures, %v skipped; the gateway's part is %.2f s a minute", s.name,
		c["camera_decoded"], c["camera_analysed"], c["camera_access_units"], c["camera_skipped"], rows[0].own.Seconds()/rows[0].took.Minutes())
	for _, r := range rows {
		if r.cpu <= 0 || r.total <= 0 {
			return nil, fmt.Errorf("%s: %v of CPU and %d bytes cannot be", r.program, r.cpu, r.total)
		}
	}
	return rows, nil
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
			rows[i] = row{all[i].name, r}
		}
		if !time.Now().Before(end) {
			return rows, nil
		}
	}
}
