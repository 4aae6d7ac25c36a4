//go:build cgo

package track

// axis is a Kalman filter for one coordinate with a constant speed: p is the
// place in pixels and v the speed in pixels a second.
type axis struct {
	p, v       float64
	pp, pv, vv float64 // covariance
}

const (
	accelNoise   = 2.0  // sizes a second²
	measureNoise = 0.08 // sizes; boxes breathe as people step
	startSpeed   = 1.5  // sizes a second
)

func (a *axis) start(p, size float64) {
	m := measureNoise*size + 1
	*a = axis{p: p, pp: m * m, vv: startSpeed * size * startSpeed * size}
}

func (a *axis) predict(dt, size float64) {
	a.p += a.v * dt
	q := accelNoise * size
	q *= q
	a.pp += dt * (2*a.pv + dt*a.vv + q*dt*dt*dt/4)
	a.pv += dt * (a.vv + q*dt*dt/2)
	a.vv += q * dt * dt
}

func (a *axis) correct(z, size float64) {
	m := measureNoise*size + 1
	s := a.pp + m*m
	kp, kv := a.pp/s, a.pv/s
	e := z - a.p
	a.p += kp * e
	a.v += kv * e
	a.vv -= kv * a.pv
	a.pv -= kp * a.pv
	a.pp -= kp * a.pp
}
