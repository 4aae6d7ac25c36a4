package annexb

import (
	"bytes"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"sentrybox/drivers/media"
)

func TestAssemble(t *testing.T) {
	type group struct {
		nals [][]byte
		want []byte // nil: no access unit
		key  bool
		v    Verdict
	}
	for _, c := range []struct {
		name   string
		codec  media.Codec
		sets   [][]byte // from the description
		groups []group
	}{
		{"in-band sets stay in front", media.H264, nil, []group{
			{[][]byte{sps264a, pps264, idr264}, annexB(sps264a, pps264, idr264), true, Complete},
			{[][]byte{p264}, annexB(p264), false, Complete},
		}},
		{"sets of the description", media.H264, [][]byte{sps264a, pps264}, []group{
			{[][]byte{idr264}, annexB(sps264a, pps264, idr264), true, Complete},
		}},
		{"a set that is missing comes from the description", media.H264, [][]byte{sps264a, pps264}, []group{
			{[][]byte{sps264a, idr264}, annexB(sps264a, pps264, idr264), true, Complete},
		}},
		{"order is mended, delimiters go", media.H264, nil, []group{
			{[][]byte{aud264, pps264, sps264a, idr264, more264}, annexB(sps264a, pps264, idr264, more264), true, Complete},
		}},
		{"no sets, no keyframe", media.H264, nil, []group{
			{[][]byte{idr264}, annexB(idr264), false, Complete},
		}},
		{"sets change in mid-stream", media.H264, [][]byte{sps264a, pps264}, []group{
			{[][]byte{idr264}, annexB(sps264a, pps264, idr264), true, Complete},
			{[][]byte{sps264b, pps264, idr264}, annexB(sps264b, pps264, idr264), true, Complete},
			{[][]byte{idr264}, annexB(sps264b, pps264, idr264), true, Complete},
		}},
		{"sets come in a group of their own", media.H264, nil, []group{
			{[][]byte{sps264a, pps264}, nil, false, Held},
			{[][]byte{p264}, annexB(sps264a, pps264, p264), false, Complete},
			{[][]byte{idr264}, annexB(sps264a, pps264, idr264), true, Complete},
		}},
		{"recovery point", media.H264, [][]byte{sps264a, pps264}, []group{
			{[][]byte{recovery264, p264}, annexB(sps264a, pps264, recovery264, p264), true, Complete},
			{[][]byte{userdata264, p264}, annexB(userdata264, p264), false, Complete},
			{[][]byte{recovery264}, nil, false, Held},
			{[][]byte{i264}, annexB(sps264a, pps264, recovery264, i264), true, Complete},
		}},
		{"I slices with their SPS", media.H264, nil, []group{
			{[][]byte{sps264a, pps264, i264}, annexB(sps264a, pps264, i264), true, Complete},
			{[][]byte{i264}, annexB(i264), false, Complete},
			{[][]byte{sps264a, pps264, p264}, annexB(sps264a, pps264, p264), false, Complete},
		}},
		{"first slice missing", media.H264, [][]byte{sps264a, pps264}, []group{
			{[][]byte{more264}, nil, false, Headless},
			{[][]byte{sps264b, more264}, nil, false, Headless},
			{[][]byte{idr264}, annexB(sps264b, pps264, idr264), true, Complete},
		}},
		{"H.265", media.H265, [][]byte{vps265, sps265a, pps265}, []group{
			{[][]byte{idr265}, annexB(vps265, sps265a, pps265, idr265), true, Complete},
			{[][]byte{p265}, annexB(p265), false, Complete},
			{[][]byte{cra265}, annexB(vps265, sps265a, pps265, cra265), true, Complete},
			{[][]byte{sps265b, pps265, bla265}, annexB(vps265, sps265b, pps265, bla265), true, Complete},
			{[][]byte{recovery265, p265}, annexB(vps265, sps265b, pps265, recovery265, p265), true, Complete},
		}},
		{"H.265 without VPS", media.H265, nil, []group{
			{[][]byte{sps265a, pps265, idr265}, annexB(sps265a, pps265, idr265), false, Complete},
		}},
		{"junk", media.H264, [][]byte{sps264a, pps264}, []group{
			{[][]byte{{}, {0x65}, {0xff, 0xff}, {0x78, 1, 2}}, nil, false, Held},
			{[][]byte{nil, idr264}, annexB(sps264a, pps264, idr264), true, Complete},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Assembler{Codec: c.codec}
			a.Learn(c.sets)
			for i, g := range c.groups {
				data, key, v := a.Add(g.nals)
				if !bytes.Equal(data, g.want) {
					t.Errorf("group %d:\n got %.60x\nwant %.60x", i, data, g.want)
				}
				check(t, "key", key, g.key)
				check(t, "verdict", v, g.v)
				check(t, "spare capacity", cap(data), len(data))
			}
		})
	}
}

func TestSequenceOfSPS(t *testing.T) {
	for _, c := range []struct {
		codec media.Codec
		sps   []byte
		want  Sequence
	}{
		{media.H264, sps264a, Sequence{640, 360, 25}},
		{media.H264, sps264b, Sequence{320, 180, 25}},
		{media.H265, sps265a, Sequence{640, 360, 25}},
		{media.H265, sps265b, Sequence{320, 180, 25}},
		{media.H264, sps264a[:6], Sequence{}},
		{media.H265, sps265a[:20], Sequence{}},
	} {
		_, got := parseSPS(c.codec, c.sps)
		check(t, "sequence", got, c.want)
	}
}

func TestParameterSetsAreBounded(t *testing.T) {
	a := Assembler{Codec: media.H264}
	for i := range 4000 {
		a.Learn([][]byte{{0x68, byte(i >> 8), byte(i), 0x80}, {0x67, 0x64, 0, 30, byte(i >> 4), byte(i), 0x80}})
	}
	a.Learn([][]byte{append([]byte{0x68}, make([]byte, maxSetSize)...)})
	if len(a.sets) > 2*maxSets {
		t.Errorf("%d parameter sets are kept, at most %d", len(a.sets), 2*maxSets)
	}
	for range 1000 {
		a.Add([][]byte{append([]byte{6, 5}, make([]byte, 3000)...)})
	}
	size := 0
	for _, n := range a.prior {
		size += len(n)
	}
	if len(a.prior) > maxHeld || size > maxHeldLen {
		t.Errorf("%d NAL units of %d bytes are held", len(a.prior), size)
	}
}

func FuzzAssemble(f *testing.F) {
	for _, nals := range [][][]byte{
		{sps264a, pps264, idr264}, {recovery264, p264}, {more264}, {userdata264}, {sps264b[:7], i264},
		{vps265, sps265a, pps265, idr265}, {recovery265, cra265}, {p265}, {vps265[:3], pps265[:3]},
	} {
		var in []byte
		for _, n := range nals {
			in = append(append(in, byte(len(n)>>8), byte(len(n))), n...)
		}
		f.Add(false, in)
		f.Add(true, in)
	}
	f.Fuzz(func(t *testing.T, hevc bool, in []byte) {
		codec, first := media.H264, nalSPS
		if hevc {
			codec, first = media.H265, nalVPS
		}
		a := Assembler{Codec: codec}
		// Two groups, so that the second meets what the first left.
		for range 2 {
			var nals [][]byte
			for rest := in; len(rest) >= 2; {
				n := min(int(rest[0])<<8|int(rest[1]), len(rest)-2)
				nals = append(nals, rest[2:2+n])
				rest = rest[2+n:]
			}
			before := bytes.Clone(in)
			data, key, v := a.Add(nals)
			if !bytes.Equal(before, in) {
				t.Fatal("input was written to")
			}
			if (v == Complete) != (len(data) > 0) || cap(data) != len(data) || (key && v != Complete) {
				t.Fatalf("verdict %d, key %v, %d bytes in %d", v, key, len(data), cap(data))
			}
			if v != Complete {
				continue
			}
			for i := range in {
				in[i] ^= 0xff
			}
			after := bytes.Clone(data)
			copy(in, before)
			if !bytes.Equal(after, data) {
				t.Fatal("output shares memory with input")
			}
			if key && kindOf(codec, data[4:]) != first {
				t.Fatalf("keyframe begins with %x", data[4:6])
			}
			if key && !a.Decodable() {
				t.Fatal("keyframe without its parameter sets")
			}
			// Without inner start codes the stream must split again.
			var split h264.AnnexB
			if !bytes.Contains(in, []byte{0, 0}) && split.Unmarshal(data) != nil {
				t.Logf("not split: %x", data)
			}
		}
	})
}
