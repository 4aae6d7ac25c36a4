package app

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

// Garbage is collected when the gateway comes near to a size that suits a small box, and no
// sooner: most of it is the data of pictures, which no collector has to look into, and
// collecting often is a part of what an idle camera costs. A limit on memory would do the same,
// but a collector does nothing else once there is more than that.
const (
	// besideRings is how far the heap may grow beside the last seconds of the cameras.
	besideRings = 14 << 20
	gcLeast     = 20 // percent, as of GOGC, if there is more
	gcMost      = 400
)

// collector tunes Go's garbage collector, unless GOGC or GOMEMLIMIT does.
type collector struct {
	rings   int64 // bytes that the rings of the cameras may take
	percent int
}

func (c *collector) tune() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	bytes := int64(min(live[0].Value.Uint64(), 1<<50))
	percent := gcPercent(c.rings+besideRings, bytes)
	if d := percent - c.percent; d > 5 || d < -5 || percent != c.percent && percent == gcLeast {
		debug.SetGCPercent(percent)
		c.percent = percent
	}
}

// gcPercent returns by how much of what is live a heap may grow to be so many bytes.
func gcPercent(goal, live int64) int {
	return int(min(max((goal-live)*100/max(live, 1), gcLeast), gcMost))
}
