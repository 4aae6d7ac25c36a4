//go:build cgo

package motion

import "image"

// Picture returns the last picture as it was compared: blurred, and black where
// nothing is analysed. It is valid until the next Detect.
func (d *Detector) Picture() []uint8 { return d.curPix }

// Expected returns the background as it would look in the last picture's
// light. It is valid until the next Detect.
func (d *Detector) Expected() []uint8 { return d.predPix }

// KeepAround surrounds every held blob by a few pixels. Without it the background
// would wear away who stands still from their edges. It is for between setting Hold and Learn.
func (d *Detector) KeepAround() {
	const margin = 4
	for i := range d.blobs {
		if b := &d.blobs[i]; b.Hold {
			d.Surround(i, b.Box.Inset(-margin))
		}
	}
}

// Surround makes the pixels of a box that belong to no blob share the fate of
// one, an index in Result.Blobs: if it is held they stay out of the background with it, and
// so cannot wear it away from its edges. It is for between Detect and Learn.
func (d *Detector) Surround(blob int, box image.Rectangle) {
	box = box.Intersect(image.Rect(0, 0, d.w, d.h))
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := d.class[y*d.w+box.Min.X : y*d.w+box.Max.X]
		for i, c := range row {
			if c == 0 {
				row[i] = filler | uint8(blob+1)
			}
		}
	}
}
