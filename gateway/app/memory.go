package app

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"sentrybox/gateway/resident"
)

// Garbage is collected when the heap comes near to a size that suits a small box, and no sooner: collecting
// often is a part of what an idle camera costs. The last seconds of the cameras lie outside the heap. A limit on
// memory would do the same, but a collector does nothing else once there is more than that.
const (
	heapGoal = 16 << 20
	gcLeast  = 40 // percent, as of GOGC, if there is more
	gcMost   = 400
)

// What a start and a rush have used is given back this often. The heap's costs a collection, the pages of the
// program's own file some hundred page faults.
const (
	settleFirst = 10 * time.Second
	settleHeap  = 5 * time.Minute
	settlePages = time.Minute
)

// collector tunes Go's garbage collector, unless GOGC or GOMEMLIMIT does.
type collector struct {
	percent int
	heap    time.Time // when it is given back next, as pages
	pages   time.Time
	own     *resident.Pages
}

// giveBack lets go of memory that was used some time ago, if it is time: the heap's, and the pages of the
// program's own file, of which much else needs many that watching does not.
func (c *collector) giveBack(now time.Time) (err error) {
	if c.heap.IsZero() {
		c.heap = now.Add(settleFirst)
		c.pages = c.heap
		c.own, err = resident.Own()
		return err
	}
	if !now.Before(c.heap) {
		c.heap = now.Add(settleHeap)
		debug.FreeOSMemory()
	}
	if now.Before(c.pages) || c.own == nil {
		return nil
	}
	c.pages = now.Add(settlePages)
	return c.own.Release()
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
	percent := gcPercent(heapGoal, bytes)
	if d := percent - c.percent; d > 5 || d < -5 || percent != c.percent && percent == gcLeast {
		debug.SetGCPercent(percent)
		c.percent = percent
	}
}

// gcPercent returns by how much of what is live a heap may grow to be so many bytes.
func gcPercent(goal, live int64) int {
	return int(min(max((goal-live)*100/max(live, 1), gcLeast), gcMost))
}
