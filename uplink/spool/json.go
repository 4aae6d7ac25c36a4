package spool

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// wireBatch is a batch as it goes out. Times are seconds after From.
type wireBatch struct {
	From       string       `json:"from"`
	Resolution float64      `json:"resolution"` // seconds; 0 for points as they came
	Series     []wireSeries `json:"series"`
}

type wireSeries struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	T      []float64         `json:"t"`
	V      []float64         `json:"v"` // values, or means
	Min    []float64         `json:"min,omitempty"`
	Max    []float64         `json:"max,omitempty"`
	N      []int64           `json:"n,omitempty"`
}

// JSON returns the batch as it is published on the topic metrics:
//
//	{"from":"2026-03-01T12:00:00.000Z","resolution":0,"series":[
//	  {"name":"temperature","labels":{"device":"th-1"},"t":[0,60],"v":[21.5,21.4]}]}
//
// t is in seconds after from. Where resolution, in seconds, is not 0, v is the
// mean of the window that begins at t, and min, max and n (how many readings)
// stand beside it.
func (b Batch) JSON() ([]byte, error) {
	from, _ := span(b.Series)
	w := wireBatch{From: from.UTC().Format("2006-01-02T15:04:05.000Z"), Resolution: b.Resolution.Seconds()}
	for _, s := range b.Series {
		ws := wireSeries{Name: s.Name, Labels: s.Labels}
		for _, p := range s.Samples {
			ws.T = append(ws.T, p.Time.Sub(from).Round(time.Millisecond).Seconds())
			ws.V = append(ws.V, brief(p.Mean))
			if b.Resolution > 0 {
				ws.Min, ws.Max, ws.N = append(ws.Min, brief(p.Min)), append(ws.Max, brief(p.Max)), append(ws.N, p.Count)
			}
		}
		w.Series = append(w.Series, ws)
	}
	out, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encode a batch of metrics: %w", err)
	}
	return out, nil
}

// brief rounds to nine digits: a metered line need not carry the noise of the
// seventeenth.
func brief(v float64) float64 {
	if v == 0 || v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return v
	}
	scale := math.Pow(10, 8-math.Floor(math.Log10(math.Abs(v))))
	if r := math.Round(v*scale) / scale; !math.IsNaN(r) && !math.IsInf(r, 0) {
		return r
	}
	return v
}
