package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"sentrybox/drivers/rtsp/rtsptest"
)

// capacity starts more and more cameras and looks where pictures are skipped.
func (b *bench) capacity(ctx context.Context) error {
	fmt.Printf("## Many cameras\n\n%s\n\n", capacityHelp)
	fmt.Println("| cameras | CPU s a minute and camera | cores used, of all | pictures skipped | gateway, MB | a camera's process, MB |\n|---|---|---|---|---|---|")
	most, full := 0, true
	for _, n := range b.plan.cameras {
		skipped, err := b.many(ctx, "busy-640x360", n)
		if err != nil {
			return err
		}
		if full = full && skipped == 0; full {
			most = n
		}
	}
	if b.plan.wide > 0 {
		if _, err := b.many(ctx, "idle-1080p", b.plan.wide); err != nil {
			return err
		}
	}
	if most == b.plan.cameras[len(b.plan.cameras)-1] {
		fmt.Printf("\nNo number of substreams was too many.\n\n")
	} else {
		fmt.Printf("\nUp to %d substreams no picture is skipped.\n\n", most)
	}
	return nil
}

const capacityHelp = `Cameras that are watched at once, simulated on the same machine, which is in the cores used. Skipped are the pictures that analysis
left out or never saw since the box is too slow.`

// many runs n cameras on a stream, prints a row, and returns how many pictures were
// skipped while it measured.
func (b *bench) many(ctx context.Context, name string, n int) (skipped float64, err error) {
	sim := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{}}
	var cameras []sentry
	for i := range n {
		path := fmt.Sprintf("cam%d", i)
		// Cameras do not send their keyframes in step.
		sim.Cameras[path] = rtsptest.Camera{Clip: rtsptest.File(b.clip(name)), Offset: time.Duration(i) * b.plan.footage / time.Duration(n)}
		cameras = append(cameras, sentry{id: path, rules: defaultRules})
	}
	if err := sim.Start(); err != nil {
		return 0, err
	}
	defer sim.Close()
	for i := range cameras {
		cameras[i].url = sim.URL(cameras[i].id)
	}
	broker, addr, err := b.mosquitto()
	if err != nil {
		return 0, err
	}
	defer broker.stop()
	g, err := b.sentrybox(addr, cameras)
	if err != nil {
		return 0, err
	}
	defer g.stop()
	if err := g.ready(ctx, time.Minute); err != nil {
		return 0, err
	}
	note("%d × %s: warming up", n, name)
	if err := sleep(ctx, b.plan.warm); err != nil {
		return 0, err
	}
	before, err := g.read(ctx)
	if err != nil {
		return 0, err
	}
	used := busy()
	rows, err := watch(ctx, []*program{g.program}, b.plan.step)
	if err != nil {
		return 0, err
	}
	used = busy() - used
	after, err := g.read(ctx)
	if err != nil {
		return 0, err
	}
	r := rows[0]
	skipped = after["camera_skipped"] - before["camera_skipped"]
	if after["camera_access_units"] == before["camera_access_units"] {
		return 0, fmt.Errorf("%d × %s: no picture came; of %v cameras online; Sentrybox said:\n%s", n, name, after["camera_online"], g.said)
	}
	fmt.Printf("| %d × %s | %.2f | %.2f of %d | %.0f | %.0f | %.0f |\n", n, name, r.perMinute()/float64(n), used.Seconds()/r.took.Seconds(), runtime.NumCPU(),
		skipped, mb(r.root), mb(r.total-r.root)/float64(n))
	note("%d × %s: %.0f pictures came, %.0f decoded, %.0f analysed", n, name, after["camera_access_units"]-before["camera_access_units"],
		after["camera_decoded"]-before["camera_decoded"], after["camera_analysed"]-before["camera_analysed"])
	return skipped, nil
}
