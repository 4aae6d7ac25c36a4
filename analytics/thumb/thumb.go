// Package thumb draws the small picture that goes with an alert.
package thumb

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"

	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

// MaxWidth is the width in pixels beyond which a picture is shrunk.
const MaxWidth = 480

const (
	bestQuality  = 80
	worstQuality = 30
	qualityStep  = 10
	minSide      = 32 // below it, a picture shows nobody anything
)

// Mark is what is drawn on a thumbnail. Coordinates are fractions of the picture.
type Mark struct {
	Zone    []wire.Point // a polygon
	Line    []wire.Point // open, of two points or more
	Box     wire.Box
	Track   []wire.TrackPoint
	Privacy [][]wire.Point // blacked out before anything is drawn
	// Most bounds the JPEG, in bytes; wire.MaxThumbnail when 0.
	Most int
}

func (m *Mark) most() int {
	if m.Most <= 0 {
		return wire.MaxThumbnail
	}
	return min(m.Most, wire.MaxThumbnail)
}

// colour is one of JFIF's: full range, BT.601.
type colour struct{ y, cb, cr uint8 }

func black() colour  { return colour{0, 128, 128} }
func yellow() colour { return colour{210, 20, 146} }
func red() colour    { return colour{90, 100, 240} }

// JPEG returns the picture with its marks as a JPEG of at most m.Most bytes. It draws on img itself. A picture that
// does not fit at a quality worth looking at is halved in size until it does.
func JPEG(img *image.YCbCr, m Mark) ([]byte, error) {
	if img.Rect.Empty() {
		return nil, fmt.Errorf("thumbnail of a picture of %d×%d pixels", img.Rect.Dx(), img.Rect.Dy())
	}
	blackOut(img, m.Privacy)
	for img.Rect.Dx() > MaxWidth {
		img = halve(img)
	}
	marked := clone(img)
	m.draw(marked)
	for {
		b, err := encode(marked, m.most())
		if err != nil || len(b) <= m.most() {
			return b, err
		}
		if min(img.Rect.Dx(), img.Rect.Dy()) < 2*minSide {
			return nil, fmt.Errorf("thumbnail of %d×%d pixels does not fit into %d bytes", img.Rect.Dx(), img.Rect.Dy(), m.most())
		}
		// The marks are drawn anew, so that their lines stay whole.
		img = halve(img)
		marked = clone(img)
		m.draw(marked)
	}
}

const (
	fullQuality = 88
	fullLowest  = 60
	fullStep    = 7
)

// FullWidth is the width in pixels that a picture for Full has at the most.
const FullWidth = 4096

// Full returns the picture as large as it is, without marks, what is private
// blacked out, as a JPEG of at most wire.MaxPicture bytes: at a lower quality if
// need be, and then halved. It draws on img itself.
func Full(img *image.YCbCr, privacy [][]wire.Point) ([]byte, error) {
	if img.Rect.Empty() {
		return nil, fmt.Errorf("picture of %d×%d pixels", img.Rect.Dx(), img.Rect.Dy())
	}
	blackOut(img, privacy)
	var buf bytes.Buffer
	for {
		for q := fullQuality; q >= fullLowest; q -= fullStep {
			buf.Reset()
			if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: q}); err != nil {
				return nil, fmt.Errorf("encode picture: %w", err)
			}
			if buf.Len() <= wire.MaxPicture {
				return buf.Bytes(), nil
			}
		}
		img = halve(img)
	}
}

// encode returns the best JPEG that fits, or the worst if none does.
func encode(img *image.YCbCr, most int) ([]byte, error) {
	var buf bytes.Buffer
	for q := bestQuality; ; q -= qualityStep {
		buf.Reset()
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: q}); err != nil {
			return nil, fmt.Errorf("encode thumbnail: %w", err)
		}
		if buf.Len() <= most || q <= worstQuality {
			return buf.Bytes(), nil
		}
	}
}

func blackOut(img *image.YCbCr, privacy [][]wire.Point) {
	if len(privacy) == 0 {
		return
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	m := zone.Privacy(privacy, w, h)
	for y := range h {
		for x := range w {
			if m.Pix[y*w+x] != 0 {
				black().set(img, x, y)
			}
		}
	}
}

func (m *Mark) draw(img *image.YCbCr) {
	for i, a := range m.Zone {
		yellow().line(img, a, m.Zone[(i+1)%len(m.Zone)])
	}
	for i := range len(m.Line) - 1 {
		yellow().line(img, m.Line[i], m.Line[i+1])
	}
	for i := 1; i < len(m.Track); i++ {
		a, b := m.Track[i-1], m.Track[i]
		red().line(img, wire.Point{a[1], a[2]}, wire.Point{b[1], b[2]})
	}
	if m.Box[2] == 0 || m.Box[3] == 0 {
		return
	}
	x0, y0 := m.Box[0], m.Box[1]
	x1, y1 := x0+m.Box[2], y0+m.Box[3]
	corners := [4]wire.Point{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
	for i, a := range corners {
		red().line(img, a, corners[(i+1)%4])
	}
}

// line draws two pixels wide, so that 4:2:0 colour shows.
func (c colour) line(img *image.YCbCr, a, b wire.Point) {
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	ax, ay, dx, dy := a[0]*w, a[1]*h, (b[0]-a[0])*w, (b[1]-a[1])*h
	n := max(1, math.Ceil(max(math.Abs(dx), math.Abs(dy))))
	for k := range int(n) + 1 {
		x, y := int(ax+dx*float64(k)/n), int(ay+dy*float64(k)/n)
		// A line along the last row or column is drawn inside.
		x, y = min(max(x, 0), img.Rect.Dx()-2), min(max(y, 0), img.Rect.Dy()-2)
		for _, p := range [4]image.Point{{x, y}, {x + 1, y}, {x, y + 1}, {x + 1, y + 1}} {
			if p.X >= 0 && p.Y >= 0 {
				c.set(img, p.X, p.Y)
			}
		}
	}
}

func (c colour) set(img *image.YCbCr, x, y int) {
	x, y = x+img.Rect.Min.X, y+img.Rect.Min.Y
	img.Y[img.YOffset(x, y)] = c.y
	i := img.COffset(x, y)
	img.Cb[i], img.Cr[i] = c.cb, c.cr
}

func clone(img *image.YCbCr) *image.YCbCr {
	c := *img
	c.Y, c.Cb, c.Cr = bytes.Clone(img.Y), bytes.Clone(img.Cb), bytes.Clone(img.Cr)
	return &c
}

// halve returns the picture at half its size, 4:2:0.
func halve(img *image.YCbCr) *image.YCbCr {
	w, h := max(img.Rect.Dx()/2, 1), max(img.Rect.Dy()/2, 1)
	out := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	last := img.Rect.Max.Sub(image.Pt(1, 1))
	for y := range h {
		for x := range w {
			sx, sy := img.Rect.Min.X+2*x, img.Rect.Min.Y+2*y
			tx, ty := min(sx+1, last.X), min(sy+1, last.Y)
			sum := 2 + int(img.Y[img.YOffset(sx, sy)]) + int(img.Y[img.YOffset(tx, sy)]) +
				int(img.Y[img.YOffset(sx, ty)]) + int(img.Y[img.YOffset(tx, ty)])
			out.Y[y*out.YStride+x] = uint8(sum / 4)
			if x%2 == 0 && y%2 == 0 {
				from, to := img.COffset(sx, sy), out.COffset(x, y)
				out.Cb[to], out.Cr[to] = img.Cb[from], img.Cr[from]
			}
		}
	}
	return out
}
