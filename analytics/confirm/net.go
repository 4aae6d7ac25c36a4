//go:build cgo

package confirm

import (
	"errors"
	"fmt"
	"image"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

const (
	netAround = 0.35 // of a body's longer side that the view reaches beyond it on each side
	netLeast  = 48   // pixels of the view's side, at least
)

type network struct {
	n    *cv.Net
	cfg  wire.Detector
	from float64 // pixels are taken from this grey
	by   float64 // and scaled by this
}

// NewNet returns a detector by a network: model and, in Darknet's form, config are
// the contents of its files. It runs the network once, so that one that cannot work fails here.
func NewNet(cfg wire.Detector, model, config []byte) (Detector, error) {
	format := cv.ONNX
	if cfg.Format == wire.Darknet {
		format = cv.Darknet
	}
	n, err := cv.OpenNet(format, model, config)
	if err != nil {
		return nil, err
	}
	d := &network{n: n, cfg: cfg, by: 1.0 / 255}
	switch cfg.Pixels {
	case wire.Signed:
		d.from, d.by = 127.5, 1/127.5
	case wire.Bytes:
		d.by = 1
	}
	grey := make([]byte, cfg.Size*cfg.Size)
	for i := range grey {
		grey[i] = 128
	}
	trial := Crop{Pix: grey, Width: cfg.Size, Height: cfg.Size, Body: Rect{0, 0, float64(cfg.Size), float64(cfg.Size)}}
	if _, err := d.Detect(&trial); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close is part of Detector.
func (d *network) Close() error { return d.n.Close() }

// View is part of Detector: a square, so that nothing is stretched.
func (d *network) View(b image.Rectangle) (image.Rectangle, int) {
	half := max(int((0.5+netAround)*float64(max(b.Dx(), b.Dy()))), netLeast/2)
	c := image.Pt((b.Min.X+b.Max.X)/2, (b.Min.Y+b.Max.Y)/2)
	return image.Rect(c.X-half, c.Y-half, c.X+half, c.Y+half), d.cfg.Size
}

// Detect is part of Detector.
func (d *network) Detect(c *Crop) (Scores, error) {
	out, err := d.n.Run(c.Pix, c.Width, c.Height, d.cfg.Size, d.by, d.from)
	if err != nil {
		return Scores{}, err
	}
	body := c.Body
	body.X0, body.X1 = body.X0/float64(c.Width), body.X1/float64(c.Width)
	body.Y0, body.Y1 = body.Y0/float64(c.Height), body.Y1/float64(c.Height)
	s, err := decode(out, d.cfg.Size, body, classesOf(&d.cfg))
	if err != nil {
		return Scores{}, fmt.Errorf("read the network's output: %w", err)
	}
	return s, nil
}
