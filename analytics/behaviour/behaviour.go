//go:build cgo

// Package behaviour is what the heuristics that judge tracks have in common:
// the scene that they look at and the events that they answer with.
//
// Such a heuristic is driven picture by picture, and has no I/O and no clock
// but the pictures' media time.
package behaviour

import (
	"image"
	"time"

	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

// Scene is one picture and what was made of it.
type Scene struct {
	Time   time.Duration // media time
	Pix    []byte        // luma, row by row, of the size that Motion has
	Tracks []track.Track // in order of their ids
	Motion *motion.Detector
	Blobs  []motion.Blob
	// Glance says that those before it, since the last that was shown, were not looked at, seconds of them:
	// nothing happens. Motion.Glance was asked.
	Glance bool
}

// Event is one end of a behaviour, or a change in between.
type Event struct {
	Phase wire.Phase
	// Number tells the behaviours of one rule apart; all events of one have the same.
	Number     uint64
	Start      time.Duration // when it began
	Detected   time.Duration // when the decision fell
	End        time.Duration // with wire.Ended: when it was over
	Box        wire.Box      // of what does it, as it was at the decision
	Confidence float64       // 0 to 1, for ranking; no probability
	Agitated   bool          // of a gathering, see wire.Detection; with wire.Changed since now
}

// Feet returns the part of a box that touches the ground, at least a pixel,
// of a picture of that height.
func Feet(b image.Rectangle, height int) image.Rectangle {
	h, in := max(b.Dy()/6, 2), b.Dx()/5
	b.Max.Y = min(b.Max.Y, height)
	return image.Rect(b.Min.X+in, b.Max.Y-h, max(b.Max.X-in, b.Min.X+in+1), b.Max.Y)
}

// Stands says whether a box stands in a zone; was says that it did before,
// which takes less, so that who walks along the border does not come and go.
func Stands(b image.Rectangle, z *zone.Mask, was bool) bool {
	const standsIn, standsOut = 0.5, 0.2 // part of the feet
	if z.Area == len(z.Pix) {
		return true
	}
	limit := standsIn
	if was {
		limit = standsOut
	}
	return z.Share(Feet(b, z.Height)) >= limit
}

// Fractions returns a box of a picture of that size as fractions of it.
func Fractions(r image.Rectangle, width, height int) wire.Box {
	r = r.Intersect(image.Rect(0, 0, width, height))
	fw, fh := float64(width), float64(height)
	return wire.Box{float64(r.Min.X) / fw, float64(r.Min.Y) / fh, float64(r.Dx()) / fw, float64(r.Dy()) / fh}
}

// Confidence ranks what was decided about a track. A thing of sharp new
// outline that went its own height's way is surest.
func Confidence(t *track.Track) float64 {
	return 0.4 + 0.35*min(t.Novelty()/0.6, 1) + 0.2*min(t.Displacement(), 1)
}

// Find returns the track with an id, nil if it has ended.
func Find(tracks []track.Track, id uint64) *track.Track {
	for i := range tracks {
		if tracks[i].ID == id {
			return &tracks[i]
		}
	}
	return nil
}
