//go:build cgo

package track

import (
	"math"

	"sentrybox/analytics/motion"
)

const (
	impossible = 1e6
	walks      = 0.25 // sizes a second
	emptyCost  = 0.7
)

// assign gives each blob to at most one track and the other way round, so that the
// sum of the costs is least.
func (t *Tracker) assign(blobs []motion.Blob) {
	if len(t.tracks) == 0 || len(blobs) == 0 {
		return
	}
	m := &t.match
	m.resize(len(t.tracks), len(blobs))
	for i := range t.tracks {
		for j := range blobs {
			m.set(i, j, t.tracks[i].cost(&blobs[j]))
		}
	}
	m.solve()
	for j := range blobs {
		if i := m.rowOf(j); i >= 0 && i < len(t.tracks) && m.at(i, j) < impossible/2 {
			t.tracks[i].Blob = j
			t.owner[j] = i
		}
	}
}

// cost says how badly a blob fits a track: 0 where it was predicted and of its
// size, about 2 at the limit.
func (t *Track) cost(b *motion.Blob) float64 {
	dx, dy := centre(b.Box.Min.X, b.Box.Max.X)-t.x.p, centre(b.Box.Min.Y, b.Box.Max.Y)-t.y.p
	// The gate is part of a size and what the filter is unsure of. A blob that grew or lost a
	// part moves its centre by half of what changed.
	size := max(t.size(), (t.width+t.height)/2)
	gate := 0.6*size + 2*math.Sqrt(min(t.x.pp+t.y.pp, size*size)) + 2
	far := math.Hypot(dx, dy) / gate
	ratio := math.Abs(math.Log(float64(max(area(b.Box), 1)) / max(t.width*t.height, 1)))
	if far > 1 {
		return impossible
	}
	// A blob much larger is a merger; one much smaller a fragment.
	if ratio > math.Log(6) {
		return impossible
	}
	// Who walked goes on with what moves, not with what they uncover or leave.
	empty := 0.0
	if b.Moving < stillMoving && t.Speed() > walks*size {
		empty = emptyCost + max(b.Lost-b.New, 0)
	}
	return far + 0.5*ratio + empty
}

// matcher solves the assignment problem by shortest augmenting paths. Rows are tracks
// and columns blobs, padded to a square with impossible pairs.
type matcher struct {
	n             int
	cost          []float64
	u, v, minv    []float64
	match, before []int // of a column, counted from 1: its row; the column before on the path
	used          []bool
}

func (m *matcher) resize(rows, cols int) {
	m.n = max(rows, cols)
	if need := m.n * m.n; cap(m.cost) < need {
		k := max(m.n, MaxTracks)
		m.cost = make([]float64, k*k)
		m.u, m.v, m.minv = make([]float64, k+1), make([]float64, k+1), make([]float64, k+1)
		m.match, m.before, m.used = make([]int, k+1), make([]int, k+1), make([]bool, k+1)
	}
	m.cost = m.cost[:m.n*m.n]
	for i := range m.cost {
		m.cost[i] = impossible
	}
}

func (m *matcher) set(i, j int, c float64) { m.cost[i*m.n+j] = c }
func (m *matcher) at(i, j int) float64     { return m.cost[i*m.n+j] }
func (m *matcher) rowOf(j int) int         { return m.match[j+1] - 1 }

func (m *matcher) solve() {
	n := m.n
	clear(m.u)
	clear(m.v)
	clear(m.match)
	for i := 1; i <= n; i++ {
		m.match[0] = i
		col := 0
		for j := range n + 1 {
			m.minv[j], m.used[j] = math.Inf(1), false
		}
		for m.match[col] != 0 {
			m.used[col] = true
			row, next, delta := m.match[col], 0, math.Inf(1)
			for j := 1; j <= n; j++ {
				if m.used[j] {
					continue
				}
				if c := m.at(row-1, j-1) - m.u[row] - m.v[j]; c < m.minv[j] {
					m.minv[j], m.before[j] = c, col
				}
				if m.minv[j] < delta {
					delta, next = m.minv[j], j
				}
			}
			for j := range n + 1 {
				if m.used[j] {
					m.u[m.match[j]] += delta
					m.v[j] -= delta
				} else {
					m.minv[j] -= delta
				}
			}
			col = next
		}
		for col != 0 {
			b := m.before[col]
			m.match[col] = m.match[b]
			col = b
		}
	}
}
