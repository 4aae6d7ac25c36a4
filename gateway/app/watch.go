package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sentrybox/gateway/camera"
	"sentrybox/gateway/store"
	"sentrybox/gateway/watchdog"
	"sentrybox/uplink/outbox"
)

const (
	// feedEvery suits hardware that waits for 15 s at most, as many boards' does.
	feedEvery = 5 * time.Second
	// pulseEvery is how long nothing may have been written until something is, for the flash's sake.
	pulseEvery = 4 * time.Minute
	lineEvery  = 30 * time.Second
	// raiseWithin is how long an event may take to become durable or to be held.
	raiseWithin = time.Minute
	lateMost    = 30 * time.Second // of what the sensors' rules look at each second
)

// newWatchdog makes the watchdog of the program, over changes of the configuration.
func (a *App) newWatchdog() *watchdog.Watchdog {
	c := a.Config.Watchdog
	w := &watchdog.Watchdog{Every: feedEvery, Patience: time.Duration(c.Patience), Log: a.Log.With("part", "watchdog"), Feeders: []watchdog.Feeder{a.systemd}}
	least := time.Duration(c.Timeout)
	if within := a.systemd.Within(); within > 0 {
		least = min(least, within)
	}
	if c.Device != "" {
		if d, err := watchdog.OpenDevice(c.Device, time.Duration(c.Timeout)); err != nil {
			w.Log.Error("there is no hardware watchdog", "error", err)
		} else {
			w.Feeders = append(w.Feeders, d)
			least = min(least, d.Timeout())
			w.Log.Info("the hardware watchdog is armed", "device", c.Device, "timeout", d.Timeout())
		}
	}
	w.Every = min(w.Every, max(least/3, time.Second))
	return w
}

// startWatchdog starts it; stop lets go of the hardware.
func (a *App) startWatchdog(ctx context.Context) (stop func()) {
	a.systemd = watchdog.NewSystemd(os.Getenv)
	a.watchdog = a.newWatchdog()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // an end takes time, too
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.watchdog.Run(ctx); err != nil {
			a.Log.Error("the hardware watchdog is not let go of", "error", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// tellSystemd logs what systemd could not be told: nothing depends on it but systemd.
func (a *App) tellSystemd(err error) {
	if err != nil {
		a.Log.Warn("systemd does not hear", "error", err)
	}
}

// checks are the parts of the main job.
func (a *App) checks() []watchdog.Check {
	patience := time.Duration(a.Config.Watchdog.Patience)
	pictures, line := newPictures(patience), drain{patience: patience}
	return []watchdog.Check{
		{Name: "pictures", Look: func(context.Context) error { return pictures.look(time.Now(), sights(a.fleet.cameras())) }},
		{Name: "store", Every: min(15*time.Second, patience/4), Look: a.unlessDiskFails(func(ctx context.Context) error {
			if time.Since(a.store.Wrote()) < min(pulseEvery, patience) {
				return nil
			}
			return a.alerts.Pulse(ctx)
		})},
		{Name: "clocks", Look: a.unlessDiskFails(func(context.Context) error { return a.alerts.Clocks() })},
		{Name: "sensors", Look: func(context.Context) error {
			if late := a.hub.Late(time.Now()); late > lateMost {
				return fmt.Errorf("sensors have not been looked at for %v", late.Round(time.Second))
			}
			return nil
		}},
		{Name: "line", Every: min(lineEvery, patience/4), Look: a.unlessDiskFails(func(ctx context.Context) error {
			waits, _, err := a.outbox.Depth(ctx, outbox.Alert)
			if err != nil {
				return err
			}
			_, sent, _ := a.monitor.Delivery.Snapshot()
			online := false
			for _, u := range a.uplinkHealth() {
				online = online || u.Online
			}
			return line.look(time.Now(), online, waits, sent)
		})},
	}
}

// unlessDiskFails lets look be while the disk is known to take nothing: the duty room has been told
// of it, alerts go on from memory, and another start would lose those.
func (a *App) unlessDiskFails(look func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if s := a.store.DiskState(); s == store.DiskFull || s == store.DiskReadOnly {
			return nil
		}
		return look(ctx)
	}
}

// sight is what a camera has done so far.
type sight struct {
	online  bool          // its driver says that pictures arrive
	units   uint64        // encoded pictures that have arrived
	work    uint64        // what came of them, however little
	raising time.Duration // an event waits to become durable
}

func sights(cameras map[string]*camera.Camera) map[string]sight {
	all := make(map[string]sight, len(cameras))
	for id, c := range cameras {
		n := c.Counts()
		all[id] = sight{
			online: c.State().Phase == "online", units: n.Stream.AccessUnits,
			work: n.Decoded + n.Analysed + n.Damaged + n.Skipped + n.Restarts, raising: c.Raising(),
		}
	}
	return all
}

// pictures judges whether those that arrive are looked at. A camera that sends none is not the
// gateway's fault: its driver then says so, and tries again.
type pictures struct {
	patience time.Duration
	seen     map[string]*watched
}

// watched is when a camera last got on.
type watched struct {
	sight
	arrived, worked time.Time
	proven          bool // something has come of its pictures before
}

func newPictures(patience time.Duration) *pictures {
	return &pictures{patience: patience, seen: map[string]*watched{}}
}

// look returns an error while a camera is stuck. The watchdog's patience comes to that of here, so
// that both are half.
func (p *pictures) look(now time.Time, cameras map[string]sight) error {
	var errs []error
	for id := range p.seen {
		if _, ok := cameras[id]; !ok {
			delete(p.seen, id)
		}
	}
	for id, s := range cameras {
		w := p.seen[id]
		if w == nil || s.units < w.units { // it was begun anew
			w = &watched{sight: s, arrived: now, worked: now}
			p.seen[id] = w
		}
		if s.units != w.units || !s.online {
			w.arrived = now
		}
		if s.work != w.work || !s.online {
			w.proven = w.proven || s.work != w.work
			w.worked = now
		}
		w.sight = s
		switch {
		case s.online && now.Sub(w.arrived) > p.patience/2:
			errs = append(errs, fmt.Errorf("camera %s is online and has sent nothing for %v", id, now.Sub(w.arrived).Round(time.Second)))
		case s.online && w.proven && now.Sub(w.arrived) < p.patience/4 && now.Sub(w.worked) > p.patience/2:
			errs = append(errs, fmt.Errorf("pictures of camera %s have not been looked at for %v", id, now.Sub(w.worked).Round(time.Second)))
		case s.raising > raiseWithin:
			errs = append(errs, fmt.Errorf("an event of camera %s has not become durable for %v", id, s.raising.Round(time.Second)))
		}
	}
	return errors.Join(errs...)
}

// drain judges whether what waits goes out while there is a line.
type drain struct {
	patience time.Duration
	sent     uint64
	since    time.Time // what waits has waited, with a line, without a delivery
}

func (d *drain) look(now time.Time, online bool, waits int, sent uint64) error {
	if !online || waits == 0 || sent != d.sent || d.since.IsZero() {
		d.since, d.sent = now, sent
	}
	if stood := now.Sub(d.since); stood > d.patience {
		return fmt.Errorf("%d alerts wait and none has gone out for %v, though a broker is reached", waits, stood.Round(time.Second))
	}
	return nil
}
