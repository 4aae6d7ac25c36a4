package app

import (
	"log/slog"
	"reflect"

	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
)

// legacies is what the cameras' vision processes leave to the next, over changes of the configuration that another
// process is needed for.
type legacies map[string]legacyOf // by camera

// legacyOf is what there is of one.
type legacyOf struct {
	*camera.Legacy
	address, analyse config.URL
	privacy          config.Polygons // what is private is left out of it
}

// of returns that of a camera: one with another address, or of which other parts are private, begins with none. It is nil
// where there can be none.
func (l legacies) of(c *config.Camera, log *slog.Logger) *camera.Legacy {
	old, ok := l[c.ID]
	if ok && old.address == c.URL && old.analyse == c.DetectURL && reflect.DeepEqual(old.privacy, c.Privacy) {
		return old.Legacy
	}
	l.forget(c.ID)
	made, err := camera.NewLegacy()
	if err != nil {
		log.Warn("a vision process that is started anew begins with nothing", "error", err)
		return nil
	}
	l[c.ID] = legacyOf{made, c.URL, c.DetectURL, c.Privacy}
	return made
}

func (l legacies) forget(id string) {
	l[id].Close()
	delete(l, id)
}
