//go:build cgo

package confirm

import (
	"image"
	"slices"

	"sentrybox/analytics/zone"
)

// Source gives out pixels of the last picture, see cv.Decoder.Region.
type Source func(dst []byte, r image.Rectangle, factor int) error

const maxFactor = 16

// cropper takes crops out of a picture. What is private comes out grey.
type cropper struct {
	width, height int        // of the picture, in pixels
	privacy       *zone.Mask // at any size; nil without
	raw           []byte
	crop          Crop
}

// take returns the crop of a view, whose longer side has at least that many pixels if
// the picture has them. Beyond the picture its edge is repeated. It is valid until the next call.
func (c *cropper) take(source Source, body, view image.Rectangle, side int) (*Crop, error) {
	f := min(max(max(view.Dx(), view.Dy())/side, 1), maxFactor)
	in := view.Intersect(image.Rect(0, 0, c.width, c.height))
	w, h := in.Dx()/f, in.Dy()/f
	if w < 1 || h < 1 {
		return nil, nil
	}
	c.raw = slices.Grow(c.raw[:0], w*h)[:w*h]
	if err := source(c.raw, image.Rect(in.Min.X, in.Min.Y, in.Min.X+w*f, in.Min.Y+h*f), f); err != nil {
		return nil, err
	}
	c.hide(in.Min, w, h, f)
	k := &c.crop
	k.Width, k.Height = max(view.Dx()/f, 1), max(view.Dy()/f, 1)
	k.Pix = slices.Grow(k.Pix[:0], k.Width*k.Height)[:k.Width*k.Height]
	left, top := (in.Min.X-view.Min.X)/f, (in.Min.Y-view.Min.Y)/f
	for y := range k.Height {
		row := c.raw[min(max(y-top, 0), h-1)*w:][:w]
		out := k.Pix[y*k.Width:][:k.Width]
		for x := range out {
			out[x] = row[min(max(x-left, 0), w-1)]
		}
	}
	scale := 1 / float64(f)
	k.Body = Rect{float64(body.Min.X-view.Min.X) * scale, float64(body.Min.Y-view.Min.Y) * scale,
		float64(body.Max.X-view.Min.X) * scale, float64(body.Max.Y-view.Min.Y) * scale}
	return k, nil
}

// hide paints what is private, or partly so, grey.
func (c *cropper) hide(at image.Point, w, h, f int) {
	m := c.privacy
	if m == nil || m.Area == 0 {
		return
	}
	for y := range h {
		y0, y1 := (at.Y+y*f)*m.Height/c.height, (at.Y+y*f+f-1)*m.Height/c.height
		for x := range w {
			x0, x1 := (at.X+x*f)*m.Width/c.width, (at.X+x*f+f-1)*m.Width/c.width
			if m.Share(image.Rect(x0, y0, x1+1, y1+1)) > 0 {
				c.raw[y*w+x] = 128
			}
		}
	}
}
