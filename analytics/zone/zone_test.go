package zone

import (
	"image"
	"math"
	"testing"

	"sentrybox/analytics/wire"
)

func TestRasterize(t *testing.T) {
	for name, tc := range map[string]struct {
		polygon []wire.Point
		w, h    int
		area    int
		in, out []image.Point
	}{
		"whole picture": {[]wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, 64, 36, 64 * 36, []image.Point{{0, 0}, {63, 35}}, nil},
		"right half": {[]wire.Point{{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}, 64, 36, 32 * 36,
			[]image.Point{{32, 0}}, []image.Point{{31, 0}}},
		"either direction": {[]wire.Point{{0.5, 1}, {1, 1}, {1, 0}, {0.5, 0}}, 64, 36, 32 * 36,
			[]image.Point{{32, 0}}, []image.Point{{31, 0}}},
		"concave": {[]wire.Point{{0, 0}, {1, 0}, {1, 1}, {0.5, 0.5}, {0, 1}}, 100, 100, 7500,
			[]image.Point{{50, 10}, {5, 80}, {95, 80}}, []image.Point{{50, 80}}},
		"crosses itself": {[]wire.Point{{0, 0}, {1, 1}, {1, 0}, {0, 1}}, 100, 100, 5000,
			[]image.Point{{5, 50}, {95, 50}}, []image.Point{{50, 5}, {50, 95}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := Rasterize(tc.polygon, tc.w, tc.h)
			if math.Abs(float64(m.Area-tc.area)) > float64(tc.w+tc.h) {
				t.Errorf("area %d, want about %d", m.Area, tc.area)
			}
			n := 0
			for _, p := range m.Pix {
				n += int(p)
			}
			if n != m.Area {
				t.Errorf("%d pixels are set, area says %d", n, m.Area)
			}
			for _, p := range tc.in {
				if m.Pix[p.Y*tc.w+p.X] != 1 {
					t.Errorf("%v is outside", p)
				}
			}
			for _, p := range tc.out {
				if m.Pix[p.Y*tc.w+p.X] != 0 {
					t.Errorf("%v is inside", p)
				}
			}
		})
	}
}

func TestNeighboursShareNoPixel(t *testing.T) {
	a := Rasterize([]wire.Point{{0, 0}, {0.3, 0}, {0.7, 1}, {0, 1}}, 97, 53)
	b := Rasterize([]wire.Point{{0.3, 0}, {1, 0}, {1, 1}, {0.7, 1}}, 97, 53)
	for i := range a.Pix {
		if a.Pix[i]+b.Pix[i] != 1 {
			t.Fatalf("pixel %d belongs to %d zones", i, a.Pix[i]+b.Pix[i])
		}
	}
}

func TestThinZoneHasPixels(t *testing.T) {
	line := []wire.Point{{0.2, 0.501}, {0.8, 0.501}, {0.8, 0.502}}
	if m := Rasterize(line, 64, 36); m.Area < 30 {
		t.Errorf("a thin zone has %d pixels", m.Area)
	}
	if m := Rasterize([]wire.Point{{1, 1}, {1, 1}, {1, 1}}, 64, 36); m.Area == 0 {
		t.Error("a zone that is one point has no pixel")
	}
}

func TestPrivacyCoversPartPixels(t *testing.T) {
	// The polygon ends in the middle of pixel 3, before its centre.
	p := [][]wire.Point{{{0, 0}, {0.34, 0}, {0.34, 1}, {0, 1}}}
	m := Privacy(p, 10, 10)
	if m.Pix[3] != 1 || m.Pix[4] != 0 {
		t.Errorf("row: %v", m.Pix[:10])
	}
}

func TestShare(t *testing.T) {
	m := Rasterize([]wire.Point{{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}, 100, 100)
	for _, tc := range []struct {
		r    image.Rectangle
		want float64
	}{
		{image.Rect(40, 10, 60, 20), 0.5},
		{image.Rect(0, 0, 50, 100), 0},
		{image.Rect(50, 0, 100, 100), 1},
		{image.Rect(90, 90, 200, 200), 1}, // what is outside the picture does not count
		{image.Rect(-20, -20, -10, -10), 0},
		{image.Rectangle{}, 0},
	} {
		if got := m.Share(tc.r); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%v: %v, want %v", tc.r, got, tc.want)
		}
	}
}

func BenchmarkRasterize(b *testing.B) {
	p := []wire.Point{{0.1, 0.1}, {0.9, 0.2}, {0.8, 0.9}, {0.5, 0.5}, {0.1, 0.8}}
	for b.Loop() {
		Rasterize(p, 640, 360)
	}
}
