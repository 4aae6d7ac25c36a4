//go:build cgo

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/wire"
)

const (
	legacyFD = 7
	// legacyEvery is how far apart in media time a background is left. To do so costs as much as to analyse a picture.
	legacyEvery = 30 * time.Second
	// A legacy is no older than legacyAge, and no younger than pictures that are handed over again after a restart.
	legacyAge  = 3 * time.Minute
	legacyBack = 30 * time.Second

	legacyWhole    = "sentrybox legacy"
	peopleAt       = 40
	legacyHead     = 64
	maxPeopleBytes = 32 << 10
	backgroundAt   = legacyHead + maxPeopleBytes
)

// legacy is what a process leaves to the next one of its camera: pages that both have mapped, which outlive it however
// it ends. A nil one holds nothing.
//
// Its layout is a head of 64 bytes: 16 that say that it is whole, then as little-endian numbers of 4 bytes width and height
// of the working size and of the picture as coded, and of 8 bytes the wall clock of the last picture that was learned, in nanoseconds;
// then, for who is there, 8 bytes of the same and 4 of a length. That many bytes of JSON follow, see people, in the place of
// maxPeopleBytes, and then the background as motion.Detector.Keep has it. The process that wrote it may have been taken
// over by a stranger's video: it is believed as far as that video is.
type legacy struct {
	pages      []byte
	next       time.Duration // media time at which a background is due again
	nextPeople time.Duration // the same for who is there
	crowded    bool          // somebody was
}

// openLegacy maps the file that the gateway has opened. It is called before the sandbox is closed.
func openLegacy() (*legacy, error) {
	f := os.NewFile(legacyFD, "legacy")
	if f == nil {
		return nil, fmt.Errorf("file descriptor %d: %w", legacyFD, os.ErrClosed)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() != wire.LegacySize { // beyond its end there would be a signal
		return nil, fmt.Errorf("a legacy of %d bytes, want %d", st.Size(), wire.LegacySize)
	}
	pages, err := unix.Mmap(int(f.Fd()), 0, wire.LegacySize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the legacy: %w", err)
	}
	return &legacy{pages: pages}, nil
}

func (l *legacy) close() {
	if l != nil {
		_ = unix.Munmap(l.pages)
	}
}

// background returns where the background for a size is, nil if there is no room for one.
func (l *legacy) background(width, height int) []byte {
	n := motion.KeepSize(width, height)
	if n > len(l.pages)-backgroundAt {
		return nil
	}
	return l.pages[backgroundAt:][:n]
}

// void says that nothing is left any more.
func (l *legacy) void() {
	if l != nil {
		clear(l.pages[:len(legacyWhole)])
	}
}

// passed says whether it is time to do again what is done at times that lie so far apart.
func passed(pts, next, every time.Duration) bool { return pts >= next || pts < next-2*every }

// leave takes the background, as it is after a picture.
func (l *legacy) leave(d *motion.Detector, pic *picture) error {
	l.next = pic.luma.PTS + legacyEvery
	b := l.background(d.Size())
	if b == nil {
		return nil
	}
	l.void() // meanwhile it is not whole
	if err := d.Keep(b); err != nil {
		return err
	}
	at := l.pages[len(legacyWhole):]
	for i, n := range sizes(pic.luma) {
		binary.LittleEndian.PutUint32(at[4*i:], n)
	}
	binary.LittleEndian.PutUint64(at[16:], uint64(pic.wall.UnixNano()))
	copy(l.pages, legacyWhole)
	return nil
}

// recall has a new detector begin with what the process before has left, if that is of such a picture and fresh.
func (l *legacy) recall(d *motion.Detector, pic *picture) error {
	if l == nil {
		return nil
	}
	l.next, l.nextPeople, l.crowded = pic.luma.PTS, pic.luma.PTS+peopleEvery, true
	if string(l.pages[:len(legacyWhole)]) != legacyWhole {
		return nil
	}
	at := l.pages[len(legacyWhole):]
	for i, n := range sizes(pic.luma) {
		if binary.LittleEndian.Uint32(at[4*i:]) != n {
			return nil
		}
	}
	age := pic.wall.Sub(time.Unix(0, int64(binary.LittleEndian.Uint64(at[16:]))))
	b := l.background(d.Size())
	if age > legacyAge || age < -legacyBack || b == nil {
		return nil
	}
	return d.Recall(b)
}

// sizes are those that a background is of.
func sizes(l *cv.Luma) [4]uint32 {
	return [4]uint32{uint32(l.Width), uint32(l.Height), uint32(l.CodedWidth), uint32(l.CodedHeight)}
}

// leave leaves to the next process what it needs. A background that was begun anew makes void what was left before: the
// light, or the view, is another.
func (w *watcher) leave(pic *picture, r *motion.Result) error {
	l := w.legacy
	if l == nil {
		return nil
	}
	age, pts := w.detector.Age(), pic.luma.PTS
	if age == 0 {
		l.void()
	}
	if age >= knownFor && !r.Settling && passed(pts, l.next, legacyEvery) {
		if err := l.leave(w.detector, pic); err != nil {
			return err
		}
	}
	if (l.crowded || len(w.tracker.Tracks()) > 0) && passed(pts, l.nextPeople, peopleEvery) {
		return l.meet(w.present(), pic)
	}
	return nil
}

// inherit goes on with those whom the process before has left, if the first picture is of the background that it left.
func (w *watcher) inherit(pic *picture) {
	if w.legacy == nil || w.detector.Age() == 0 {
		return
	}
	if p, ago := w.legacy.met(pic); p != nil {
		w.expect(p, pic.luma.PTS, ago)
	}
}
