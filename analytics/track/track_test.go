//go:build cgo

package track

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sentrybox/analytics/motion"
)

const (
	width, height = 640, 360
	period        = 125 * time.Millisecond
)

// blob is a box with a sharp new outline that moves inside.
func blob(x, y, w, h float64) motion.Blob {
	r := image.Rect(int(x-w/2), int(y-h), int(x+w/2), int(y)).Intersect(image.Rect(0, 0, width, height))
	return motion.Blob{Box: r, Area: r.Dx() * r.Dy() * 2 / 3, CX: x, CY: y - h/2, New: 0.7, Moving: 0.3, Contrast: 30}
}

func result(blobs ...motion.Blob) motion.Result {
	return motion.Result{Blobs: slices.DeleteFunc(blobs, func(b motion.Blob) bool { return b.Box.Empty() })}
}

// tall returns the tracks as high as a person of the tests at least.
func tall(t *Tracker) []Track {
	return slices.DeleteFunc(slices.Clone(t.Tracks()), func(k Track) bool { return k.Box.Dy() < 50 })
}

func TestWalkerIsOnePerson(t *testing.T) {
	tr := New(width, height, 40)
	var first uint64
	for i := range 40 {
		now := time.Duration(i) * period
		blobs := result(blob(50+float64(i)*10, 300, 30, 80))
		if i%7 == 3 {
			blobs = result() // not seen for a moment
		}
		tr.Update(blobs, now)
		if len(tr.Tracks()) != 1 {
			t.Fatalf("picture %d: %d tracks", i, len(tr.Tracks()))
		}
		k := tr.Tracks()[0]
		if i == 0 {
			first = k.ID
		}
		if k.ID != first || k.First != 0 {
			t.Fatalf("picture %d: track %d from %v, began as %d", i, k.ID, k.First, first)
		}
		if i < 6 && k.Person {
			t.Fatalf("a person after %v", now)
		}
		if len(blobs.Blobs) > 0 && i > 3 && !blobs.Blobs[0].Hold {
			t.Fatalf("picture %d: not held", i)
		}
	}
	if k := tr.Tracks()[0]; !k.Person || !k.Mover || math.Abs(k.Speed()-80) > 15 {
		t.Errorf("person %v, mover %v, %.0f pixels a second, want 80", k.Person, k.Mover, k.Speed())
	}
	if first != 41 || tr.LastID() != 41 {
		t.Errorf("id %d, last %d, want both to follow 40", first, tr.LastID())
	}
}

func TestWhatIsNoPerson(t *testing.T) {
	for name, see := range map[string]func(i int) motion.Blob{
		"sways": func(i int) motion.Blob {
			b := blob(300+6*math.Sin(float64(i)), 200, 30, 60)
			b.New = 0.35
			return b
		},
		"soft outline": func(i int) motion.Blob {
			b := blob(50+float64(i)*10, 300, 30, 80)
			b.New = 0.05
			return b
		},
		"too small": func(i int) motion.Blob { return blob(50+float64(i)*3, 300, 6, 10) },
		"too quick": func(i int) motion.Blob { return blob(20+float64(i)*40, 300, 30, 60) },
		"flat":      func(i int) motion.Blob { return blob(150+float64(i)*4, 300, 200, 40) },
		"never stirs": func(int) motion.Blob {
			b := blob(300, 300, 30, 80)
			b.Moving = 0
			return b
		},
		"twitches among leaves": func(i int) motion.Blob {
			b := blob(300+8*float64(i%3), 200, 14, 20)
			b.Restless = 0.8
			return b
		},
	} {
		tr := New(width, height, 0)
		for i := range 36 {
			tr.Update(result(see(i)), time.Duration(i)*period)
			for _, k := range tr.Tracks() {
				if k.Person {
					t.Fatalf("%s: a person after %d pictures: reach %.0f of %.0f, novelty %.2f", name, i, k.reach, k.Height(), k.Novelty())
				}
			}
		}
	}
}

func TestCrossingKeepsIDs(t *testing.T) {
	tr := New(width, height, 0)
	var left, right uint64
	for i := range 48 {
		a, b := 100+float64(i)*10, 540-float64(i)*10
		blobs := result(blob(a, 300, 30, 80), blob(b, 310, 32, 90))
		if math.Abs(a-b) < 31 { // where they meet there is one blob
			blobs = result(blob((a+b)/2, 310, 30+math.Abs(a-b), 92))
		}
		tr.Update(blobs, time.Duration(i)*period)
		switch i {
		case 10:
			left, right = tr.Tracks()[0].ID, tr.Tracks()[1].ID
			if tr.Tracks()[0].Box.Min.X > tr.Tracks()[1].Box.Min.X {
				left, right = right, left
			}
		case 47:
			for _, k := range tall(tr) {
				if k.ID != left && k.ID != right {
					t.Errorf("track %d is new", k.ID)
				}
				if atRight := k.Box.Min.X > width/2; atRight != (k.ID == left) {
					t.Errorf("track %d changed places: %v", k.ID, k.Box)
				}
			}
		}
	}
	if n := len(tall(tr)); n != 2 {
		t.Errorf("%d tracks at the end, want 2", n)
	}
}

func TestGroupSharesABlob(t *testing.T) {
	tr := New(width, height, 0)
	for i := range 30 {
		// Two come together and stay.
		gap := max(60-float64(i)*5, 8)
		blobs := result(blob(300-gap, 300, 30, 80), blob(300+gap, 300, 30, 80))
		if gap < 16 {
			blobs = result(blob(300, 300, 30+2*gap, 82))
		}
		tr.Update(blobs, time.Duration(i)*period)
	}
	if n := len(tr.Tracks()); n != 2 || !tr.Tracks()[0].Shared || !tr.Tracks()[1].Shared {
		t.Errorf("%d tracks, want two that share: %+v", n, tr.Tracks())
	}
}

func TestEnds(t *testing.T) {
	tr := New(width, height, 0)
	for i := range 20 {
		tr.Update(result(blob(100+float64(i)*10, 300, 30, 80)), time.Duration(i)*period)
	}
	at := 20 * period
	for ; len(tr.Tracks()) > 0; at += period {
		if at > 60*period {
			t.Fatal("a track without a blob lives on")
		}
		tr.Update(result(), at)
	}
	if len(tr.Gone()) != 1 || tr.Gone()[0].Last != 19*period {
		t.Errorf("gone: %+v", tr.Gone())
	}
	// After a long pause, and when time jumps back, nothing goes on.
	for _, jump := range []time.Duration{time.Minute, -time.Second} {
		tr.Update(result(blob(100, 300, 30, 80)), at)
		id := tr.Tracks()[0].ID
		at += jump
		tr.Update(result(blob(100, 300, 30, 80)), at)
		if len(tr.Tracks()) != 1 || tr.Tracks()[0].ID == id {
			t.Errorf("jump of %v: %+v", jump, tr.Tracks())
		}
	}
}

func TestSettlingBeginsNothing(t *testing.T) {
	tr := New(width, height, 0)
	r := result(blob(100, 300, 30, 80))
	r.Settling = true
	tr.Update(r, 0)
	if len(tr.Tracks()) != 0 {
		t.Error("a track began while the background settles")
	}
	r.Settling = false
	r.Blobs[0].New, r.Blobs[0].Lost = 0.1, 0.8
	tr.Update(r, period)
	if len(tr.Tracks()) != 0 {
		t.Error("a track began with a ghost")
	}
}

// TestStormIsBounded holds that a picture full of things costs no memory that grows.
func TestStormIsBounded(t *testing.T) {
	tr := New(width, height, 0)
	rng := rand.New(rand.NewPCG(1, 2))
	r := motion.Result{Blobs: make([]motion.Blob, motion.MaxBlobs)}
	now := time.Duration(0)
	storm := func() {
		for j := range r.Blobs {
			r.Blobs[j] = blob(20+rng.Float64()*600, 60+rng.Float64()*280, 10+rng.Float64()*30, 10+rng.Float64()*50)
		}
		now += period
		tr.Update(r, now)
		if len(tr.Tracks()) > MaxTracks {
			t.Fatalf("%d tracks", len(tr.Tracks()))
		}
		if !slices.IsSortedFunc(tr.Tracks(), func(a, b Track) int { return int(a.ID) - int(b.ID) }) {
			t.Fatal("tracks are not in order")
		}
	}
	for range 200 {
		storm()
	}
	if n := testing.AllocsPerRun(50, storm); n > 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

// TestAssignmentIsOptimal compares with trying every assignment.
func TestAssignmentIsOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var m matcher
	for range 300 {
		rows, cols := 1+rng.IntN(5), 1+rng.IntN(5)
		m.resize(rows, cols)
		for i := range rows {
			for j := range cols {
				if rng.IntN(4) > 0 {
					m.set(i, j, rng.Float64())
				}
			}
		}
		best := math.Inf(1)
		permute(m.n, func(p []int) {
			sum := 0.0
			for j, i := range p {
				sum += m.at(i, j)
			}
			best = min(best, sum)
		})
		m.solve()
		sum, used := 0.0, make([]bool, m.n)
		for j := range m.n {
			i := m.rowOf(j)
			if used[i] {
				t.Fatalf("row %d twice", i)
			}
			used[i] = true
			sum += m.at(i, j)
		}
		if math.Abs(sum-best) > 1e-6*best {
			t.Fatalf("%d×%d: cost %v, the best is %v", rows, cols, sum, best)
		}
	}
}

func permute(n int, visit func([]int)) {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	var step func(int)
	step = func(k int) {
		if k == n {
			visit(p)
			return
		}
		for i := k; i < n; i++ {
			p[k], p[i] = p[i], p[k]
			step(k + 1)
			p[k], p[i] = p[i], p[k]
		}
	}
	step(0)
}

func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{2, 16, motion.MaxBlobs} {
		b.Run(map[int]string{2: "blobs=2", 16: "blobs=16", motion.MaxBlobs: "blobs=64"}[n], func(b *testing.B) {
			tr := New(width, height, 0)
			r := motion.Result{Blobs: make([]motion.Blob, n)}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				for j := range r.Blobs {
					r.Blobs[j] = blob(20+float64(j%16)*38+float64(i%8), 80+float64(j/16)*80, 20, 40)
				}
				i++
				tr.Update(r, time.Duration(i)*period)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}
