package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
	"sentrybox/gateway/camera"
)

// ErrNoEncoder means that annotated video cannot be made on this machine: its
// libavcodec was built without libx264.
var ErrNoEncoder = errors.New("libavcodec has no H.264 encoder (libx264)")

// ErrOverwrites means that an output names the video that is read.
var ErrOverwrites = errors.New("would overwrite the video")

// shown is the files that say what is thought of the pictures. Each appears
// under its name once it is whole.
type shown struct {
	cancel   context.CancelFunc // ends the replay after the first error
	err      error
	annotate *annotated
	explain  *explained
}

// newShown opens what the replay asks for. close removes what is not finished.
func (r *Replay) newShown(cancel context.CancelFunc) (*shown, error) {
	s := &shown{cancel: cancel}
	for _, out := range []string{r.Annotate, r.Explain} {
		if err := r.spare(out); err != nil {
			return nil, err
		}
	}
	var err error
	if r.Annotate != "" {
		if s.annotate, err = newAnnotated(r.Annotate); err != nil {
			return nil, err
		}
	}
	if r.Explain != "" {
		if s.explain, err = newExplained(r.Explain); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// spare refuses to write where the video is read from.
func (r *Replay) spare(out string) error {
	if out == "" {
		return nil
	}
	if r.Annotate == r.Explain {
		return fmt.Errorf("%s: both --annotate and --explain would write it", out)
	}
	in, err := os.Stat(r.Video)
	if err != nil {
		return err
	}
	at, err := os.Stat(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if os.SameFile(in, at) {
		return fmt.Errorf("%s: %w", out, ErrOverwrites)
	}
	if !at.Mode().IsRegular() {
		return fmt.Errorf("%s: is there and is no file", out)
	}
	return nil
}

// ask makes a process send what is needed.
func (s *shown) ask(cfg *camera.ProcessConfig) {
	if s.annotate != nil {
		cfg.Config.Annotate, cfg.Video = true, func(v *wire.Video) { s.failed(s.annotate.add(v)) }
	}
	if s.explain != nil {
		cfg.Config.Overlay, cfg.Overlay = true, func(o *wire.Overlay) { s.failed(s.explain.add(o)) }
	}
}

// failed keeps the first error and ends the replay. It is called by the reader
// of the process, which is over before err is read.
func (s *shown) failed(err error) {
	if err != nil && s.err == nil {
		s.err = err
		s.cancel()
	}
}

// finish puts the files in their places. The video ends at a media time.
func (s *shown) finish(end time.Duration) error {
	if s.err != nil {
		return s.err
	}
	var errs []error
	if s.annotate != nil {
		errs = append(errs, s.annotate.finish(end))
	}
	if s.explain != nil {
		errs = append(errs, s.explain.finish())
	}
	return errors.Join(errs...)
}

func (s *shown) close() {
	if s.annotate != nil {
		s.annotate.spool.Close()
	}
	if s.explain != nil {
		s.explain.part.discard()
	}
}

// annotated is the video with everything drawn.
type annotated struct {
	path  string
	spool *os.File
	video *mp4.Writer
}

func newAnnotated(path string) (*annotated, error) {
	// It has no name, so that nothing is left of it whatever happens.
	f, err := os.CreateTemp(filepath.Dir(path), ".sentrybox-*")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &annotated{path: path, spool: f, video: mp4.NewWriter(f)}, nil
}

func (a *annotated) add(v *wire.Video) error {
	if err := a.video.Add(media.AccessUnit{Codec: media.H264, PTS: v.PTS, Keyframe: v.Keyframe, Data: v.Data}); err != nil {
		return fmt.Errorf("%s: %w", a.path, err)
	}
	return nil
}

func (a *annotated) finish(end time.Duration) error {
	if a.video.Len() == 0 {
		return fmt.Errorf("%s: the video has no picture to draw on", a.path)
	}
	p, err := newPart(a.path)
	if err != nil {
		return err
	}
	defer p.discard()
	if err := a.video.WriteTo(p.w, end); err != nil {
		return fmt.Errorf("%s: %w", a.path, err)
	}
	return p.keep()
}

// explained is the overlays, a JSON object a line.
type explained struct{ part *part }

func newExplained(path string) (*explained, error) {
	p, err := newPart(path)
	if err != nil {
		return nil, err
	}
	return &explained{p}, nil
}

func (e *explained) add(o *wire.Overlay) error {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode a line: %w", err)
	}
	if _, err := e.part.w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("%s: %w", e.part.path, err)
	}
	return nil
}

func (e *explained) finish() error { return e.part.keep() }

// part is a file that has its name once it is whole.
type part struct {
	path string
	f    *os.File
	w    *bufio.Writer
}

const partSuffix = ".part"

func newPart(path string) (*part, error) {
	f, err := os.OpenFile(path+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) // the user named it
	if err != nil {
		return nil, err
	}
	return &part{path: path, f: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

func (p *part) keep() error {
	err := errors.Join(p.w.Flush(), p.f.Sync(), p.f.Close())
	if err == nil {
		err = os.Rename(p.path+partSuffix, p.path)
	}
	if err != nil {
		_ = os.Remove(p.path + partSuffix)
		err = fmt.Errorf("%s: %w", p.path, err)
	}
	p.f = nil
	return err
}

// discard removes a file that was not kept.
func (p *part) discard() {
	if p.f != nil {
		p.f.Close()
		_ = os.Remove(p.path + partSuffix)
		p.f, p.w = nil, bufio.NewWriter(io.Discard)
	}
}
