//go:build cgo

package main

import (
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"time"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

// session is one conversation with a gateway.
type session struct {
	out    *wire.Writer
	log    *slog.Logger
	cfg    wire.Config
	report *reporter
	stream stream
	// snapshot is stream's, bound once.
	snapshot func(maxWidth int) (*image.YCbCr, error)
	watch    *watcher
	falls    *falls
	shown    *shown // nil unless the gateway asks to see what is thought
	second   *second
	pace     wire.Pace
	legacy   *legacy
	passed   bool // access units were passed over, and no keyframe has come since
	lazy     *lazy
	seen     bool // pictures up to the last one analysed come out again
}

// serve holds the conversation until the gateway ends it. It returns nil only
// if the gateway said so.
func serve(in io.Reader, out io.Writer, log *slog.Logger, enter func(*wire.Config) (wire.Sandbox, error)) error {
	return (&session{log: log}).serve(in, out, enter)
}

func (s *session) serve(in io.Reader, out io.Writer, enter func(*wire.Config) (wire.Sandbox, error)) error {
	r := wire.NewReader(in, wire.MaxToVision)
	if err := s.greet(r, out, enter); err != nil {
		return err
	}
	s.begin()
	defer s.close()
	for {
		typ, p, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return errors.New("the gateway closed the pipe without a word")
			}
			return fmt.Errorf("read from the gateway: %w", err)
		}
		switch typ {
		case wire.TypeAccessUnit:
			err = s.accessUnit(p)
		case wire.TypeArm:
			err = s.arm(p)
		case wire.TypePace:
			err = s.setPace(p)
		case wire.TypeStill:
			err = s.sendStill(p)
		case wire.TypeShow:
			err = s.show(p)
		case wire.TypeRevision:
			err = s.revise(p)
		case wire.TypePing:
			err = s.report.now()
		case wire.TypeEnd:
			if err := s.end(); err != nil {
				return err
			}
			// The gateway reads how much memory this took and closes the pipe.
			_, _, _ = r.Next()
			return nil
		default:
			err = fmt.Errorf("message of unknown type %d", typ)
		}
		if err != nil {
			return err
		}
	}
}

// begin sets up all that a greeted session needs.
func (s *session) begin() {
	s.report = newReporter(s.out, s.cfg.Replay)
	s.watch = newWatcher(&s.cfg, s.send)
	if !s.cfg.Replay {
		s.watch.picture = s.out.Picture
	}
	s.watch.second, s.watch.legacy = s.second, s.legacy
	s.snapshot = s.stream.snapshot
	s.falls = newFalls(s.watch, &s.stream)
	s.lazy = newLazy(s)
	if s.cfg.Overlay || s.cfg.Annotate {
		s.shown = newShown(s)
	}
}

func (s *session) close() {
	s.shown.close()
	s.watch.close()
	s.second.close()
	s.stream.close()
	s.legacy.close()
	s.report.close()
}

// greet takes the configuration, closes the sandbox and says hello.
func (s *session) greet(r *wire.Reader, out io.Writer, enter func(*wire.Config) (wire.Sandbox, error)) error {
	typ, p, err := r.Next()
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if typ != wire.TypeConfig {
		return fmt.Errorf("the first message is of type %d, not the configuration", typ)
	}
	if err := wire.Decode(p, &s.cfg); err != nil {
		return err
	}
	if err := s.cfg.Validate(); err != nil {
		return err
	}
	s.out = wire.NewWriter(out, s.cfg.FromVision())
	s.log = s.log.With("camera", s.cfg.Camera)
	for i, r := range s.cfg.Rules {
		if !built(r.Kind) {
			s.log.Warn("this build does not find what a rule asks for", "rule", i, "kind", string(r.Kind))
		}
	}
	if err := errors.Join(cv.KeepMemory(), cv.UseOneThread()); err != nil {
		return err
	}
	files, unread := readModels(s.cfg.Detector)
	if s.cfg.Legacy && s.legacy == nil {
		if s.legacy, err = openLegacy(); err != nil {
			s.log.Warn("this process leaves nothing to the next", "err", err)
		}
	}
	lacking := s.cfg.Hardware && !s.stream.openHardware()
	s.cfg.Hardware = s.cfg.Hardware && !lacking // the sandbox is closed to devices that nobody uses
	s.stream.log = s.log
	box, err := enter(&s.cfg)
	if err != nil {
		return fmt.Errorf("enter sandbox: %w", err)
	}
	hello := wire.Hello{Version: wire.Version, Sandbox: box, NoEncoder: s.cfg.Annotate && !canEncode(), NoHardware: lacking, Detector: reason(unread)}
	if unread == nil {
		if s.second, err = newSecond(&s.cfg, files, &s.stream, s.log); err != nil {
			hello.Detector = reason(err)
		}
	}
	return s.out.JSON(wire.TypeHello, hello)
}

func (s *session) arm(p []byte) error {
	var a wire.Arm
	if err := wire.Decode(p, &a); err != nil {
		return err
	}
	if len(a.Armed) != len(s.cfg.Rules) {
		return fmt.Errorf("arm: %d rules of %d", len(a.Armed), len(s.cfg.Rules))
	}
	if err := s.lazy.wake(); err != nil {
		return err
	}
	if err := s.falls.arm(a.Armed); err != nil {
		return err
	}
	if err := s.watch.arm(a.Armed); err != nil {
		return err
	}
	return s.rouse()
}

// rouse looks at every picture from here on, if there is a rule now that asks for it, and tells of that.
func (s *session) rouse() error {
	if !s.lazy.may() {
		if err := s.lazy.wake(); err != nil {
			return err
		}
	}
	return s.attend()
}

// accessUnit takes in one access unit.
func (s *session) accessUnit(p []byte) error {
	var au wire.AccessUnit
	if err := wire.DecodeAccessUnit(p, &au); err != nil {
		return err
	}
	count := &s.report.next
	count.Seq = au.Seq
	count.Seen++
	if s.passOver(&au) {
		if au.Gap {
			s.watch.gap()
		}
		return s.report.done(au.PTS, au.More)
	}
	if err := s.lazy.take(&au); err != nil {
		return err
	}
	count.Confirmed, count.Skipped = s.second.count(), s.watch.skipped
	if err := s.attend(); err != nil {
		return err
	}
	return s.report.done(au.PTS, au.More)
}

// decode decodes an access unit and looks at what comes out.
func (s *session) decode(au *wire.AccessUnit) error {
	if au.Gap {
		s.watch.gap()
	}
	if s.lazy.spares(au) {
		return nil
	}
	s.stream.filter = s.filter()
	if err := s.stream.send(au); err != nil {
		if !errors.Is(err, cv.ErrDamaged) {
			return err
		}
		s.report.next.Damaged++
	}
	return s.pictures()
}

// filter says how much care a picture needs. What falls is as small as what the filter removes; and
// what goes without it drifts, so that keyframes must not be far apart.
func (s *session) filter() cv.LoopFilter {
	if s.lazy.may() && s.lazy.beat.short() && s.watch.known() {
		return cv.FilterKey
	}
	return cv.FilterAll
}

// still decodes a keyframe by itself and returns its picture, which nobody has looked at; nil if there is none.
func (s *session) still(au *wire.AccessUnit) (*picture, error) {
	s.stream.filter = cv.FilterNone
	err := s.stream.send(au)
	if err == nil {
		err = s.stream.drain()
	}
	var pic *picture
	if err == nil {
		pic, err = s.stream.next(func(time.Duration) bool { return true })
	}
	if errors.Is(err, cv.ErrDamaged) {
		return nil, nil
	}
	if pic != nil {
		s.report.next.Decoded++
	}
	return pic, err
}

// due says whether a picture of this media time is to be analysed.
func (s *session) due(pts time.Duration) bool {
	return s.lazy.due(pts) && (!s.seen || pts > s.watch.now)
}

// maxPictures bounds what one access unit can make the decoder give out.
const maxPictures = 4 * maxReorder

// pictures takes what the decoder has ready.
func (s *session) pictures() error {
	count := &s.report.next
	for range maxPictures {
		pic, err := s.stream.next(s.due)
		switch {
		case errors.Is(err, cv.ErrDamaged):
			count.Damaged++
			continue
		case err != nil:
			return err
		case pic == nil:
			return nil
		}
		count.Decoded++
		count.Width, count.Height = pic.luma.CodedWidth, pic.luma.CodedHeight
		if pic.sound {
			if err := s.falls.look(pic); err != nil {
				return err
			}
		}
		if pic.wanted {
			if err := s.lazy.look(pic); err != nil {
				return err
			}
		}
		if err := s.shown.picture(pic); err != nil {
			return err
		}
	}
	return errors.New("the decoder gives out pictures without end")
}

// end finishes everything and says so.
func (s *session) end() error {
	if err := s.lazy.wake(); err != nil {
		return err
	}
	if err := s.stream.drain(); err != nil {
		return err
	}
	if err := s.pictures(); err != nil {
		return err
	}
	if err := s.falls.finish(); err != nil {
		return err
	}
	if err := s.watch.finish(); err != nil {
		return err
	}
	if err := s.shown.finish(); err != nil {
		return err
	}
	s.report.next.Confirmed = s.second.count()
	return s.report.summary()
}

func (s *session) send(d *wire.Detection) error {
	if err := d.Validate(&s.cfg); err != nil {
		return err // a mistake of ours; the gateway would refuse it too
	}
	if err := s.out.Detection(d); err != nil {
		return fmt.Errorf("write detection: %w", err)
	}
	s.shown.event(d)
	return nil
}
