package throw

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"time"
)

const (
	// muchLess is how many times fewer pixels change in a picture that is the one before once
	// more than in real ones, and maxInRow how many such follow each other.
	muchLess = 5
	maxInRow = 2
)

// sight is what a picture shows.
type sight struct {
	t        time.Duration // media time of the newest picture
	looked   bool          // there were pictures enough, and not all of it moved
	at       float64       // media time in seconds of the picture that was looked at
	warm     bool          // long enough after the first picture
	interval float64       // seconds between pictures
	jitter   float64       // of timestamps, in pictures
	blobs    []blob        // valid until the next picture
}

// look finds the blobs of the picture that is lag old.
func (d *Detector) look(t time.Duration) sight {
	s := sight{t: t, at: t.Seconds(), interval: d.step, jitter: jitter + (1-jitter)*min(1, 2*d.repeats)}
	if i := min(d.k, len(d.history)-1); i >= 0 {
		s.at = (t - (d.history[0].t - d.history[i].t)).Seconds()
	}
	if d.history[0].t != t || len(d.history) <= 3*d.k {
		return s
	}
	now, before := &d.history[d.k], &d.history[2*d.k]
	d.label.reset()
	d.cells.hat(&d.label, d.w, d.h, now.pix, before.pix, d.history[3*d.k].pix, d.history[0].pix)
	active := d.cells.learn(d.w, d.h, now.pix, before.pix, d.step)
	if s.looked = active <= maxActive; s.looked {
		d.label.collect()
		s.blobs = d.join()
		s.warm = t >= d.first+warmUp
	}
	return s
}

func (d *Detector) join() []blob {
	h := d.link.height
	return d.label.join(int32(max(nearby*h, 2)), int32(maxShare*h*h), func(x, y int) bool { return d.mask[y*d.w+x] != 0 })
}

// repeated says whether a picture is the one before once more, as encoders
// send that keep up a rate. Such a picture shows no moment of its own. It is seldom quite the
// same, since the encoder mends it, but far less is different than in those
// before.
func (d *Detector) repeated(buf []byte) bool {
	if len(d.history) == 0 {
		return false
	}
	n := changed(buf, d.history[0].pix, d.w)
	same := n == 0 && bytes.Equal(buf, d.history[0].pix) || n*muchLess < min(d.changes[0], d.changes[1], d.changes[2]) && d.inRow < maxInRow
	now := 0.0
	if same {
		now = 1
		d.inRow++
	} else {
		d.inRow = 0
		d.changes = [3]int{n, d.changes[0], d.changes[1]}
	}
	d.repeats += (now - d.repeats) / intervals
	return same && len(d.history) > 3*d.k
}

// changed counts the pixels in every third row of width pixels that two pictures differ in by
// more than noise.
//
//go:norace
func changed(a, b []byte, width int) int {
	const q = (minThreshold + 1) / 2
	n := 0
	for at := 0; at+width <= len(a); at += 3 * width {
		p, r := a[at:at+width], b[at:at+width]
		for i := 0; i+8 <= len(p) && i+8 <= len(r); i += 8 {
			u, v := binary.LittleEndian.Uint64(p[i:]), binary.LittleEndian.Uint64(r[i:])
			if up, down := above(u, v, q); up|down != 0 {
				n += bits.OnesCount64(up | down)
			}
		}
	}
	return n
}
