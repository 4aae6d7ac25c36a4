package mp4

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	amp4 "github.com/abema/go-mp4"

	"sentrybox/drivers/media"
)

// layout is what lies at the top level of a file.
type layout struct {
	moov  box
	moofs []box
	tail  error // why the walk ended before the end of the file
}

// scan walks over the top level. It takes what it finds up to a fault, since
// recordings get cut off; only without a moov box nothing can be read.
func (f *file) scan() (*layout, error) {
	l := &layout{}
	found := false
	n := 0
	for at := int64(0); f.size-at >= amp4.SmallHeaderSize; n++ {
		b, err := f.readBox(at, f.size)
		if errors.Is(err, errCut) {
			err = fmt.Errorf("the file was cut off: %w (%w)", err, io.ErrUnexpectedEOF)
		}
		switch {
		case n == maxBoxes, len(l.moofs) == maxFragments:
			err = fmt.Errorf("more than %d boxes or %d fragments", maxBoxes, maxFragments)
		case err != nil:
		case b.typ == "moov" && !found:
			l.moov, found = b, true
		case b.typ == "moof":
			l.moofs = append(l.moofs, b)
		}
		if err != nil {
			l.tail = err
			break
		}
		at = b.end
	}
	if found {
		return l, nil
	}
	if l.tail != nil {
		return nil, fmt.Errorf("no moov box, the table of the pictures: %w", l.tail)
	}
	return nil, errors.New("no moov box, the table of the pictures: the recording was never finished, or only a part of it is here")
}

// movie is what matters of a moov box.
type movie struct {
	track *track
	trex  map[uint32]amp4.Trex // nil if the file has no fragments
}

// track is the video track that is read.
type track struct {
	id      uint32
	scale   uint32 // ticks a second
	entries []entry
	edit    edit
	table   *table
}

// when turns a composition time into the time it is shown at.
func (t *track) when(cts int64) (time.Duration, error) {
	v := cts - t.edit.start
	if abs(v)/int64(t.scale) > maxSeconds {
		return 0, fmt.Errorf("a time of %d ticks at %d a second", v, t.scale)
	}
	return ticks(v, t.scale) + t.edit.delay, nil
}

func (f *file) readMovie(moov box) (*movie, error) {
	kids, err := f.kids(moov)
	if err != nil {
		return nil, err
	}
	if b, ok := kids["cmov"]; ok {
		return nil, fmt.Errorf("%s: %w: a compressed table; convert it: %s", b, ErrUnsupported, repack)
	}
	var mvhd amp4.Mvhd
	b, ok := kids["mvhd"]
	if !ok {
		return nil, fmt.Errorf("%s: it has no mvhd box", moov)
	}
	if err := f.decode(b, &mvhd); err != nil {
		return nil, err
	}
	m := &movie{}
	if b, ok := kids["mvex"]; ok {
		if m.trex, err = f.readDefaults(b); err != nil {
			return nil, err
		}
	}
	var refused error
	tracks := 0
	err = f.children(moov, moov.body, func(b box) error {
		if b.typ != "trak" || m.track != nil {
			return nil
		}
		if tracks++; tracks > maxTracks {
			return fmt.Errorf("%s: more than %d tracks", moov, maxTracks)
		}
		t, err := f.readTrack(b, mvhd.Timescale)
		if errors.Is(err, ErrUnsupported) && refused == nil {
			refused = err
		}
		if err != nil && !errors.Is(err, ErrUnsupported) {
			return err
		}
		m.track = t
		return nil
	})
	switch {
	case m.track != nil: // what comes after it does not matter
		return m, nil
	case err != nil:
		return nil, err
	case refused != nil:
		return nil, refused
	}
	return nil, fmt.Errorf("%w: there is no video track among its %d", ErrUnsupported, tracks)
}

// readDefaults reads the trex boxes of an mvex box.
func (f *file) readDefaults(mvex box) (map[uint32]amp4.Trex, error) {
	m := make(map[uint32]amp4.Trex)
	err := f.children(mvex, mvex.body, func(b box) error {
		if b.typ != "trex" || len(m) > maxTracks {
			return nil
		}
		var t amp4.Trex
		if err := f.decode(b, &t); err != nil {
			return err
		}
		m[t.TrackID] = t
		return nil
	})
	return m, err
}

// readTrack reads a trak box, and returns nil if it is no video.
func (f *file) readTrack(trak box, movieScale uint32) (*track, error) {
	kids := make(map[string]box)
	for _, parent := range []string{"", "mdia", "minf", "stbl", "edts"} {
		b, ok := trak, true
		if parent != "" {
			b, ok = kids[parent]
		}
		if !ok {
			continue
		}
		more, err := f.kids(b)
		if err != nil {
			return nil, err
		}
		for name, k := range more {
			if _, ok := kids[name]; !ok { // minf of QuickTime has an hdlr box too
				kids[name] = k
			}
		}
		if parent == "mdia" {
			video, err := f.isVideo(kids)
			if !video || err != nil {
				return nil, err
			}
		}
	}
	for _, name := range []string{"tkhd", "mdhd", "stbl", "stsd"} {
		if _, ok := kids[name]; !ok {
			return nil, fmt.Errorf("%s: it has no %s box", trak, name)
		}
	}
	t := &track{edit: edit{end: math.MaxInt64}}
	var tkhd amp4.Tkhd
	if err := f.decode(kids["tkhd"], &tkhd); err != nil {
		return nil, err
	}
	var mdhd amp4.Mdhd
	if err := f.decode(kids["mdhd"], &mdhd); err != nil {
		return nil, err
	}
	if t.id, t.scale = tkhd.TrackID, mdhd.Timescale; t.scale == 0 {
		return nil, fmt.Errorf("%s: a time scale of 0", kids["mdhd"])
	}
	var err error
	if t.entries, err = f.readEntries(kids["stsd"]); err != nil {
		return nil, err
	}
	if b, ok := kids["elst"]; ok {
		if t.edit, err = f.readEdit(b, movieScale, t.scale); err != nil {
			return nil, err
		}
	}
	t.table, err = f.readTable(kids["stbl"], kids)
	return t, err
}

func (f *file) isVideo(kids map[string]box) (bool, error) {
	b, ok := kids["hdlr"]
	if !ok {
		return false, nil
	}
	var h amp4.Hdlr
	if err := f.decode(b, &h); err != nil {
		return false, err
	}
	return string(h.HandlerType[:]) == "vide", nil
}

// stretch hands out the samples of a table that an edit list shows.
type stretch struct {
	start cursor
	count int

	at   cursor
	used int
}

func (s *stretch) rewind() { s.at, s.used = s.start, 0 }

func (s *stretch) next() (sample, error) {
	if s.used == s.count {
		return sample{}, io.EOF
	}
	s.used++
	v, ok := s.at.next()
	if !ok {
		return v, io.EOF
	}
	return v, nil
}

// measure counts samples and finds the end of the last picture.
type measure struct {
	track *track
	count int
	last  int64 // in ticks
}

// table finds where s begins and ends: at the keyframe from which the first
// picture shown can be decoded, and where decoding comes to what is not shown.
func (m *measure) table(s *stretch) {
	m.snap(s.start)
	e := m.track.edit
	// Without stss a listed keyframe need not be one.
	seek := s.start.t.haveSync || m.track.entries[0].codec == media.MJPEG
	for c := s.start; ; {
		before := c
		v, ok := c.next()
		if !ok || v.dts >= e.end && v.cts >= e.end {
			break
		}
		if seek && v.sync && v.cts <= e.start {
			s.start, s.count, m.last = before, 0, math.MinInt64
		}
		s.count++
		m.last = max(m.last, min(v.cts+int64(v.duration), e.end))
	}
	m.count += s.count
}

// snap moves the beginning of an edit to the first picture that begins in it.
// Cutting tools put it anywhere in the picture before or within the reordering,
// and players, ffmpeg among them, show the first picture when the edit begins.
func (m *measure) snap(c cursor) {
	e := &m.track.edit
	if !e.listed {
		return
	}
	first := int64(math.MaxInt64)
	for v, ok := c.next(); ok; v, ok = c.next() {
		if v.cts >= e.start {
			first = min(first, v.cts)
		}
	}
	if first < e.end {
		e.start = first
	}
}

// fragments lists the fragments that have samples of the track. Up to an error
// they can be read.
func (m *measure) fragments(fs *fragments, moofs []box) error {
	var dts int64
	var buf []sample
	for _, b := range moofs {
		fr := fragment{moof: b, dts: dts}
		var err error
		if buf, dts, err = fs.read(fr, buf[:0]); err != nil {
			return err
		}
		if len(buf) == 0 {
			continue
		}
		if dts > maxTicks {
			return fmt.Errorf("%s: a decode time of %d ticks", b, dts)
		}
		if m.count += len(buf); m.count > maxSamples {
			return fmt.Errorf("%s: more than %d pictures", b, maxSamples)
		}
		for _, v := range buf {
			m.last = max(m.last, v.cts+int64(v.duration))
		}
		fs.list = append(fs.list, fr)
	}
	return nil
}
