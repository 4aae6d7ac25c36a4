//go:build cgo

package main

import (
	"math/bits"

	"sentrybox/analytics/wire"
)

// alone says whether a keyframe's picture needs no other: all its slices are of a random access picture or, in H.264, I
// slices. At any other keyframe begins a refresh that is spread over the pictures that follow (H.264 D.2.8, H.265 D.3.8), and it
// shows nothing by itself.
func alone(au *wire.AccessUnit) bool {
	if !au.Keyframe || au.Codec == wire.CodecMJPEG {
		return au.Keyframe
	}
	found := false
	for b := au.Data; ; {
		nal, rest := nextUnit(b)
		if nal == nil {
			return found
		}
		b = rest
		switch kindOfSlice(au.Codec, nal) {
		case accessSlice: // then all are (H.264 7.4.1.2.4, H.265 7.4.2.2)
			return true
		case otherSlice:
			return false
		case intraSlice:
			found = true
		}
	}
}

type sliceKind int

const (
	noSlice sliceKind = iota
	accessSlice
	intraSlice
	otherSlice
)

// kindOfSlice classifies a NAL unit: H.264 tables 7-1 and 7-6, H.265 table 7-1.
func kindOfSlice(codec uint8, nal []byte) sliceKind {
	if codec == wire.CodecH265 {
		switch typ := nal[0] >> 1 & 63; {
		case typ >= 32:
			return noSlice
		case typ >= 16 && typ <= 23:
			return accessSlice
		}
		return otherSlice
	}
	switch nal[0] & 31 {
	case 5:
		return accessSlice
	case 1, 2: // see its header
	default:
		return noSlice
	}
	_, rest := golomb(nal[1:], 0) // first_mb_in_slice
	typ, _ := golomb(nal[1:], rest)
	if typ%5 == 2 || typ%5 == 4 { // I, SI
		return intraSlice
	}
	return otherSlice
}

// golomb returns the number that begins at a bit, 0 if it does not end or is too large for a slice header's beginning, and where the
// next one does (H.264 9.1).
func golomb(b []byte, at int) (v, next int) {
	word := uint64(0)
	for i := range 8 {
		if k := at/8 + i; k < len(b) {
			word |= uint64(b[k]) << (56 - 8*i)
		}
	}
	word <<= at % 8
	zeros := bits.LeadingZeros64(word)
	if zeros > 24 {
		return 0, at
	}
	return int(word>>(63-2*zeros)) - 1, at + 2*zeros + 1
}
