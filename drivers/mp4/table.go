package mp4

import (
	"encoding/binary"
	"fmt"
)

// sample is where one access unit lies and when it is due, in ticks of the track.
type sample struct {
	offset   int64
	size     uint32
	duration uint32
	dts, cts int64
	entry    uint32 // index into the sample descriptions
	sync     bool   // listed as one to start at, or nothing is listed
}

// run is a value that holds for count samples.
type run struct{ count, value uint32 }

// chunkRun is an entry of stsc (ISO/IEC 14496-12 8.7.4): from chunk first on,
// counted from 1, each chunk has samples samples.
type chunkRun struct{ first, samples, entry uint32 }

// table is the sample table of a progressive file, kept as the file has it:
// about 4 bytes a picture, and 12 with B-pictures.
type table struct {
	count    uint32
	stts     []run
	ctts     []run
	stsc     []chunkRun
	size     uint32   // of every sample, or
	sizes    []uint32 // of each
	chunks   []int64  // where each chunk begins
	sync     []uint32 // sample numbers from 1, increasing
	haveSync bool     // without an stss box every sample is one
}

// readTable reads the boxes of an stbl box.
func (f *file) readTable(stbl box, kids map[string]box) (*table, error) {
	t := &table{}
	if stz2, ok := kids["stz2"]; ok {
		return nil, fmt.Errorf("%s: %w: compact sample sizes; convert it: %s", stz2, ErrUnsupported, repack)
	}
	for _, name := range []string{"stsz", "stts", "stsc"} {
		if _, ok := kids[name]; !ok {
			return nil, fmt.Errorf("%s: it has no %s box", stbl, name)
		}
	}
	if err := f.readSizes(kids["stsz"], t); err != nil {
		return nil, err
	}
	if err := f.readChunks(stbl, kids, t); err != nil {
		return nil, err
	}
	var err error
	if t.stts, err = f.readRuns(kids["stts"]); err != nil {
		return nil, err
	}
	if b, ok := kids["ctts"]; ok {
		if t.ctts, err = f.readRuns(b); err != nil {
			return nil, err
		}
	}
	if b, ok := kids["stss"]; ok {
		t.haveSync = true
		if t.sync, err = f.readSync(b); err != nil {
			return nil, err
		}
	}
	return t, t.check(kids)
}

// entries reads a counted table whose count lies at byte at of the payload and
// whose entries of width bytes follow it.
func (f *file) entries(b box, at, width int) (head, body []byte, count uint32, err error) {
	p, err := f.payload(b, maxTable)
	if err != nil {
		return nil, nil, 0, err
	}
	if len(p) < at+4 {
		return nil, nil, 0, fmt.Errorf("%s: %d bytes, its count needs %d", b, len(p), at+4)
	}
	count = binary.BigEndian.Uint32(p[at:])
	head, body = p[:at], p[at+4:]
	if uint64(count)*uint64(width) > uint64(len(body)) {
		return nil, nil, 0, fmt.Errorf("%s: it claims %d entries of %d bytes and has %d bytes", b, count, width, len(body))
	}
	return head, body, count, nil
}

func (f *file) readRuns(b box) ([]run, error) {
	_, p, n, err := f.entries(b, 4, 8)
	if err != nil {
		return nil, err
	}
	list := make([]run, n)
	for i := range list {
		list[i] = run{binary.BigEndian.Uint32(p[8*i:]), binary.BigEndian.Uint32(p[8*i+4:])}
	}
	return list, nil
}

func (f *file) readSync(b box) ([]uint32, error) {
	_, p, n, err := f.entries(b, 4, 4)
	if err != nil {
		return nil, err
	}
	list := make([]uint32, n)
	for i := range list {
		list[i] = binary.BigEndian.Uint32(p[4*i:])
		if i > 0 && list[i] <= list[i-1] {
			return nil, fmt.Errorf("%s: sample %d follows sample %d", b, list[i], list[i-1])
		}
	}
	return list, nil
}

// readSizes reads stsz (ISO/IEC 14496-12 8.7.3.2).
func (f *file) readSizes(b box, t *table) error {
	head, err := f.payload(box{b.typ, b.start, b.body, min(b.end, b.body+12)}, 12)
	if err != nil {
		return err
	}
	if len(head) < 12 {
		return fmt.Errorf("%s: %d bytes, at least 12", b, len(head))
	}
	t.size, t.count = binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[8:])
	if t.count > maxSamples {
		return fmt.Errorf("%s: %d samples, at most %d", b, t.count, maxSamples)
	}
	if t.size != 0 {
		if uint64(t.size)*uint64(t.count) > uint64(f.size) {
			return fmt.Errorf("%s: %d samples of %d bytes in a file of %d bytes", b, t.count, t.size, f.size)
		}
		return nil
	}
	_, p, n, err := f.entries(b, 8, 4)
	if err != nil {
		return err
	}
	t.sizes = make([]uint32, n)
	for i := range t.sizes {
		t.sizes[i] = binary.BigEndian.Uint32(p[4*i:])
	}
	return nil
}

// readChunks reads stsc, and stco or co64 (ISO/IEC 14496-12 8.7.4, 8.7.5).
func (f *file) readChunks(stbl box, kids map[string]box, t *table) error {
	_, p, n, err := f.entries(kids["stsc"], 4, 12)
	if err != nil {
		return err
	}
	t.stsc = make([]chunkRun, n)
	for i := range t.stsc {
		e := p[12*i:]
		c := chunkRun{binary.BigEndian.Uint32(e), binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:])}
		if i == 0 && c.first != 1 || i > 0 && c.first <= t.stsc[i-1].first {
			return fmt.Errorf("%s: entry %d begins at chunk %d", kids["stsc"], i+1, c.first)
		}
		if c.entry == 0 {
			return fmt.Errorf("%s: entry %d names sample description 0", kids["stsc"], i+1)
		}
		c.entry--
		t.stsc[i] = c
	}
	b, width := kids["stco"], 4
	if _, ok := kids["stco"]; !ok {
		if b, ok = kids["co64"]; !ok {
			return fmt.Errorf("%s: it has neither an stco nor a co64 box", stbl)
		}
		width = 8
	}
	if _, p, n, err = f.entries(b, 4, width); err != nil {
		return err
	}
	t.chunks = make([]int64, n)
	for i := range t.chunks {
		var at uint64
		if width == 4 {
			at = uint64(binary.BigEndian.Uint32(p[4*i:]))
		} else {
			at = binary.BigEndian.Uint64(p[8*i:])
		}
		// A place that is in the file's size but was cut off is found on reading.
		t.chunks[i] = int64(min(at, 1<<62))
	}
	return nil
}

// check verifies that the chunks hold as many samples as there are sizes.
// Too short a table of times is no fault: the last value goes on, as elsewhere.
func (t *table) check(kids map[string]box) error {
	var held uint64
	for i, c := range t.stsc {
		last := uint64(len(t.chunks))
		if i+1 < len(t.stsc) {
			last = min(last, uint64(t.stsc[i+1].first)-1)
		}
		if last >= uint64(c.first) {
			held += (last - uint64(c.first) + 1) * uint64(c.samples)
		}
	}
	if held < uint64(t.count) {
		return fmt.Errorf("%s: it places %d samples in %d chunks, but there are %d", kids["stsc"], held, len(t.chunks), t.count)
	}
	if len(t.stts) == 0 && t.count > 0 {
		return fmt.Errorf("%s: it is empty, but there are %d samples", kids["stts"], t.count)
	}
	return nil
}

// cursor walks over a table. Its zero value with t set stands before the first
// sample, and a copy of it is a place to return to.
type cursor struct {
	t       *table
	i       uint32 // samples handed out
	dts     int64
	offset  int64
	chunk   int    // the chunk after the present one
	left    uint32 // samples left in the present chunk
	chunkAt int    // index into stsc
	time    runAt
	shift   runAt
	syncAt  int
}

// runAt is a place in a list of runs.
type runAt struct {
	i    int
	used uint32
}

// next returns the value for the next sample; the last one goes on when a list
// is too short.
func (a *runAt) next(list []run) uint32 {
	for a.i+1 < len(list) && a.used >= list[a.i].count {
		a.i, a.used = a.i+1, 0
	}
	if a.i >= len(list) {
		return 0
	}
	a.used = min(a.used, list[a.i].count) + 1
	return list[a.i].value
}

// next returns the next sample in decoding order.
func (c *cursor) next() (sample, bool) {
	t := c.t
	if c.i >= t.count {
		return sample{}, false
	}
	for c.left == 0 { // chunks of no samples are passed over; check has seen that enough follow
		if c.chunk >= len(t.chunks) {
			return sample{}, false
		}
		c.offset = t.chunks[c.chunk]
		c.chunk++
		for c.chunkAt+1 < len(t.stsc) && int64(t.stsc[c.chunkAt+1].first) <= int64(c.chunk) {
			c.chunkAt++
		}
		c.left = t.stsc[c.chunkAt].samples
	}
	s := sample{offset: c.offset, size: t.size, dts: c.dts, entry: t.stsc[c.chunkAt].entry, sync: !t.haveSync}
	if t.size == 0 {
		s.size = t.sizes[c.i]
	}
	s.duration = c.time.next(t.stts)
	// Signed in version 0 too: writers store negative offsets there.
	s.cts = s.dts + int64(int32(c.shift.next(t.ctts)))
	for c.syncAt < len(t.sync) && t.sync[c.syncAt] <= c.i+1 {
		s.sync = s.sync || t.sync[c.syncAt] == c.i+1
		c.syncAt++
	}
	c.offset += int64(s.size)
	c.dts += int64(s.duration)
	c.left--
	c.i++
	return s, true
}
