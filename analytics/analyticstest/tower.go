package analyticstest

import (
	"fmt"
	"math"

	"sentrybox/analytics/wire"
)

// before returns a clip of 16 to 9 before a building, a photograph or a drawing.
func (st *studio) before(name string, fps int, seconds float64, rows int) *Clip {
	c := st.clip(name, fps, seconds).look(wire.ThrownObject, 0)
	c.Scene.Width, c.Scene.Height = rows*16/9, rows
	switch k := st.rng.IntN(4); {
	case k == 0 && st.stock.Facade != nil:
		c.on(st.stock.Facade)
	case k == 1:
		c.Scene.Backdrop = st.facade(c.Scene.Width, c.Scene.Height)
	default:
		c.Scene.Backdrop, c.Zones[0].Floors = st.tower(c.Scene.Width, c.Scene.Height)
	}
	return c
}

// floorOf returns the name of the floor whose windows something at height y came from.
func floorOf(floors []wire.Floor, y float64) string {
	name := ""
	for _, f := range floors {
		if f.Y <= y {
			name = f.Name
		}
	}
	return name
}

// tower draws a tall building before the sky: many small windows, some lit, with
// air conditioners below them. A floor lies where its windows begin.
//
//go:norace
func (st *studio) tower(w, h int) ([]byte, []wire.Floor) {
	out := make([]byte, w*h)
	sky, wall := st.between(170, 215), st.between(70, 180)
	left, right, roof := st.between(0.05, 0.2)*float64(w), st.between(0.85, 0.97)*float64(w), st.between(0, 0.06)*float64(h)
	cw, ch := float64(w)/st.between(14, 30), float64(h)/st.between(9, 20)
	panes := st.rng.Uint64()
	shade := make([]float64, w)
	for x := range w {
		shade[x] = wall + 5*math.Sin(float64(x)/53)
	}
	for y := range h {
		row, t := math.Modf((float64(y) - roof + ch) / ch)
		for x := range w {
			fx := float64(x) - left
			if float64(y) > 0.93*float64(h) {
				out[y*w+x] = uint8(75 + 5*(x/3%2) + 5*(y/2%2))
				continue
			}
			if fx < 0 || float64(x) > right || float64(y) < roof {
				out[y*w+x] = uint8(sky)
				continue
			}
			col := int(fx / cw)
			u, v := fx/cw-float64(col), shade[x]
			switch {
			case u > 0.2 && u < 0.75 && t > 0.25 && t < 0.75:
				v = wall*0.4 + float64(hash(panes, uint64(col), uint64(row))%60)
			case u > 0.25 && u < 0.5 && t > 0.8 && hash(panes, uint64(col), uint64(row))>>8%3 == 0:
				v = wall*0.6 + 70
			case t > 0.93:
				v -= 20
			}
			out[y*w+x] = uint8(min(max(v, 5), 245))
		}
	}
	var floors []wire.Floor
	n := int((0.93*float64(h) - roof) / ch)
	for i := range n {
		floors = append(floors, wire.Floor{Name: fmt.Sprint(n - i), Y: (roof + (float64(i)+0.25)*ch) / float64(h)})
	}
	return out, floors
}
