// Package demo runs everything on one machine: simulated cameras, a broker, the
// gateway, and a duty room that prints each alert as the broker delivers it.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/gateway/app"
	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
)

// Errors of a demo.
var (
	ErrNoAlert   = errors.New("no alert went the whole way")
	ErrNoFootage = errors.New("no footage")
)

// Demo is one run. Set the fields, then Run.
type Demo struct {
	For     time.Duration // 0 runs until the context ends
	JSON    bool          // print each alert's payload instead of a sentence
	Footage string        // MP4 file that the cameras play
	Vision  string        // path of the program sentrybox-vision
	Out     io.Writer
	Log     *slog.Logger
	Lang    text.Lang
	Version string // of the program
}

// settle is how long alerts that are on their way at the end may take.
const settle = 3 * time.Second

// Run runs the demo. It returns ErrNoAlert if nothing was delivered.
func (d *Demo) Run(ctx context.Context) error {
	if d.Footage == "" {
		return d.fail(ErrNoFootage, "demo.footage")
	}
	data, err := os.MkdirTemp("", "sentrybox-demo-")
	if err != nil {
		return fmt.Errorf("make a data folder: %w", err)
	}
	defer os.RemoveAll(data)
	broker, err := startBroker()
	if err != nil {
		return err
	}
	defer broker.stop()
	password := rand.Text()
	cams := &rtsptest.Server{
		User: "demo", Password: password,
		Cameras: map[string]rtsptest.Camera{
			"gate-east": {Clip: rtsptest.File(d.Footage)},
			"yard":      {Clip: rtsptest.File(d.Footage), Offset: 20 * time.Second},
		},
	}
	if err := cams.Start(); err != nil {
		return fmt.Errorf("start the simulated cameras: %w", err)
	}
	defer cams.Close()
	sensors, err := startSensors(data)
	if err != nil {
		return fmt.Errorf("start the simulated sensors: %w", err)
	}
	defer sensors.close()
	radio := startRadio(ctx)
	defer radio.close()
	cfg, err := d.config(data, broker.addr, password, cams, sensors.config()+radio.config())
	if err != nil {
		return err
	}
	room := &dutyRoom{demo: d}
	if err := room.listen(broker.addr, prefix); err != nil {
		return err
	}
	defer room.close()
	page, err := d.console(data, broker.addr)
	if err != nil {
		return err
	}
	d.greet(broker, data, cfg, page)
	return d.watch(ctx, &app.App{Config: cfg, Path: configFile(data), Vision: d.Vision, Log: d.Log, Version: d.Version}, room, page)
}

// watch runs the gateway for the demo's time and judges what came of it.
func (d *Demo) watch(ctx context.Context, a *app.App, room *dutyRoom, page *console) error {
	var cancel context.CancelFunc
	if d.For > 0 {
		ctx, cancel = context.WithTimeout(ctx, d.For)
		defer cancel()
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.Run(gctx) })
	g.Go(func() error { return page.run(gctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	room.settle(settle)
	alerts, thumbs := room.delivered()
	if !d.JSON {
		d.say("demo.end", alerts, thumbs)
	}
	if alerts == 0 || thumbs == 0 {
		return d.fail(ErrNoAlert, "demo.none")
	}
	return nil
}

// fail says err in the user's language.
func (d *Demo) fail(err error, key text.Key) error {
	if said := text.T(d.Lang, key); said != err.Error() {
		return fmt.Errorf("%s (%w)", said, err)
	}
	return err
}

func (d *Demo) say(key text.Key, args ...any) {
	_, _ = fmt.Fprintln(d.Out, text.T(d.Lang, key, args...))
}

func (d *Demo) greet(b *broker, data string, cfg *config.Config, page *console) {
	if d.JSON {
		return
	}
	d.say("demo.start", len(cfg.Cameras), len(cfg.Sensors), b.addr, data)
	host, port := b.hostPort()
	d.say("demo.listen", host, port, prefix)
	d.say("demo.duty", "http://"+page.Config.Listen, "duty", page.password)
	d.say("demo.web", "http://"+cfg.Web.Listen, filepath.Join(data, "setup-code"))
}

const prefix = "sentrybox/v1/donghu/meiyuan/demo"

// config is what a technician would write; it goes the way of every config. The
// cameras look at a square: the gate is its lower half.
func (d *Demo) config(data, broker, password string, cams *rtsptest.Server, more string) (*config.Config, error) {
	doc := fmt.Sprintf(`
gateway: {id: demo, street: donghu, community: meiyuan}
data: %q
web: {listen: %q}
uplink: {mqtt: [{url: "mqtt://%s"}]}
plans:
  any: {call: [{name: 物业, phone: 027-88880000}], steps: [看现场有没有人受伤, 打电话给物业]}
cameras:
  - id: gate-east
    url: %q
    grid: "3"
    zones:
      gate: {polygon: [[0,0.45],[1,0.45],[1,1],[0,1]]}
    detect:
      - {kind: intrusion, zone: gate, severity: 2}
  - id: yard
    url: %q
    grid: "4"
    transport: tcp
    detect:
      - {kind: motion, severity: 4}
`, data, listenAt("127.0.0.1:8080"), broker, camURL(cams, password, "gate-east"), camURL(cams, password, "yard")) + more
	// In a file, so that the page can change it.
	path := configFile(data)
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return config.Load(path)
}

func configFile(data string) string { return filepath.Join(data, "demo.yaml") }

func camURL(cams *rtsptest.Server, password, path string) string {
	return "rtsp://demo:" + password + "@" + cams.Addr().String() + "/" + path
}
