package mp4

import (
	"bytes"
	"testing"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4/mp4test"
)

// h265Params returns the parameter sets of the H.265 clip.
func h265Params() (vps, sps, pps []byte) {
	r, err := Open(bytes.NewReader(mp4test.H265()))
	if err != nil {
		panic(err)
	}
	return r.params.list[0].nal, r.params.list[1].nal, r.params.list[2].nal
}

func TestAnnexB(t *testing.T) {
	sps1 := bytes.Clone(testSPS())
	sps1[7] = 0x12
	pps1 := []byte{0x68, 0x48, 0x8c, 0xb2} // identifier 1
	sei, idr, p, aud, filler := []byte{0x06, 5}, []byte{0x65, 1}, []byte{0x41, 2}, []byte{0x09, 0x10}, []byte{0x0c, 0xff}
	for _, c := range []struct {
		name     string
		before   [][]byte
		sample   []byte
		length   int
		want     []byte
		keyframe bool
		fault    bool
	}{
		{"keyframe", [][]byte{testSPS(), testPPS()}, avcc(sei, idr), 4, annex(testSPS(), testPPS(), sei, idr), true, false},
		{"its own parameter sets", [][]byte{testSPS(), testPPS()}, avcc(aud, sps1, testPPS(), sei, idr), 4, annex(sps1, testPPS(), sei, idr), true, false},
		{"one more parameter set", [][]byte{testSPS(), testPPS()}, avcc(pps1, idr), 4, annex(testSPS(), testPPS(), pps1, idr), true, false},
		{"type before identifier", [][]byte{testPPS(), testSPS()}, avcc(idr), 4, annex(testSPS(), testPPS(), idr), true, false},
		{"no keyframe", [][]byte{testSPS(), testPPS()}, avcc(aud, p), 4, annex(p), false, false},
		{"parameter sets without keyframe", nil, avcc(testSPS(), testPPS(), p), 4, annex(testSPS(), testPPS(), p), false, false},
		{"keyframe without parameter sets", nil, avcc(idr), 4, annex(idr), false, false},
		{"keyframe without PPS", [][]byte{testSPS()}, avcc(idr), 4, annex(idr), false, false},
		{"lengths of 2", nil, []byte{0, 2, 0x41, 2, 0, 0, 0, 1, 0x41}, 2, annex(p, []byte{0x41}), false, false},
		{"lengths of 1", nil, []byte{2, 0x41, 2}, 1, annex(p), false, false},
		{"zeros at the end", nil, append(avcc(p), 0, 0, 0), 4, annex(p), false, false},
		{"filler", nil, avcc(p, filler), 4, annex(p, filler), false, false},
		{"too long", nil, avcc(p)[:5], 4, nil, false, true},
		{"something at the end", nil, append(avcc(p), 1), 4, nil, false, true},
		{"nothing", nil, nil, 4, nil, false, true},
		{"only zeros", nil, make([]byte, 100), 4, nil, false, true},
		{"no slice", nil, avcc(sei), 4, nil, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := paramSets{codec: media.H264}
			for _, b := range c.before {
				set.add(b)
			}
			got, key, _, err := annexB(c.sample, c.length, true, &set)
			if (err != nil) != c.fault || !bytes.Equal(got, c.want) || key != c.keyframe {
				t.Fatalf("% x, keyframe %v, %v; want % x", got, key, err, c.want)
			}
		})
	}
}

// TestCRA checks that an open group's start counts only if the file lists it.
func TestCRA(t *testing.T) {
	vps, sps, pps := h265Params()
	for _, listed := range []bool{true, false} {
		for typ, want := range map[byte]bool{16: listed, 18: listed, 19: true, 20: true, 21: listed, 1: false, 9: false} {
			set := paramSets{codec: media.H265}
			for _, b := range [][]byte{pps, sps, vps} {
				set.add(b)
			}
			nal := []byte{typ << 1, 1, 5}
			out, key, _, err := annexB(avcc(nal), 4, listed, &set)
			if err != nil || key != want {
				t.Errorf("type %d, listed %v: keyframe %v, %v", typ, listed, key, err)
			}
			if key && !bytes.Equal(out, annex(vps, sps, pps, nal)) {
				t.Errorf("type %d: % x", typ, out)
			}
		}
	}
}

func TestParamSetID(t *testing.T) {
	vps, sps, pps := h265Params()
	// H.265 7.3.2.2 with two sub-layers, of which the first has a profile and a level, and identifier 2.
	layered := []byte{66, 1, 0<<4 | 1<<1 | 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xc0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 93, 0x60}
	for _, c := range []struct {
		name  string
		codec media.Codec
		nal   []byte
		want  uint32
	}{
		{"SPS", media.H264, testSPS(), 0},
		{"PPS", media.H264, testPPS(), 0},
		{"PPS 1", media.H264, []byte{0x68, 0x48}, 1},
		{"PPS 255", media.H264, []byte{0x68, 0x00, 0x80, 0x00}, 255},
		{"PPS cut", media.H264, []byte{0x68, 0x00}, noID},
		{"SPS cut", media.H264, testSPS()[:3], noID},
		{"H.265 VPS", media.H265, vps, 0},
		{"H.265 VPS 3", media.H265, []byte{64, 1, 0x3c}, 3},
		{"H.265 SPS", media.H265, sps, 0},
		{"H.265 SPS 2 with sub-layers", media.H265, layered, 2},
		{"H.265 PPS", media.H265, pps, 0},
		{"H.265 PPS 2", media.H265, []byte{68, 1, 0x60}, 2},
		{"H.265 cut", media.H265, []byte{66}, noID},
	} {
		p := paramSets{codec: c.codec}
		if got := p.idOf(p.typeOf(c.nal), c.nal); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
