package overlay

import (
	"image"
	"math"

	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// The font's cells, in pixels.
const (
	charWidth  = 7
	lineHeight = 13
	firstChar  = ' '
	lastChar   = '~'
)

// colour is one of JFIF's: full range, BT.601.
type colour struct{ y, cb, cr uint8 }

func black() colour  { return colour{16, 128, 128} }
func white() colour  { return colour{235, 128, 128} }
func grey() colour   { return colour{150, 128, 128} }
func yellow() colour { return colour{210, 40, 146} }
func green() colour  { return colour{170, 80, 70} }
func cyan() colour   { return colour{180, 165, 60} }
func red() colour    { return colour{120, 100, 230} }
func violet() colour { return colour{150, 190, 170} }

// glyphs is the font as one byte a row and character, leftmost pixel in bit 7.
type glyphs [lastChar - firstChar + 1][lineHeight]uint8

func newGlyphs() *glyphs {
	var g glyphs
	face := basicfont.Face7x13
	for c := range g {
		to, mask, from, _, ok := face.Glyph(fixed.P(0, face.Ascent), rune(firstChar+c))
		if !ok {
			continue
		}
		for y := to.Min.Y; y < to.Max.Y; y++ {
			for x := to.Min.X; x < to.Max.X; x++ {
				if _, _, _, a := mask.At(from.X+x-to.Min.X, from.Y+y-to.Min.Y).RGBA(); a > 0 && y >= 0 && y < lineHeight {
					g[c][y] |= 0x80 >> x
				}
			}
		}
	}
	return &g
}

// canvas is a 4:2:0 picture to draw on. Places are in its pixels; what lies
// outside of clip is not drawn.
type canvas struct {
	img  *image.YCbCr
	clip image.Rectangle
	font *glyphs
}

// full is the weight of a colour that covers what was there.
const full = 256

// mix puts a colour on a pixel by a weight of 0 to full.
func (c *canvas) mix(x, y int, col colour, weight int) {
	if !image.Pt(x, y).In(c.clip) {
		return
	}
	blend(&c.img.Y[y*c.img.YStride+x], col.y, weight)
	i := y/2*c.img.CStride + x/2
	blend(&c.img.Cb[i], col.cb, weight)
	blend(&c.img.Cr[i], col.cr, weight)
}

func blend(p *uint8, v uint8, weight int) {
	*p = uint8((int(*p)*(full-weight) + int(v)*weight + full/2) / full)
}

// blendRow mixes a value into each of a row.
//
//go:norace
func blendRow(row []uint8, v uint8, weight int) {
	for i := range row {
		if weight == full {
			row[i] = v
		} else {
			blend(&row[i], v, weight)
		}
	}
}

func (c *canvas) fill(r image.Rectangle, col colour, weight int) {
	r = r.Intersect(c.clip)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		blendRow(c.img.Y[y*c.img.YStride:][r.Min.X:r.Max.X], col.y, weight)
	}
	x0, x1 := (r.Min.X+1)/2, (r.Max.X+1)/2
	for y := (r.Min.Y + 1) / 2; y < (r.Max.Y+1)/2; y++ {
		blendRow(c.img.Cb[y*c.img.CStride:][x0:x1], col.cb, weight)
		blendRow(c.img.Cr[y*c.img.CStride:][x0:x1], col.cr, weight)
	}
}

// line draws two pixels wide, so that 4:2:0 colour shows; dashed if dash, the
// length of a dash and of a gap in pixels, is not 0.
func (c *canvas) line(a, b point, col colour, weight, dash int) {
	dx, dy := b.x-a.x, b.y-a.y
	n := int(math.Ceil(max(math.Abs(dx), math.Abs(dy), 1)))
	for k := range n + 1 {
		if dash > 0 && k/dash%2 == 1 {
			continue
		}
		f := float64(k) / float64(n)
		x, y := int(a.x+dx*f), int(a.y+dy*f)
		for _, p := range [4]image.Point{{x, y}, {x + 1, y}, {x, y + 1}, {x + 1, y + 1}} {
			c.mix(p.X, p.Y, col, weight)
		}
	}
}

// frame draws a rectangle's outline.
func (c *canvas) frame(r image.Rectangle, col colour, weight, dash int) {
	x0, y0, x1, y1 := float64(r.Min.X), float64(r.Min.Y), float64(max(r.Max.X-2, r.Min.X)), float64(max(r.Max.Y-2, r.Min.Y))
	c.line(point{x0, y0}, point{x1, y0}, col, weight, dash)
	c.line(point{x1, y0}, point{x1, y1}, col, weight, dash)
	c.line(point{x1, y1}, point{x0, y1}, col, weight, dash)
	c.line(point{x0, y1}, point{x0, y0}, col, weight, dash)
}

// text draws a line of text whose upper left corner is at x, y. What the font
// lacks is drawn as a question mark.
func (c *canvas) text(x, y int, s string, col colour) {
	for _, r := range s {
		if r < firstChar || r > lastChar {
			r = '?'
		}
		for dy, bits := range c.font[r-firstChar] {
			for dx := 0; bits != 0; dx, bits = dx+1, bits<<1 {
				if bits&0x80 != 0 {
					c.mix(x+dx, y+dy, col, full)
				}
			}
		}
		x += charWidth
	}
}

// label draws text on a dark ground.
func (c *canvas) label(at image.Rectangle, s string, col colour) {
	c.fill(at, black(), 180)
	c.text(at.Min.X+2, at.Min.Y+1, s, col)
}

// labelSize returns the size of a label, in pixels.
func labelSize(s string) image.Point {
	return image.Pt(len([]rune(s))*charWidth+3, lineHeight+1)
}

// put copies a picture into a rectangle, by the nearest of its pixels.
//
//go:norace
func (c *canvas) put(src *image.YCbCr, to image.Rectangle) {
	w, h := to.Dx(), to.Dy()
	for y := range h {
		sy := y * src.Rect.Dy() / h
		from := src.Y[sy*src.YStride:]
		row := c.img.Y[(to.Min.Y+y)*c.img.YStride+to.Min.X:][:w]
		if w == src.Rect.Dx() {
			copy(row, from)
			continue
		}
		for x := range row {
			row[x] = from[x*src.Rect.Dx()/w]
		}
	}
	cw, ch := (src.Rect.Dx()+1)/2, (src.Rect.Dy()+1)/2
	for y := range h / 2 {
		from, at := y*2*ch/h*src.CStride, (to.Min.Y/2+y)*c.img.CStride+to.Min.X/2
		if w == 2*cw {
			copy(c.img.Cb[at:][:cw], src.Cb[from:])
			copy(c.img.Cr[at:][:cw], src.Cr[from:])
			continue
		}
		for x := range w / 2 {
			i := from + x*2*cw/w
			c.img.Cb[at+x], c.img.Cr[at+x] = src.Cb[i], src.Cr[i]
		}
	}
}
