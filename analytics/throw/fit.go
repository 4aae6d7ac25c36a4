package throw

import "math"

const (
	pointSigma = 1.0  // pixels, of the middle of a small blob
	sizeSigma  = 0.12 // of a blob's side, since light and noise nibble at it
)

// fit fits x linear and y quadratic in time to the newest points. The prior on
// the acceleration holds y while there are few.
func (t *track) fit(height, jitter float64) {
	p := t.points[max(0, t.n-fitPoints):t.n]
	end := p[len(p)-1]
	side := float64(end.w+end.h) / 2
	t.sigma = pointSigma + sizeSigma*side
	vx, vy := t.vx, t.vy
	if t.n == 2 {
		dt := end.t - p[0].t
		vx, vy = float64(end.x-p[0].x)/dt, float64(end.y-p[0].y)/dt
	}
	wx := 1 / (t.sigma*t.sigma + jitter*jitter*vx*vx)
	wy := 1 / (t.sigma*t.sigma + jitter*jitter*vy*vy)
	var s, s1, s2, s3, s4, y0, y1, y2, x0, x1 float64
	for i := range p {
		dt := p[i].t - end.t
		q := dt * dt / 2
		x, y := float64(p[i].x-end.x), float64(p[i].y-end.y)
		s++
		s1 += dt
		s2 += dt * dt
		s3 += dt * q
		s4 += q * q
		y0 += y
		y1 += y * dt
		y2 += y * q
		x0 += x
		x1 += x * dt
	}
	det := s*s2 - s1*s1
	t.x = float64(end.x) + (x0*s2-x1*s1)/det
	t.vx = (s*x1 - s1*x0) / det
	t.px = [3]float64{s2 / det / wx, -s1 / det / wx, s / det / wx}

	prior := 1 / (priorSD * height * priorSD * height)
	n := sym3{s * wy, s1 * wy, s2 / 2 * wy, s2 * wy, s3 * wy, s4*wy + prior}
	t.py = n.inverse()
	b := [3]float64{y0 * wy, y1 * wy, y2*wy + prior*priorMean*height}
	t.y, t.vy, t.a = sym3(t.py).times(b)
	t.y += float64(end.y)
}

// sym3 is a symmetric 3×3 matrix: 00 01 02 11 12 22.
type sym3 [6]float64

func (m sym3) inverse() sym3 {
	a, b, c, d, e, f := m[0], m[1], m[2], m[3], m[4], m[5]
	c00, c01, c02 := d*f-e*e, c*e-b*f, b*e-c*d
	det := a*c00 + b*c01 + c*c02
	if det == 0 {
		return sym3{}
	}
	return sym3{c00 / det, c01 / det, c02 / det, (a*f - c*c) / det, (b*c - a*e) / det, (a*d - b*b) / det}
}

func (m sym3) times(b [3]float64) (x, y, z float64) {
	return m[0]*b[0] + m[1]*b[1] + m[2]*b[2], m[1]*b[0] + m[3]*b[1] + m[4]*b[2], m[2]*b[0] + m[4]*b[1] + m[5]*b[2]
}

// parabola is a least-squares fit to a whole track, y = y0 + v·s + a·s²/2 with s
// from the first point's time.
type parabola struct {
	y, v, a   float64
	sigma     float64 // standard deviation of a
	residual  float64 // root mean square, pixels
	straight  float64 // that of a straight line
	smooth    float64 // that of a cubic, which allows for the drag of the air and for perspective
	sideways  float64 // that of x against a straight line
	vx, left  float64 // x = left + vx·s
	startTime float64
}

func fitParabola(p []point) parabola {
	var m sym3
	var b, b3 [3]float64
	var lx, lt float64
	t0 := p[0].t
	for i := range p {
		s := p[i].t - t0
		q, y := s*s/2, float64(p[i].y)
		m[0]++
		m[1] += s
		m[2] += q
		m[3] += s * s
		m[4] += s * q
		m[5] += q * q
		b[0] += y
		b[1] += y * s
		b[2] += y * q
		b3[0] += s * s * s
		b3[1] += s * s * s * s
		b3[2] += s * s * s * q
		lx += float64(p[i].x)
		lt += float64(p[i].x) * s
	}
	c := m.inverse()
	f := parabola{startTime: t0}
	f.y, f.v, f.a = c.times(b)
	z0, z1, z2 := c.times(b3) // what of s³ a parabola can say
	det := m[0]*m[3] - m[1]*m[1]
	ly, lv := (b[0]*m[3]-b[1]*m[1])/det, (m[0]*b[1]-m[1]*b[0])/det
	f.left, f.vx = (lx*m[3]-lt*m[1])/det, (m[0]*lt-m[1]*lx)/det
	var rq, rl, rx, ez, zz float64
	for i := range p {
		s, y := p[i].t-t0, float64(p[i].y)
		e := y - f.y - f.v*s - f.a*s*s/2
		rq += e * e
		z := s*s*s - z0 - z1*s - z2*s*s/2
		ez += e * z
		zz += z * z
		e = y - ly - lv*s
		rl += e * e
		e = float64(p[i].x) - f.left - f.vx*s
		rx += e * e
	}
	n := float64(len(p))
	f.residual, f.straight, f.sideways = math.Sqrt(rq/n), math.Sqrt(rl/n), math.Sqrt(rx/n)
	f.smooth = f.residual
	if zz > 0 {
		f.smooth = math.Sqrt(max(rq-ez*ez/zz, 0) / n)
	}
	f.sigma = math.Sqrt(max(rq/max(n-3, 1), 0.3*0.3) * c[5])
	return f
}

// at returns where the parabola is at a media time in seconds.
func (f *parabola) at(t float64) (x, y float64) {
	s := t - f.startTime
	return f.left + f.vx*s, f.y + f.v*s + f.a*s*s/2
}
