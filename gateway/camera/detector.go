package camera

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"sentrybox/analytics/wire"
)

// StartProcess starts a vision process and waits until its sandbox is closed. A
// network that ends the process which reads it, or that takes too long to
// read, is left out: see NoDetector.
func StartProcess(ctx context.Context, cfg ProcessConfig) (*Process, error) {
	p, err := start(ctx, cfg)
	if err == nil || len(cfg.Models) == 0 || ctx.Err() != nil {
		return p, err
	}
	cfg.Config, cfg.Models = withoutDetector(cfg.Config), nil
	p, again := start(ctx, cfg)
	if again != nil {
		return nil, err
	}
	p.noDetector = fmt.Errorf("with it, the vision process does not start: %w", err)
	return p, nil
}

// NoDetector returns why the people detector that was asked for is not used, nil
// if it is or none was. Part of it may be what the process says: it holds
// printable characters alone.
func (p *Process) NoDetector() error {
	switch {
	case p.noDetector != nil:
		return p.noDetector
	case p.hello.Detector != "":
		return errors.New(printable(p.hello.Detector))
	case p.Progress().Confirmed.Lost:
		return errors.New("it failed while it ran")
	}
	return nil
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
}

func withoutDetector(cfg *wire.Config) *wire.Config {
	plain := *cfg
	plain.Detector = nil
	return &plain
}

// openModels opens files for a vision process, which can open none itself.
func openModels(paths []string) ([]*os.File, error) {
	var files []*os.File
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe would block
		if err != nil {
			closeAll(files)
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// process says how to start a process after so many failures on end.
func (c *Camera) process(cfg *wire.Config, failures int) ProcessConfig {
	p := ProcessConfig{Path: c.VisionPath, Config: cfg, Models: c.models, Log: c.Log, Attention: c.attend, Overlay: c.see, Buffers: c.buffers()}
	if cfg.Legacy {
		p.Legacy = c.Legacy
	}
	if failures >= 2 && cfg.Hardware { // its driver may be to blame
		plain := *cfg
		plain.Hardware, cfg = false, &plain
		p.Config = cfg
		c.Log.Warn("starting the vision process without the board's decoder", "failures", failures)
	}
	if failures >= 2 && len(c.models) > 0 { // it may be to blame
		p.Config, p.Models = withoutDetector(cfg), nil
		c.Log.Warn("starting the vision process without its people detector", "failures", failures)
	}
	return p
}

// detector notes whether the people detector of a process is used.
func (c *Camera) detector(p *Process) {
	reason := ""
	if err := p.NoDetector(); err != nil {
		reason = err.Error()
	} else if c.plan.Load().wire.Detector != nil && p.cfg.Config.Detector == nil {
		reason = "left out after failures of the vision process"
	}
	c.setState(func(st *State) { st.Detector = reason })
}
