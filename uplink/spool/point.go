package spool

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// ErrInvalid means that a point can never be kept as it is.
var ErrInvalid = errors.New("invalid point")

// Point is one reading of one series.
type Point struct {
	Name   string            // such as "temperature"; at most 128 bytes
	Labels map[string]string // such as device: th-1; at most 8
	Value  float64           // finite
	Time   time.Time         // kept in milliseconds
}

// Batch is what goes out in one message.
type Batch struct {
	Seq        int64         // of this process; grows and is never given twice
	Resolution time.Duration // 0 for points as they came, else the width of what was averaged
	Series     []Series
}

// Series is the samples of one name and one set of labels, oldest first.
type Series struct {
	Name    string
	Labels  map[string]string
	Samples []Sample
}

// Sample is a reading, or an average of Count readings in a window that begins
// at Time.
type Sample struct {
	Time           time.Time
	Mean, Min, Max float64
	Count          int64
}

// Samples returns how many samples the batch has.
func (b Batch) Samples() (n int) {
	for _, s := range b.Series {
		n += len(s.Samples)
	}
	return n
}

const (
	maxName   = 128
	maxLabels = 8
	maxLabel  = 256     // bytes of a label's name or value
	maxCount  = 1 << 40 // readings in an average: no sum of them overflows
	// maxTime, in Unix milliseconds, is the year 9999: what RFC 3339 can write.
	maxTime = 253_402_300_799_999
	// clockFloor is before any box was built. A clock below it was never set, and
	// nobody could tell later when the reading was taken.
	clockFloor = 1_735_689_600_000 // 2025-01-01 UTC
)

func (p Point) check() error {
	switch {
	case p.Name == "" || len(p.Name) > maxName || !utf8.ValidString(p.Name):
		return fmt.Errorf("%w: name %.140q", ErrInvalid, p.Name)
	case len(p.Labels) > maxLabels:
		return fmt.Errorf("%w: %d labels", ErrInvalid, len(p.Labels))
	case math.IsNaN(p.Value) || math.IsInf(p.Value, 0):
		return fmt.Errorf("%w: %s is not finite", ErrInvalid, p.Name)
	case p.Time.UnixMilli() < clockFloor || p.Time.UnixMilli() > maxTime:
		return fmt.Errorf("%w: %s is of %v: the clock is not set", ErrInvalid, p.Name, p.Time)
	}
	for k, v := range p.Labels {
		if k == "" || len(k) > maxLabel || len(v) > maxLabel || !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("%w: label %.140q of %s", ErrInvalid, k, p.Name)
		}
	}
	return nil
}

// key names a series. Lengths stand before the parts, so that no two series
// have the same.
func key(name string, labels map[string]string) string {
	var b []byte
	add := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	add(name)
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		add(k)
		add(labels[k])
	}
	return string(b)
}

// merge brings the series of several batches together, each with its samples in
// the order of time, in the order of their keys.
func merge(all []Series) []Series {
	byKey := map[string]*Series{}
	for _, s := range all {
		k := key(s.Name, s.Labels)
		if have := byKey[k]; have != nil {
			have.Samples = append(have.Samples, s.Samples...)
			continue
		}
		byKey[k] = &Series{Name: s.Name, Labels: s.Labels, Samples: slices.Clone(s.Samples)}
	}
	out := make([]Series, 0, len(byKey))
	for _, k := range slices.Sorted(maps.Keys(byKey)) {
		s := byKey[k]
		slices.SortStableFunc(s.Samples, func(a, b Sample) int { return a.Time.Compare(b.Time) })
		out = append(out, *s)
	}
	return out
}

// fold averages each series over windows of the width res, which are aligned to
// the Unix epoch. Minimum, maximum and count are exact, the mean up to rounding.
func fold(all []Series, res time.Duration) []Series {
	out := merge(all)
	for i := range out {
		var folded []Sample
		for _, s := range out[i].Samples {
			at := s.Time.Truncate(res)
			if n := len(folded); n > 0 && folded[n-1].Time.Equal(at) {
				folded[n-1] = together(folded[n-1], s)
				continue
			}
			s.Time = at
			folded = append(folded, s)
		}
		out[i].Samples = folded
	}
	return out
}

// together weighs two samples by their counts. The mean is moved and not
// computed from a sum, which might overflow.
func together(a, b Sample) Sample {
	n := a.Count + b.Count
	part := float64(b.Count) / float64(n)
	return Sample{
		Time: a.Time, Count: n, Min: min(a.Min, b.Min), Max: max(a.Max, b.Max),
		Mean: a.Mean*(1-part) + b.Mean*part,
	}
}

// split cuts series into batches of about maxBatch bytes as JSON each.
func split(all []Series, res time.Duration) []Batch {
	var out []Batch
	room := 0
	for _, s := range all {
		for rest := s.Samples; len(rest) > 0; {
			head, each := costs(s, res)
			if len(out) == 0 || room < head+each {
				out = append(out, Batch{Resolution: res})
				room = maxBatch
			}
			n := min(len(rest), max(1, (room-head)/each))
			last := &out[len(out)-1]
			last.Series = append(last.Series, Series{Name: s.Name, Labels: s.Labels, Samples: rest[:n:n]})
			room -= head + n*each
			rest = rest[n:]
		}
	}
	return out
}

// costs estimates the bytes of a series in JSON, and of each of its samples.
func costs(s Series, res time.Duration) (head, each int) {
	head = len(s.Name) + 64
	for k, v := range s.Labels {
		head += len(k) + len(v) + 6
	}
	if res == 0 {
		return head, 24
	}
	return head, 56
}

// span returns the times of the first and the last sample.
func span(all []Series) (from, to time.Time) {
	for _, s := range all {
		if len(s.Samples) == 0 {
			continue
		}
		first, last := s.Samples[0].Time, s.Samples[len(s.Samples)-1].Time
		if from.IsZero() || first.Before(from) {
			from = first
		}
		if last.After(to) {
			to = last
		}
	}
	return from, to
}

func countSamples(all []Series) (n int) {
	for _, s := range all {
		n += len(s.Samples)
	}
	return n
}

func byAge(a, b *chunk) int { return cmp.Compare(a.first, b.first) }
