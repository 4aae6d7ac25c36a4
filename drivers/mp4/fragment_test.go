package mp4

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"
)

func audio() codecs.Codec {
	return &codecs.MPEG4Audio{Config: mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 48000, ChannelCount: 1}}
}

// fragmented writes a film of parts with sound, each of a keyframe, a P- and a
// B-picture at 25 a second, with mediacommon's writer.
func fragmented(t testing.TB, parts int) []byte {
	t.Helper()
	var file seekablebuffer.Buffer
	err := fmp4.Init{Tracks: []*fmp4.InitTrack{
		{ID: 1, TimeScale: 48000, Codec: audio()},
		{ID: 2, TimeScale: 90000, Codec: &codecs.H264{SPS: testSPS(), PPS: testPPS()}},
	}}.Marshal(&file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range parts {
		var samples []*fmp4.Sample
		for j, nal := range [][]byte{{0x65, byte(i)}, {0x41, byte(i), 1}, {0x01, byte(i), 2}} {
			s := &fmp4.Sample{Duration: 3600}
			if err := s.FillH264([]int32{3600, 7200, 0}[j], [][]byte{nal}); err != nil {
				t.Fatal(err)
			}
			samples = append(samples, s)
		}
		var part seekablebuffer.Buffer
		err := fmp4.Part{SequenceNumber: uint32(i), Tracks: []*fmp4.PartTrack{
			{ID: 1, BaseTime: uint64(i) * 1024, Samples: []*fmp4.Sample{{Duration: 1024, Payload: []byte("sound")}}},
			{ID: 2, BaseTime: uint64(i)*10800 + 90000, Samples: samples},
		}}.Marshal(&part)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(part.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

func TestFragmented(t *testing.T) {
	r, list := mustRead(t, fragmented(t, 3))
	var want []time.Duration
	for i := range time.Duration(3) {
		want = append(want, (1000+120*i+40)*ms, (1000+120*i+120)*ms, (1000+120*i+80)*ms)
	}
	if !slices.Equal(times(list), want) || r.Len() != 9 || r.Duration() != 1400*ms {
		t.Fatalf("times %v, Len %d, Duration %v; want %v", times(list), r.Len(), r.Duration(), want)
	}
	if !bytes.Equal(list[3].Data, annex(testSPS(), testPPS(), []byte{0x65, 1})) || !bytes.Equal(list[5].Data, annex([]byte{0x01, 1, 2})) {
		t.Fatalf("% x, % x", list[3].Data, list[5].Data)
	}
	for i, au := range list {
		if au.Keyframe != (i%3 == 0) {
			t.Errorf("picture %d: keyframe %v", i, au.Keyframe)
		}
	}
	r.Rewind()
	if au, err := r.Next(); err != nil || au.PTS != want[0] || !au.Keyframe {
		t.Fatalf("after Rewind %+v, %v", au, err)
	}
}

// TestFragmentedCut cuts a film that was being written: all whole fragments are
// read, and the end does not look like the film's own unless it lies between two.
func TestFragmentedCut(t *testing.T) {
	file := fragmented(t, 3)
	first, start := bytes.Index(file, []byte("moof"))-4, len(fragmented(t, 2))
	for n := start + 8; n < len(file); n++ {
		r, err := Open(bytes.NewReader(file[:n]))
		if err != nil {
			t.Fatal(err)
		}
		list, err := drain(r)
		if len(list) < 6 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %d pictures, %v", n, len(file), len(list), err)
		}
	}
	if _, err := Open(bytes.NewReader(file[:first])); err == nil || !strings.Contains(err.Error(), "no pictures") {
		t.Fatalf("no fragment at all: %v", err)
	}
}

func TestFragmentFaults(t *testing.T) {
	trunAt := func(b []byte) int { return bytes.LastIndex(b, []byte("trun")) }
	for _, c := range []struct {
		name   string
		change func(b []byte)
		want   string
	}{
		{"count", func(b []byte) { copy(b[trunAt(b)+8:], u32(0xffffffff)) }, "it claims 4294967295 samples"},
		{"count without any field", func(b []byte) { copy(b[trunAt(b)+4:], u32(1<<24|1, 0xfffffff0)) }, "it claims 4294967280 samples of 0 bytes"},
		{"data before the file", func(b []byte) { copy(b[trunAt(b)+12:], u32(0x80000000)) }, "bytes before the file"},
		{"time", func(b []byte) { copy(b[bytes.LastIndex(b, []byte("tfdt"))+8:], u64(1<<63)) }, "a decode time of 9223372036854775808 ticks"},
		{"order", func(b []byte) { copy(b[bytes.LastIndex(b, []byte("tfhd")):], "free") }, "its trun box comes before its tfhd box"},
		{"traf size", func(b []byte) { copy(b[bytes.LastIndex(b, []byte("traf"))-4:], u32(0x7fffffff)) }, "beyond the end of what contains it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := fragmented(t, 2)
			c.change(file)
			r, err := Open(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			list, err := drain(r)
			if len(list) != 3 || err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%d pictures, then %v; want %q in it", len(list), err, c.want)
			}
		})
	}
}

// TestProgressiveWriter reads what mediacommon's writer makes of H.265 with sound in front.
func TestProgressiveWriter(t *testing.T) {
	vps, sps, pps := h265Params()
	sample := func(duration uint32, offset int32, nals ...[]byte) *pmp4.Sample {
		data := avcc(nals...)
		return &pmp4.Sample{
			Duration: duration, PTSOffset: offset, IsNonSyncSample: nals[0][0]>>1 < 16,
			PayloadSize: uint32(len(data)), GetPayload: func() ([]byte, error) { return data, nil },
		}
	}
	var file seekablebuffer.Buffer
	err := pmp4.Presentation{Tracks: []*pmp4.Track{
		{ID: 1, TimeScale: 48000, Codec: audio(), Samples: []*pmp4.Sample{sample(1024, 0, []byte("sound"))}},
		{ID: 2, TimeScale: 90000, TimeOffset: -3600, Codec: &codecs.H265{VPS: vps, SPS: sps, PPS: pps}, Samples: []*pmp4.Sample{
			sample(3600, 3600, []byte{19 << 1, 1, 7}), sample(3600, 7200, []byte{1 << 1, 1, 8}), sample(3600, 0, []byte{0, 1, 9}),
			sample(3600, 3600, []byte{21 << 1, 1, 7}),
		}},
	}}.Marshal(&file)
	if err != nil {
		t.Fatal(err)
	}
	r, list := mustRead(t, file.Bytes())
	if got := times(list); !slices.Equal(got, []time.Duration{0, 80 * ms, 40 * ms, 120 * ms}) || r.Duration() != 160*ms {
		t.Fatal(got, r.Duration())
	}
	if !bytes.Equal(list[3].Data, annex(vps, sps, pps, []byte{21 << 1, 1, 7})) || !list[3].Keyframe || list[1].Keyframe {
		t.Fatalf("% x, keyframe %v", list[3].Data, list[3].Keyframe)
	}
}
