package camera

import (
	"sync"
	"time"

	"sentrybox/analytics/wire"
)

// Memory is what the rings of all cameras may hold together. When it is used up, the
// camera that goes back furthest gives up its oldest pictures, so that all go back
// equally far, however much each sends.
type Memory struct {
	mu    sync.Mutex
	most  int            // guarded by mu, as is all that follows: bytes
	used  int            // bytes
	rings map[*ring]bool // that hold some of it

	blocks  blocks
	buffers wire.Buffers // for what is handed to vision processes
}

// NewMemory returns one of so many bytes.
func NewMemory(bytes int) *Memory { return &Memory{most: bytes, rings: map[*ring]bool{}} }

// Limit changes how many bytes there are.
func (m *Memory) Limit(bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = bytes
}

// join makes an empty ring share the memory until it leaves.
func (m *Memory) join(r *ring) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rings[r], r.memory, r.data.from = true, m, &m.blocks
}

// leave empties a ring, to which nothing may be added any more.
func (m *Memory) leave(r *ring) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rings[r] {
		delete(m.rings, r)
		m.used -= r.empty()
	}
}

// grow takes in that a ring has become so many bytes larger, and makes room.
func (m *Memory) grow(bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used += bytes
	for m.used > m.most {
		var victim *ring
		longest := time.Duration(-1)
		for r := range m.rings {
			if span := r.spare(); span > longest {
				victim, longest = r, span
			}
		}
		if victim == nil {
			return // what is left is the newest group of each, and what is owed
		}
		m.used -= victim.shed()
	}
}

// owedFor is how long after a group of pictures what the vision process has not been handed of it is kept, in media time: it
// gets it with the keyframe that follows, unless it is too slow.
const owedFor = 2 * time.Second

// hand notes which access unit the vision process is handed next, 0 for none.
func (r *ring) hand(seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owed = seq
}

// spare returns how far back the ring goes, in media time, below 0 if it holds one
// group of pictures or none, or the oldest is still owed.
func (r *ring) spare() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	second := r.second()
	if second >= len(r.units) {
		return -1
	}
	span := max(r.units[len(r.units)-1].PTS-r.units[second].PTS, 0)
	if r.owed != 0 && r.owed < r.first+uint64(second) && span < owedFor {
		return -1
	}
	return span
}

// shed drops the oldest group and returns how many bytes it was.
func (r *ring) shed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.bytes
	r.dropGroup()
	return before - r.bytes
}

// empty drops all and returns how many bytes it was.
func (r *ring) empty() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.bytes
	for len(r.units) > 0 {
		r.dropGroup()
	}
	r.data.give()
	return before
}

// span returns how far back the ring goes, in media time.
func (r *ring) span() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.units) == 0 {
		return 0
	}
	return max(r.units[len(r.units)-1].PTS-r.units[0].PTS, 0)
}
