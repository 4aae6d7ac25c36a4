// Package overlay draws on a camera's pictures what its rules make of them: zones,
// tracks with their ids and trails, blobs, and in a panel at the right each
// rule's opinion in English.
//
// It draws what a wire.Overlay says and knows nothing of the heuristics. Text is
// in Latin letters: a zone whose name has others is shown by its number alone, as are all
// zones before their names, from Z1 in the order of the config.
package overlay

import (
	"image"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	// MaxWidth is how wide the pictures that are drawn on should be at most, in pixels.
	MaxWidth = 1280

	smallWidth  = 480 // a narrower picture is enlarged to at least that
	minHeight   = 480
	maxEnlarged = 960 // high, at most
	panelChars  = 66
	panelMargin = 6
	panelWidth  = (panelChars*charWidth + 2*panelMargin + 1) &^ 1

	trailTime = 5 * time.Second
	flashTime = 3 * time.Second // for which a decision stands out
	maxEvents = 6               // in the panel
)

// point is a place on the canvas, in pixels.
type point struct{ x, y float64 }

// Renderer draws the overlays of one camera. It is for one goroutine at a time.
type Renderer struct {
	cfg     *wire.Config
	names   []string // a zone each
	canvas  canvas
	view    image.Rectangle // of the canvas, where the picture goes
	private *zone.Mask      // of the size of the pictures
	now     time.Duration
	last    wire.Overlay
	trails  map[uint64]*trail
	events  []event // newest last
	placed  []image.Rectangle
	letters map[int]byte // of the notes that have a box and no track, by index
}

// trail is where a track has been.
type trail struct {
	points []trailPoint
	nature wire.Nature
}

type trailPoint struct {
	at   time.Duration
	x, y float64 // fractions of the picture
}

// event is a behaviour that was decided.
type event struct {
	wire.Detection
	open bool
}

// New returns a renderer for a camera with these zones and rules.
func New(cfg *wire.Config) *Renderer {
	r := &Renderer{cfg: cfg, trails: map[uint64]*trail{}, letters: map[int]byte{}, canvas: canvas{font: newGlyphs()}}
	for i, z := range cfg.Zones {
		r.names = append(r.names, zoneName(i, z.Name))
	}
	return r
}

// Size returns the size of what is drawn for pictures of a size, both in pixels. It is
// that of the first picture for good.
func (r *Renderer) Size(width, height int) (int, int) {
	if r.canvas.img == nil {
		r.layOut(width, height)
	}
	return r.canvas.img.Rect.Dx(), r.canvas.img.Rect.Dy()
}

func (r *Renderer) layOut(width, height int) {
	times := 1
	for width*times < smallWidth && height*(times+1) <= maxEnlarged {
		times++
	}
	width, height = (times*width+1)&^1, (times*height+1)&^1
	all := image.Rect(0, 0, width+panelWidth, max(height, minHeight))
	r.canvas.img = image.NewYCbCr(all, image.YCbCrSubsampleRatio420)
	r.canvas.clip = all
	r.view = image.Rect(0, 0, width, height)
}

// Take takes in the overlay of the newest analysed picture, which it keeps.
func (r *Renderer) Take(o *wire.Overlay) {
	r.last = *o
	at := time.Duration(o.Time * float64(time.Second))
	for i := range o.Tracks {
		t := &o.Tracks[i]
		if t.Hidden {
			continue
		}
		k := r.trails[t.ID]
		if k == nil {
			k = &trail{}
			r.trails[t.ID] = k
		}
		k.nature = t.Nature
		k.points = append(k.points, trailPoint{at, t.Box[0] + t.Box[2]/2, t.Box[1] + t.Box[3]})
	}
	for id, k := range r.trails {
		old := 0
		for old < len(k.points) && (at-k.points[old].at > trailTime || k.points[old].at > at) {
			old++
		}
		if k.points = k.points[old:]; len(k.points) == 0 {
			delete(r.trails, id)
		}
	}
}

// Event takes in one end of a behaviour.
func (r *Renderer) Event(d *wire.Detection) {
	if d.Phase == wire.Ended {
		for i := range r.events {
			if r.events[i].ID == d.ID {
				r.events[i].open, r.events[i].End = false, d.End
			}
		}
		return
	}
	if len(r.events) >= maxEvents { // one that is over goes first
		i := slices.IndexFunc(r.events, func(e event) bool { return !e.open })
		r.events = slices.Delete(r.events, max(i, 0), max(i, 0)+1)
	}
	e := event{Detection: *d, open: true}
	e.JPEG = nil
	r.events = append(r.events, e)
}

// Draw returns a picture of media time at with everything drawn on it, of the
// size that Size says and valid until the next call. A remark stands in the panel's first lines.
func (r *Renderer) Draw(pic *image.YCbCr, at time.Duration, remark string) *image.YCbCr {
	r.Size(pic.Rect.Dx(), pic.Rect.Dy())
	r.now = at
	r.blackOut(pic)
	c := &r.canvas
	c.clip = c.img.Rect
	c.put(pic, r.view)
	c.fill(image.Rect(r.view.Max.X, 0, c.img.Rect.Max.X, c.img.Rect.Max.Y), black(), full)
	c.fill(image.Rect(0, r.view.Max.Y, r.view.Max.X, c.img.Rect.Max.Y), black(), full)
	c.clip = r.view
	r.placed = r.placed[:0]
	r.nameBoxes()
	r.drawZones()
	r.drawBlobs()
	r.drawTrails()
	r.drawNotes()
	r.drawTracks()
	r.drawEvents()
	c.clip = c.img.Rect
	r.drawPanel(remark)
	return c.img
}

// blackOut hides what is private, every pixel that a polygon touches.
func (r *Renderer) blackOut(pic *image.YCbCr) {
	if len(r.cfg.Privacy) == 0 {
		return
	}
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	if r.private == nil || r.private.Width != w || r.private.Height != h {
		r.private = zone.Privacy(r.cfg.Privacy, w, h)
	}
	c := canvas{img: pic, clip: pic.Rect}
	for i, p := range r.private.Pix {
		if p != 0 {
			c.mix(i%w, i/w, black(), full)
		}
	}
}

// place returns where a fraction of the picture is on the canvas.
func (r *Renderer) place(x, y float64) point {
	return point{float64(r.view.Min.X) + x*float64(r.view.Dx()), float64(r.view.Min.Y) + y*float64(r.view.Dy())}
}

func (r *Renderer) rect(b wire.Box) image.Rectangle {
	a, z := r.place(b[0], b[1]), r.place(b[0]+b[2], b[1]+b[3])
	return image.Rect(int(a.x), int(a.y), int(z.x+0.5), int(z.y+0.5))
}

// tag draws a label at a place or, where another is, a little below it.
func (r *Renderer) tag(x, y int, s string, col colour) {
	size := labelSize(s)
	x = min(max(x, r.view.Min.X), max(r.view.Max.X-size.X, r.view.Min.X))
	y = min(max(y, r.view.Min.Y), max(r.view.Max.Y-size.Y, r.view.Min.Y))
	at := image.Rectangle{image.Pt(x, y), image.Pt(x, y).Add(size)}
	for range 6 {
		free := true
		for _, p := range r.placed {
			free = free && p.Intersect(at).Empty()
		}
		if free {
			break
		}
		at = at.Add(image.Pt(0, size.Y))
	}
	r.placed = append(r.placed, at)
	r.canvas.label(at, s, col)
}
