package annexb

import (
	"bytes"
	"slices"

	"sentrybox/drivers/media"
)

const (
	maxSets    = 16       // parameter sets of one kind that are kept
	maxSetSize = 4 << 10  // bytes of a parameter set
	maxHeld    = 16       // NAL units kept for the picture they precede
	maxHeldLen = 64 << 10 // bytes of these
)

// MaxSets bounds what parameter sets add to a keyframe, in bytes: of three kinds.
const MaxSets = 3 * maxSets * (4 + maxSetSize)

// Verdict is what became of a group of NAL units.
type Verdict uint8

// The verdicts.
const (
	Held     Verdict = iota // no picture in it: kept for the next one
	Headless                // the picture's first slice is missing
	Complete                // an access unit
)

// Assembler makes Annex B access units of H.264 and H.265 NAL units, and knows
// the stream's current parameter sets. Only Codec must be set, H264 or H265.
type Assembler struct {
	Codec media.Codec
	// Room returns an empty slice with the capacity that an access unit needs; of memory of its own when nil.
	Room  func(size int) []byte
	sets  []parameterSet // by kind, then identifier
	prior [][]byte       // NAL units that precede the next picture
	seq   Sequence       // by the SPS that came last
}

type parameterSet struct {
	kind nalKind
	id   uint32
	nal  []byte
}

// Learn takes the parameter sets among nals as the current ones. The caller
// keeps its memory.
func (a *Assembler) Learn(nals [][]byte) {
	for _, nal := range nals {
		if k := kindOf(a.Codec, nal); k.isParameterSet() {
			a.learnSet(k, nal)
		}
	}
}

func (a *Assembler) learnSet(k nalKind, nal []byte) {
	if len(nal) > maxSetSize || slices.ContainsFunc(a.sets, func(s parameterSet) bool { return bytes.Equal(s.nal, nal) }) {
		return
	}
	set := parameterSet{kind: k, nal: bytes.Clone(nal)}
	if k == nalSPS {
		set.id, a.seq = parseSPS(a.Codec, nal)
	} else {
		set.id = setID(a.Codec, k, nal)
	}
	at, found := slices.BinarySearchFunc(a.sets, set, func(x, y parameterSet) int {
		if x.kind != y.kind {
			return int(x.kind) - int(y.kind)
		}
		return int(int64(x.id) - int64(y.id))
	})
	if found {
		a.sets[at] = set
		return
	}
	n := 0
	for _, s := range a.sets {
		if s.kind == k {
			n++
		}
	}
	if n < maxSets {
		a.sets = slices.Insert(a.sets, at, set)
	}
}

// Sequence returns what the parameter sets say of the stream, as far as they do.
func (a *Assembler) Sequence() Sequence { return a.seq }

// has says whether a parameter set of kind k is known.
func (a *Assembler) has(k nalKind) bool {
	return slices.ContainsFunc(a.sets, func(s parameterSet) bool { return s.kind == k })
}

// Decodable says whether a decoder given the known parameter sets could start.
func (a *Assembler) Decodable() bool {
	return a.has(nalSPS) && a.has(nalPPS) && (a.Codec != media.H265 || a.has(nalVPS))
}

// Add takes the NAL units that one timestamp or marker bounded. When they hold a
// picture it returns it with what preceded it, in memory of Room's, and
// whether decoding can start with it; then the current parameter sets come
// first, whether or not the camera sent them with it.
func (a *Assembler) Add(nals [][]byte) (data []byte, key bool, v Verdict) {
	a.Learn(nals)
	first := slices.IndexFunc(nals, func(n []byte) bool { return kindOf(a.Codec, n).isSlice() })
	if first < 0 {
		a.hold(nals)
		return nil, false, Held
	}
	all := nals
	if len(a.prior) > 0 {
		all = slices.Concat(a.prior, nals)
		a.prior = nil
	}
	if !beginsPicture(a.Codec, nals[first]) {
		return nil, false, Headless
	}
	key = a.isKey(all) && a.Decodable()
	return a.join(all, key), key, Complete
}

func (a *Assembler) hold(nals [][]byte) {
	size := 0
	for _, n := range a.prior {
		size += len(n)
	}
	for _, n := range nals {
		size += len(n)
		if kindOf(a.Codec, n) != nalSkip && len(a.prior) < maxHeld && size <= maxHeldLen {
			a.prior = append(a.prior, bytes.Clone(n))
		}
	}
}

// isKey says whether decoding can start at these NAL units: an instantaneous
// refresh, any other random access picture (H.265 CRA and BLA), a recovery
// point, or, for H.264 encoders that announce nothing, a picture all of I slices
// that comes with its sequence parameter set.
func (a *Assembler) isKey(nals [][]byte) bool {
	sps, intra := false, true
	for _, n := range nals {
		switch k := kindOf(a.Codec, n); {
		case k == nalIRAP, k == nalOther && isRecoveryPoint(a.Codec, n):
			return true
		case k == nalSPS:
			sps = true
		case k == nalSlice:
			intra = intra && a.Codec == media.H264 && isIntra(n)
		}
	}
	return sps && intra
}

// join writes an Annex B byte stream (H.264 and H.265 annex B) in one
// allocation. A keyframe's parameter sets are moved to its front.
func (a *Assembler) join(nals [][]byte, key bool) []byte {
	use := func(n []byte) bool {
		k := kindOf(a.Codec, n)
		return k != nalSkip && (!key || !k.isParameterSet())
	}
	size := 0
	if key {
		for _, s := range a.sets {
			size += 4 + len(s.nal)
		}
	}
	for _, n := range nals {
		if use(n) {
			size += 4 + len(n)
		}
	}
	var data []byte
	if a.Room != nil {
		data = a.Room(size)
	} else {
		data = make([]byte, 0, size)
	}
	if key {
		for _, s := range a.sets {
			data = append(append(data, 0, 0, 0, 1), s.nal...)
		}
	}
	for _, n := range nals {
		if use(n) {
			data = append(append(data, 0, 0, 0, 1), n...)
		}
	}
	return data
}
