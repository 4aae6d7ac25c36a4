package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/beat"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/text"
)

// sightEvery is how often it is looked whether there is memory for the cameras.
const sightEvery = 5 * time.Second

// stuck returns what of the main job does not work. A box none of whose cameras can be looked at does
// not do its job, though another start would not mend it.
func (a *App) stuck() []string {
	return append(a.watchdog.Stuck(), allBlind(a.states())...)
}

func (a *App) states() map[string]camera.State {
	all := map[string]camera.State{}
	for id, c := range a.fleet.cameras() {
		all[id] = c.State()
	}
	return all
}

// allBlind returns a part of the main job that does not work if all cameras that send pictures are blind.
func allBlind(cameras map[string]camera.State) []string {
	n := 0
	for _, s := range cameras {
		switch s.Phase {
		case camera.Blind:
			n++
		case "online":
			return nil
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("pictures: of %d cameras that send them, none is looked at", n)}
}

// blind returns the cameras that send pictures which cannot be looked at, and why.
func blind(cameras map[string]camera.State) []string {
	all := []string{}
	for _, id := range slices.Sorted(maps.Keys(cameras)) {
		if s := cameras[id]; s.Phase == camera.Blind {
			all = append(all, fmt.Sprintf("camera %s: %s", id, s.Reason))
		}
	}
	return all
}

// runSight tells the duty room while there is no memory for a camera's vision process, until ctx ends.
func (a *App) runSight(ctx context.Context) error {
	tick := time.NewTimer(0)
	defer tick.Stop()
	told := "nothing yet"
	for {
		if code := starved(a.states()); code != told && a.tellStarved(ctx, code) {
			told = code
		}
		tick.Reset(beat.Until(time.Now(), sightEvery))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// starved returns the code of the system alert that is due, empty for none.
func starved(cameras map[string]camera.State) string {
	for _, s := range cameras {
		if s.Starved {
			return alert.MemoryShort
		}
	}
	return ""
}

// tellStarved opens or closes the system alert, and reports whether it could.
func (a *App) tellStarved(ctx context.Context, code string) bool {
	var err error
	if code == "" {
		err = a.alerts.SystemOver(ctx, alert.MemoryShort)
	} else {
		a.Log.Error(text.T(text.English, text.Key("system."+code)))
		err = a.alerts.RaiseSystem(ctx, code)
	}
	if err != nil && ctx.Err() == nil {
		a.Log.Error("the want of memory is not told", "error", err)
	}
	return err == nil
}
