package rtsp

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtp"

	"sentrybox/drivers/annexb"
	"sentrybox/drivers/media"
)

// bench is a receiver with a clock of its own.
type bench struct {
	*receiver
	t     *testing.T
	count counters
	clock time.Time
	got   []media.AccessUnit
}

func newBench(t *testing.T, codec media.Codec, sets ...[]byte) *bench {
	b := &bench{t: t, clock: time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC)}
	cfg, err := Config{Now: func() time.Time { return b.clock }}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	b.receiver = newReceiver(codec, 90000, media.Info{Codec: codec}, sets, &timeline{}, &b.count, &cfg, false)
	return b
}

func (b *bench) feed(packets ...*rtp.Packet) {
	b.t.Helper()
	for _, p := range packets {
		units, err := b.take(p)
		if err != nil {
			b.t.Fatal(err)
		}
		b.got = append(b.got, units...)
	}
}

func (b *bench) next() media.AccessUnit {
	b.t.Helper()
	if len(b.got) == 0 {
		b.t.Fatal("no access unit")
	}
	au := b.got[0]
	b.got = b.got[1:]
	return au
}

func (b *bench) none() {
	b.t.Helper()
	if len(b.got) > 0 {
		b.t.Fatalf("%d access units too many, first of %d bytes", len(b.got), len(b.got[0].Data))
	}
}

func TestReceiveBeginsWithKeyframe(t *testing.T) {
	b, k := newBench(t, media.H264), packer{mtu: 100}
	b.feed(k.picture(0, p264)...)
	b.feed(k.picture(3600, p264)...)
	b.none()
	b.feed(k.picture(7200, sps264a, pps264, idr264)...)
	au := b.next()
	check(t, "keyframe", au.Keyframe, true)
	check(t, "gap", au.Gap, false)
	check(t, "pts", au.PTS, 80*time.Millisecond)
	if !bytes.Equal(au.Data, annexB(sps264a, pps264, idr264)) {
		t.Errorf("data %.40x", au.Data)
	}
	check(t, "undecodable", b.count.snapshot().Undecodable, 2)
	check(t, "info", b.snapshot().info, media.Info{Codec: media.H264, Width: 640, Height: 360, FPS: 25})
}

func TestReceiveLoss(t *testing.T) {
	key := func(k *packer) []*rtp.Packet { return k.picture(0, idr264) }
	for _, c := range []struct {
		name  string
		lose  func(next []*rtp.Packet) []*rtp.Packet // of a keyframe in five packets
		units int                                    // that come of it and a P picture after it
		lost  uint64
		dmg   uint64
	}{
		{"nothing", func(p []*rtp.Packet) []*rtp.Packet { return p }, 2, 0, 0},
		{"first fragment", func(p []*rtp.Packet) []*rtp.Packet { return p[1:] }, 1, 1, 1},
		{"middle fragment", func(p []*rtp.Packet) []*rtp.Packet { return append(p[:1:1], p[2:]...) }, 1, 1, 1},
		{"last fragment and marker", func(p []*rtp.Packet) []*rtp.Packet { return p[:len(p)-1] }, 1, 1, 1},
		{"whole picture", func([]*rtp.Packet) []*rtp.Packet { return nil }, 1, 5, 0},
		{"duplicates", func(p []*rtp.Packet) []*rtp.Packet { return append(p[:2:2], append(p[:2:2], p[2:]...)...) }, 2, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, k := newBench(t, media.H264, sps264a, pps264), packer{seq: 65533, mtu: 100} // wraps, too
			b.feed(key(&k)...)
			check(t, "first gap", b.next().Gap, false)
			packets := k.picture(3600, idr264)
			check(t, "packets", len(packets), 5)
			b.feed(c.lose(packets)...)
			b.feed(k.picture(7200, p264)...)
			b.feed(k.picture(10800, p264)...)
			check(t, "units", len(b.got), c.units+1)
			gap := b.next()
			check(t, "gap", gap.Gap, c.lost > 0)
			if c.units == 2 {
				if !bytes.Equal(gap.Data, annexB(sps264a, pps264, idr264)) {
					t.Error("keyframe is not what was sent")
				}
				b.next()
			}
			check(t, "second gap", b.next().Gap, false)
			s := b.count.snapshot()
			check(t, "lost", s.PacketsLost, c.lost)
			check(t, "damaged", s.Damaged, c.dmg)
		})
	}
}

func TestReceiveTimestampsEndPictures(t *testing.T) {
	b, k := newBench(t, media.H265, vps265, sps265a, pps265), packer{mtu: 100}
	for i := range uint32(3) {
		packets := k.pack(media.H265, i*3600, idr265)
		packets[len(packets)-1].Marker = false
		b.feed(packets...)
	}
	check(t, "units", len(b.got), 2) // the third is still open
	b.next()
	au := b.next()
	check(t, "pts", au.PTS, 40*time.Millisecond)
	if !bytes.Equal(au.Data, annexB(vps265, sps265a, pps265, idr265)) {
		t.Error("keyframe is not what was sent")
	}
}

// Some cameras set the marker on every slice.
func TestReceiveMarkerOnEverySlice(t *testing.T) {
	b, k := newBench(t, media.H264, sps264a, pps264), packer{}
	for i := range uint32(4) {
		b.feed(k.picture(i*3600, idr264)...)
		b.feed(k.picture(i*3600, more264)...)
	}
	b.next() // the first is passed before the camera's habit is known
	for range 2 {
		if au := b.next(); !bytes.Equal(au.Data, annexB(sps264a, pps264, idr264, more264)) {
			t.Error("picture is not whole")
		}
	}
	b.none()
}

func TestReceiveBounds(t *testing.T) {
	b := newBench(t, media.H264, sps264a, pps264)
	b.limit = 10_000
	k := packer{mtu: 1000}
	b.feed(k.picture(0, idr264)...)
	b.next()
	b.feed(k.picture(3600, append(bytes.Clone(idr264), make([]byte, 20_000)...))...)
	b.none()
	// Packets without payload, and fragments without content, are free to send.
	for range maxPackets + 100 {
		k.seq++
		b.feed(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: k.seq, Timestamp: 7200}, Payload: []byte{0x7c, 0x85}})
	}
	b.feed(k.picture(10800, idr264)...)
	check(t, "gap", b.next().Gap, true)
	b.none()
	check(t, "damaged", b.count.snapshot().Damaged, 2)
}

func TestReceiveUnfinishedFragment(t *testing.T) {
	b, k := newBench(t, media.H264, sps264a, pps264), packer{mtu: 100}
	b.feed(k.picture(0, idr264)...)
	b.next()
	cut := k.picture(3600, idr264)[:3]
	k.seq -= 2 // no packet is missing
	b.feed(cut...)
	b.feed(k.picture(3600, p264)...) // in place of the rest
	b.none()
	b.feed(k.picture(7200, p264)...)
	check(t, "gap", b.next().Gap, true)
}

func TestReceiveMJPEG(t *testing.T) {
	b, k := newBench(t, media.MJPEG), packer{}
	scan := append(bytes.Repeat([]byte{1, 2, 3}, 50), 0xff, 0xd9)
	head := func(offset int) []byte { return []byte{0, 0, byte(offset >> 8), byte(offset), 1, 50, 80, 45} }
	send := func(ts uint32) []*rtp.Packet {
		return k.picture(ts, append(head(0), scan[:100]...), append(head(100), scan[100:]...))
	}
	b.feed(send(0)...)
	au := b.next()
	check(t, "keyframe", au.Keyframe, true)
	if !bytes.HasPrefix(au.Data, []byte{0xff, 0xd8}) || !bytes.HasSuffix(au.Data, scan) {
		t.Errorf("not a JPEG: %.20x", au.Data)
	}
	info := b.snapshot().info
	check(t, "size", [2]int{info.Width, info.Height}, [2]int{640, 360})
	b.feed(send(3600)[:1]...)
	b.feed(send(7200)...)
	check(t, "gap", b.next().Gap, true)
	b.none()
}

func TestReceiveWall(t *testing.T) {
	for _, c := range []struct {
		name string
		skew time.Duration
		ok   bool
		want time.Duration
	}{
		{"no RTCP", 0, false, 0},
		{"good clock", -300 * time.Millisecond, true, -300 * time.Millisecond},
		{"wrong time zone", 8 * time.Hour, true, 0},
		{"1970", -50 * 365 * 24 * time.Hour, true, 0},
	} {
		b, k := newBench(t, media.H264, sps264a, pps264), packer{}
		b.ntp = func(uint32) (time.Time, bool) { return b.clock.Add(c.skew), c.ok }
		b.feed(k.picture(0, idr264)...)
		check(t, c.name, b.next().Wall.Sub(b.clock), c.want)
		check(t, c.name+" known", b.snapshot().skewKnown, c.ok)
	}
}

// Arbitrary packets must neither panic nor pile up.
func TestReceiveNoise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, codec := range []media.Codec{media.H264, media.H265, media.MJPEG} {
		b, k := newBench(t, codec), packer{mtu: 100}
		good := [][]byte{sps264a, pps264, idr264, p264, more264, vps265, sps265a, pps265, idr265, p265}
		for i := range 20_000 {
			b.clock = b.clock.Add(time.Millisecond)
			for _, p := range k.pack(codec, uint32(i/3*3600), good[rnd.IntN(len(good))]) {
				p.Payload = bytes.Clone(p.Payload)
				for range rnd.IntN(3) {
					p.Payload[rnd.IntN(len(p.Payload))] ^= byte(1 << rnd.IntN(8))
				}
				p.Payload = p.Payload[:len(p.Payload)-rnd.IntN(len(p.Payload))]
				p.Marker = p.Marker != (rnd.IntN(10) == 0)
				p.Timestamp += uint32(rnd.IntN(2)) * rnd.Uint32()
				p.SequenceNumber += uint16(rnd.IntN(50) / 49)
				b.feed(p)
			}
			for _, au := range b.got {
				if len(au.Data) > b.limit+annexb.MaxSets || au.PTS < 0 {
					t.Fatalf("%d bytes at %v", len(au.Data), au.PTS)
				}
			}
			b.got = b.got[:0]
		}
	}
}
