// Footage draws the clip mp4test.Walker and writes it to standard output as
// YUV4MPEG2, for ffmpeg to encode; see make.sh. The same pictures come out
// every time.
package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"sentrybox/drivers/mp4/mp4test"
)

const (
	width  = mp4test.WalkerWidth
	height = mp4test.WalkerHeight
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "footage:", err)
		os.Exit(1)
	}
}

func run() error {
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n", width, height, mp4test.WalkerFPS)
	yard := background()
	noise := rand.New(rand.NewPCG(1, 2))
	n := int(mp4test.WalkerLength.Seconds() * mp4test.WalkerFPS)
	for i := range n {
		at := time.Duration(i) * time.Second / mp4test.WalkerFPS
		p := yard.clone()
		if at >= mp4test.WalkerEnters && at <= mp4test.WalkerLeaves {
			p.walker(mp4test.WalkerCentre(at)*width, at.Seconds())
		}
		fmt.Fprint(w, "FRAME\n")
		for _, v := range p.y {
			w.WriteByte(clamp(v + 1.3*noise.NormFloat64()))
		}
		for _, plane := range [][]float64{p.u, p.v} {
			for _, v := range plane {
				w.WriteByte(clamp(v))
			}
		}
	}
	return w.Flush() // keeps the first error of the writes before
}

func clamp(v float64) byte { return byte(max(0, min(255, math.Round(v)))) }

// picture has a full luma plane and quarter chroma planes.
type picture struct{ y, u, v []float64 }

func (p picture) clone() picture {
	c := func(s []float64) []float64 { return append([]float64(nil), s...) }
	return picture{c(p.y), c(p.u), c(p.v)}
}

// background is a yard: a wall of blocks with a door and a window, and paving
// with stains.
func background() picture {
	p := picture{make([]float64, width*height), make([]float64, width*height/4), make([]float64, width*height/4)}
	grain := texture(rand.New(rand.NewPCG(3, 4)))
	for y := range height {
		for x := range width {
			v := 128 + 10*grain[y*width+x]
			if y < 210 {
				v += 18 - float64(y)/20
				row := y / 30
				if y%30 < 2 || (x+row%2*35)%70 < 2 {
					v -= 16
				}
			} else {
				v += -30 + float64(y-210)/6
				if (y-210)%50 < 2 {
					v -= 8
				}
			}
			switch {
			case x >= 470 && x < 540 && y >= 90 && y < 210:
				v = 70 + 4*grain[y*width+x]
			case x >= 120 && x < 220 && y >= 60 && y < 130:
				v = 90 + 14*float64((x-120)%50)/50
			}
			p.y[y*width+x] = v
		}
	}
	for i := range p.u {
		p.u[i], p.v[i] = 124, 130
	}
	return p
}

// texture is smooth noise of about unit strength: a coarse grid of random values between which it is interpolated.
func texture(r *rand.Rand) []float64 {
	out := make([]float64, width*height)
	for _, cell := range []int{9, 40} {
		cols := width/cell + 2
		grid := make([]float64, cols*(height/cell+2))
		for i := range grid {
			grid[i] = r.NormFloat64()
		}
		for y := range height {
			for x := range width {
				fx, fy := float64(x%cell)/float64(cell), float64(y%cell)/float64(cell)
				g := grid[y/cell*cols+x/cell:]
				out[y*width+x] += (g[0]*(1-fx)+g[1]*fx)*(1-fy) + (g[cols]*(1-fx)+g[cols+1]*fx)*fy
			}
		}
	}
	return out
}

// walker draws a person in profile whose body is at x: two legs and two arms
// that swing against each other, a torso and a head.
func (p picture) walker(x, t float64) {
	const (
		feet = 0.9 * height
		tall = 0.34 * height
	)
	hip, neck := feet-0.48*tall, feet-0.83*tall
	swing := math.Sin(2 * math.Pi * 0.9 * t)
	bob := 1.5 * math.Abs(swing)
	coat, skin, jeans := [3]float64{58, 118, 150}, [3]float64{165, 112, 146}, [3]float64{72, 138, 122}
	far := func(c [3]float64) [3]float64 { return [3]float64{c[0] - 14, c[1], c[2]} }

	leg := func(s float64, c [3]float64) {
		reach := 0.19 * tall * s
		knee := x + reach*0.55 + 4
		lift := max(0, -s) * 0.04 * tall
		p.limb(x, hip+bob, knee, (hip+feet)/2+bob, 8.5, c)
		p.limb(knee, (hip+feet)/2+bob, x+reach, feet-5-lift, 6.5, c)
		p.limb(x+reach, feet-4-lift, x+reach+8, feet-3-lift, 4, [3]float64{40, 128, 128})
	}
	arm := func(s float64, c [3]float64) {
		elbow := x + 0.09*tall*s
		p.limb(x, neck+7+bob, elbow, (neck+hip)/2+bob, 5.5, c)
		p.limb(elbow, (neck+hip)/2+bob, x+0.15*tall*s+3, hip+bob, 4.5, c)
		p.limb(x+0.15*tall*s+3, hip+bob, x+0.15*tall*s+4, hip+3+bob, 4, skin)
	}
	leg(-swing, far(jeans))
	arm(swing, far(coat))
	leg(swing, jeans)
	p.limb(x, neck+6+bob, x, hip+bob, 11.5, coat)
	p.limb(x+1, feet-tall+9+bob, x+1, feet-tall+12+bob, 9, skin)
	p.limb(x-2, feet-tall+7+bob, x, feet-tall+6+bob, 8, [3]float64{35, 128, 128})
	arm(-swing, coat)
}

// limb draws a line with round ends and soft edges.
func (p picture) limb(x0, y0, x1, y1, r float64, c [3]float64) {
	for y := max(0, int(min(y0, y1)-r-1)); y < min(height, int(max(y0, y1)+r+2)); y++ {
		for x := max(0, int(min(x0, x1)-r-1)); x < min(width, int(max(x0, x1)+r+2)); x++ {
			px, py, dx, dy := float64(x)-x0, float64(y)-y0, x1-x0, y1-y0
			along := max(0, min(1, (px*dx+py*dy)/(dx*dx+dy*dy+1e-9)))
			a := max(0, min(1, r-math.Hypot(px-along*dx, py-along*dy)+0.5))
			if a == 0 {
				continue
			}
			i := y*width + x
			p.y[i] += a * (c[0] - p.y[i])
			if x%2 == 0 && y%2 == 0 {
				i = y/2*(width/2) + x/2
				p.u[i] += a * (c[1] - p.u[i])
				p.v[i] += a * (c[2] - p.v[i])
			}
		}
	}
}
