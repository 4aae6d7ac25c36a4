package health

import (
	"strconv"
	"sync"
	"time"
)

// Histogram counts durations in buckets.
type Histogram struct {
	mu     sync.Mutex
	counts []uint64 // guarded by mu: not cumulative, a last one for what is longer
	sum    float64  // guarded by mu: seconds
}

// bounds are the upper ends of the buckets, in seconds: from a line that is well
// to one that was gone for a day.
func bounds() []float64 {
	return []float64{0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15, 30, 60, 300, 1800, 7200, 86400}
}

// Observe counts one. A clock that was set back makes it 0.
func (h *Histogram) Observe(d time.Duration) {
	s := max(d.Seconds(), 0)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.counts == nil {
		h.counts = make([]uint64, len(bounds())+1)
	}
	i := 0
	for i < len(bounds()) && s > bounds()[i] {
		i++
	}
	h.counts[i]++
	h.sum += s
}

// Snapshot returns the cumulative counts by upper end, all of them, and their sum
// in seconds.
func (h *Histogram) Snapshot() (buckets map[float64]uint64, count uint64, sum float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	buckets = map[float64]uint64{}
	for i, b := range bounds() {
		if h.counts != nil {
			count += h.counts[i]
		}
		buckets[b] = count
	}
	if h.counts != nil {
		count += h.counts[len(bounds())]
	}
	return buckets, count, h.sum
}

// Quantile returns the upper end of the bucket that the part q of the durations lies
// below, 0 without any.
func (h *Histogram) Quantile(q float64) time.Duration {
	buckets, count, _ := h.Snapshot()
	if count == 0 {
		return 0
	}
	for _, b := range bounds() {
		if float64(buckets[b]) >= q*float64(count) {
			return time.Duration(b * float64(time.Second))
		}
	}
	return time.Duration(bounds()[len(bounds())-1] * float64(time.Second))
}

func le(b float64) string { return strconv.FormatFloat(b, 'g', -1, 64) }
