//go:build cgo

package main

import (
	"bytes"
	"time"

	"sentrybox/analytics/wire"
)

// spare tells access units that need not be decoded: nothing is predicted from them, and
// their pictures are not due.
type spare struct {
	step   time.Duration // between pictures, on average; 0 while unknown
	from   time.Duration // the last keyframe's media time
	units  int           // since
	layers uint8         // the highest temporal layer of H.265 seen
}

// count takes in an access unit.
func (p *spare) count(au *wire.AccessUnit) {
	if au.Keyframe {
		p.step = 0
		if span := au.PTS - p.from; p.units > 0 && span > 0 && span < time.Minute {
			p.step = span / time.Duration(p.units)
		}
		p.from, p.units = au.PTS, 0
	}
	p.units++
}

// spares says whether an access unit need not be decoded.
func (z *lazy) spares(au *wire.AccessUnit) bool {
	if !z.may() || z.doze.n > 0 {
		return false
	}
	lead := z.s.watch.next - slack
	switch {
	case au.Codec == wire.CodecMJPEG:
		return !z.s.watch.due(au.PTS)
	case z.spare.step == 0 || !z.s.watch.started || !z.spare.leaf(au):
		return false
	case au.PTS < lead:
		return au.PTS > lead-period
	}
	// The first picture at or after each multiple of the period is analysed.
	return (au.PTS-lead)%z.s.watch.period > z.spare.step
}

// leaf says whether no other picture is predicted from one: all its slices are of NAL units with a
// nal_ref_idc of 0 (H.264, 7.4.1), or of sub-layer non-reference types (H.265, table 7-1) in the highest layer.
func (p *spare) leaf(au *wire.AccessUnit) bool {
	found := false
	for b := au.Data; ; {
		nal, rest := nextUnit(b)
		if nal == nil {
			return found
		}
		b = rest
		slice, leaf := p.slice(au.Codec, nal)
		if slice && !leaf {
			return false
		}
		found = found || slice
	}
}

// slice says whether a NAL unit is of a picture, and if so, whether of one that no other is predicted from.
func (p *spare) slice(codec uint8, nal []byte) (slice, leaf bool) {
	if codec == wire.CodecH264 {
		typ := nal[0] & 31
		return typ >= 1 && typ <= 5, nal[0]>>5&3 == 0
	}
	if len(nal) < 2 {
		return false, false
	}
	typ, layer := nal[0]>>1&63, nal[1]&7
	if typ >= 32 {
		return false, false
	}
	p.layers = max(p.layers, layer)
	return true, typ < 16 && typ%2 == 0 && layer == p.layers
}

// nextUnit returns the next NAL unit of an Annex B byte stream, nil if there is none, and what follows it. Of a
// slice only the beginning is looked at.
func nextUnit(b []byte) (nal, rest []byte) {
	at := bytes.Index(b, []byte{0, 0, 1})
	if at < 0 || at+3 >= len(b) {
		return nil, nil
	}
	return b[at+3:], b[at+3:]
}
