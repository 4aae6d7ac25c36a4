package app

import (
	"io"
	"path/filepath"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
	"sentrybox/gateway/lookback"
	"sentrybox/gateway/tryout"
	"sentrybox/gateway/web"
)

// pasts is what is kept of the cameras' last minutes, over changes of their rules.
type pasts struct {
	store lookback.Store
	logs  map[string]past // by camera
}

// past is what is kept of one.
type past struct {
	log              *lookback.Log
	address, analyse config.URL // of which it is
}

// keepPast has as much kept as a configuration says. It is called before the cameras are set.
func (a *App) keepPast(c *config.Config) {
	o := lookback.Options{Bytes: int64(c.Lookback.Bytes), Age: time.Duration(c.Lookback.Age)}
	if c.Lookback.On == config.LookbackDisk {
		o.Dir, o.Floor = filepath.Join(c.Data, "lookback"), int64(c.Storage.Floor)
	}
	if err := a.fleet.past.store.Set(o); err != nil {
		a.Log.Error("rules can be tried on the last seconds alone", "error", err)
	}
}

// of returns where a camera is kept: another address is another past. It is nil if it may not be.
func (p *pasts) of(c *crew) *lookback.Log {
	id := c.Camera.ID
	old, ok := p.logs[id]
	if ok && old.address == c.Camera.URL && old.analyse == c.Camera.DetectURL && c.Past {
		old.log.Break()
		return old.log
	}
	p.forget(id)
	if !c.Past {
		return nil
	}
	l := p.store.Log()
	if p.logs == nil {
		p.logs = map[string]past{}
	}
	p.logs[id] = past{l, c.Camera.URL, c.Camera.DetectURL}
	return l
}

func (p *pasts) forget(id string) {
	if old, ok := p.logs[id]; ok {
		old.log.Close()
		delete(p.logs, id)
	}
}

// recently is what is kept of a camera: in the store, or the last seconds in its ring if they are more.
type recently struct {
	of func() *camera.Camera // nil while there is none
}

// log returns the store's part, nil if there is none.
func (p recently) log() *lookback.Log {
	if c := p.of(); c != nil {
		return c.Past
	}
	return nil
}

// ring says what the camera's ring has.
func (p recently) ring() (from, to time.Time) {
	if c := p.of(); c != nil {
		return c.RecentSpan()
	}
	return time.Time{}, time.Time{}
}

// Span is part of tryout.Past.
func (p recently) Span() (from, to time.Time) {
	if log := p.log(); log != nil {
		from, to = log.Span()
	}
	if first, last := p.ring(); !first.IsZero() && (from.IsZero() || first.Before(from)) {
		return first, last
	}
	return from, to
}

// Read is part of tryout.Past.
func (p recently) Read(from time.Time) func() (media.AccessUnit, error) {
	if log := p.log(); log != nil {
		first, _ := log.Span()
		if inRing, _ := p.ring(); !first.IsZero() && (inRing.IsZero() || !inRing.Before(first)) {
			return log.Read(from).Next
		}
	}
	var ring []media.AccessUnit
	if c := p.of(); c != nil {
		ring = c.Recent()
	}
	start := 0
	for i := range ring {
		if ring[i].Keyframe && !ring[i].Wall.After(from) {
			start = i
		}
	}
	ring = ring[start:]
	return func() (media.AccessUnit, error) {
		if len(ring) == 0 {
			return media.AccessUnit{}, io.EOF
		}
		au := ring[0]
		ring = ring[1:]
		return au, nil
	}
}

// trying is the gateway as web.Tryer.
type trying struct {
	*App
	desk *tryout.Desk
}

// past finds a camera anew each time, since another may have taken its place.
func (t trying) past(id string) (recently, bool) {
	of := func() *camera.Camera { return t.fleet.cameras()[id] }
	return recently{of}, of() != nil
}

// Begin is for web.Tryer.
func (t trying) Begin(c *config.Camera) (string, error) {
	past, ok := t.past(c.ID)
	if !ok {
		return "", web.ErrNoCamera
	}
	cfg := t.current.Load()
	return t.desk.Begin(tryout.Setup{
		Camera: c, Past: past, Location: cfg.Gateway.Location(), CoolDown: time.Duration(cfg.Alerts.CoolDown), VisionPath: t.visionPath(cfg),
		AddressSpace: cfg.Vision.AddressSpace, Log: t.Log.With("part", "try"),
	})
}

// Held is for web.Tryer.
func (t trying) Held(id string) (from, to time.Time, short bool) {
	if past, ok := t.past(id); ok {
		from, to = past.Span()
		log := past.log()
		return from, to, log == nil || log.Short()
	}
	return from, to, false
}

// Look is for web.Tryer.
func (t trying) Look(id string) (tryout.Report, bool) { return t.desk.Look(id) }

// Stop is for web.Tryer.
func (t trying) Stop(id string) bool { return t.desk.Stop(id) }

// Picture is for web.Tryer.
func (t trying) Picture(id string, event int) []byte { return t.desk.Picture(id, event) }

// Clip is for web.Tryer.
func (t trying) Clip(id string, at time.Time) ([]byte, error) {
	past := t.desk.Past(id)
	if past == nil {
		return nil, tryout.ErrNothing
	}
	e := t.Config.Evidence
	return tryout.Clip(past, at, time.Duration(e.Before), time.Duration(e.After))
}
