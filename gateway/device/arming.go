package device

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sentrybox/gateway/command"
)

// AllAreas stands for every area in a command.
const AllAreas = "all"

// readArmed reads which areas are armed: those that nobody has ever disarmed too.
func (h *Hub) readArmed(ctx context.Context, areas []string) (map[string]bool, error) {
	all := map[string]bool{}
	for _, a := range areas {
		all[a] = true
	}
	err := each(ctx, h.Store, "read what is armed", `SELECT area, armed FROM device_areas`, func(scan func(...any) error) error {
		var area string
		var armed bool
		err := scan(&area, &armed)
		if _, known := all[area]; known {
			all[area] = armed
		}
		return err
	})
	return all, err
}

// areas lists what can be armed.
func (c *Config) areas() []string {
	all := slices.Clone(c.Areas)
	for _, r := range c.Rules {
		if r.Area != "" && !slices.Contains(all, r.Area) {
			all = append(all, r.Area)
		}
	}
	slices.Sort(all)
	return all
}

// Armed says of every area whether it is armed.
func (h *Hub) Armed() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.armed)
}

// HandleArm is the command.Handler of {"type":"arm","area":"…"}, and HandleDisarm of
// "disarm": no area, or "all", means every one.
func (h *Hub) HandleArm(ctx context.Context, tx *sql.Tx, r command.Request) (any, error) {
	return h.arm(ctx, tx, r, true)
}

// HandleDisarm is the command.Handler of "disarm".
func (h *Hub) HandleDisarm(ctx context.Context, tx *sql.Tx, r command.Request) (any, error) {
	return h.arm(ctx, tx, r, false)
}

func (h *Hub) arm(ctx context.Context, tx *sql.Tx, r command.Request, on bool) (any, error) {
	areas, err := h.asked(r)
	if err != nil {
		return nil, err
	}
	if err := noteArmed(ctx, tx, areas, on); err != nil {
		return nil, err
	}
	return map[string]any{"areas": areas, "armed": on}, nil
}

func noteArmed(ctx context.Context, tx *sql.Tx, areas []string, on bool) error {
	for _, a := range areas {
		_, err := tx.ExecContext(ctx, `INSERT INTO device_areas (area, armed) VALUES (?, ?)
			ON CONFLICT (area) DO UPDATE SET armed = excluded.armed`, a, on)
		if err != nil {
			return fmt.Errorf("note what is armed: %w", err)
		}
	}
	return nil
}

// ErrUnknown is an area or an output that is not here.
var ErrUnknown = errors.New("no such area or output")

// Arm arms or disarms an area, durably.
func (h *Hub) Arm(ctx context.Context, area string, on bool) error {
	if _, known := h.Armed()[area]; !known {
		return ErrUnknown
	}
	areas := []string{area}
	if err := h.Store.Tx(ctx, func(tx *sql.Tx) error { return noteArmed(ctx, tx, areas, on) }); err != nil {
		return err
	}
	h.putArmed(areas, on, "page")
	return nil
}

// putArmed arms or disarms areas that have been noted.
func (h *Hub) putArmed(areas []string, on bool, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range areas {
		h.armed[a] = on
	}
	now := time.Now()
	for _, a := range h.alarms {
		if a.Area != "" {
			h.attend(a, now)
		}
	}
	h.Log.Info("armed", "areas", areas, "armed", on, "by", why)
}

// Switch turns an output on for a while, or off, and returns when the device has obeyed. It is
// on for as long as it may be when span is 0, and never less long than somebody else wants.
func (h *Hub) Switch(ctx context.Context, id string, on bool, span time.Duration, why string) error {
	o := h.outputs.find(id)
	if o == nil {
		return ErrUnknown
	}
	done := make(chan error, 1)
	o.order(order{on: on, span: span, why: why, done: func(err error) { done <- err }})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// asked returns the areas that a command is about.
func (h *Hub) asked(r command.Request) ([]string, error) {
	var ask struct {
		Area string `json:"area"`
	}
	if err := json.Unmarshal(r.Body, &ask); err != nil {
		return nil, command.Refuse("invalid", "area is a text")
	}
	all := slices.Sorted(maps.Keys(h.Armed()))
	switch {
	case len(all) == 0:
		return nil, command.Refuse("area", "no rule here has an area")
	case ask.Area == "" || ask.Area == AllAreas:
		return all, nil
	case !slices.Contains(all, ask.Area):
		return nil, command.Refuse("area", "the areas are %v", all)
	}
	return []string{ask.Area}, nil
}

// HandleOutput is the command.Handler of {"type":"output","output":"…","on":true,"for":"30s"}.
func (h *Hub) HandleOutput(_ context.Context, _ *sql.Tx, r command.Request) (any, error) {
	x, o, err := h.askedOutput(r)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"output": o.ID, "on": x.on}
	if x.on {
		answer["for"] = x.span.String()
	}
	return answer, nil
}

func (h *Hub) askedOutput(r command.Request) (order, *output, error) {
	var ask struct {
		Output string `json:"output"`
		On     *bool  `json:"on"`
		For    string `json:"for"`
	}
	if err := json.Unmarshal(r.Body, &ask); err != nil || ask.On == nil {
		return order{}, nil, command.Refuse("invalid", "output is a text, on is true or false, for is a text such as 30s")
	}
	o := h.outputs.find(ask.Output)
	if o == nil {
		return order{}, nil, command.Refuse("output", "there is no such output here")
	}
	x := order{on: *ask.On, span: o.MaxOn, why: "command " + r.ID}
	if ask.For != "" {
		span, err := time.ParseDuration(ask.For)
		if err != nil || span <= 0 {
			return order{}, nil, command.Refuse("invalid", "for is a time span such as 30s")
		}
		x.span = min(span, o.MaxOn)
	}
	return x, o, nil
}

// Carry carries out a command that Handle… has accepted, once it is durable. done hears
// once whether the device has obeyed; not of arming, which needs nobody.
func (h *Hub) Carry(r command.Request, done func(error)) {
	switch r.Type {
	case "arm", "disarm":
		areas, err := h.asked(r)
		if err != nil {
			return
		}
		h.putArmed(areas, r.Type == "arm", "command "+r.ID)
	case "output":
		if x, o, err := h.askedOutput(r); err == nil {
			x.done = done
			o.order(x)
		}
	}
}
