package camera

import (
	"bytes"
	"testing"
	"time"

	"sentrybox/drivers/media"
)

// TestStream: what was added comes back from any position, also when what is before it is gone, and all
// blocks come back in the end.
func TestStream(t *testing.T) {
	var all blocks
	for name, from := range map[string]*blocks{"shared": &all, "heap": nil} {
		s := stream{from: from}
		var want []byte
		gone := 0
		for i := range 500 {
			piece := bytes.Repeat([]byte{byte(i)}, i*i%(3*blockBytes))
			s.add(piece)
			want = append(want, piece...)
			if got := s.append(nil, int64(len(want)-len(piece)), len(piece)); !bytes.Equal(got, piece) {
				t.Fatalf("%s: piece %d of %d bytes came back wrong", name, i, len(piece))
			}
			if len(want)-gone > 10*blockBytes {
				gone = len(want) - 5*blockBytes - i
				s.drop(int64(gone))
			}
			if got := s.append(nil, int64(gone), len(want)-gone); !bytes.Equal(got, want[gone:]) {
				t.Fatalf("%s: after piece %d the rest came back wrong", name, i)
			}
			if held := len(s.pieces) * blockBytes; held > len(want)-gone+2*blockBytes {
				t.Fatalf("%s: %d bytes are held for %d", name, held, len(want)-gone)
			}
		}
		s.drop(s.end)
		s.give()
		s.add([]byte("again"))
		if got := s.append(nil, s.end-5, 5); string(got) != "again" {
			t.Errorf("%s: got %q", name, got)
		}
		s.give()
	}
	if n := len(all.warm) + len(all.cold); n%(regionBytes/blockBytes) != 0 || len(all.warm) > warmBlocks {
		t.Errorf("%d blocks came back, %d of them with pages", n, len(all.warm))
	}
}

// TestRingGivesBack: a ring's data are its own, and its memory is another's when it is gone.
func TestRingGivesBack(t *testing.T) {
	m := NewMemory(1 << 20)
	for range 50 {
		r := newRing(1<<20, time.Hour)
		m.join(r)
		data := []byte("a picture")
		for i := range 100 {
			r.push(media.AccessUnit{PTS: time.Duration(i), Wall: time.Now(), Keyframe: true, Data: append(data, make([]byte, 1000)...)})
		}
		copy(data, "xxxxxxxxx")
		if au, _, err := r.read(t.Context(), 50, time.Hour); err != nil || !bytes.HasPrefix(au.Data, []byte("a picture")) || len(au.Data) != 1009 {
			t.Fatalf("%d bytes %.9q, %v", len(au.Data), au.Data, err)
		}
		units, _ := r.since(time.Time{})
		m.leave(r)
		if len(units) != 100 || !bytes.HasPrefix(units[99].Data, []byte("a picture")) {
			t.Fatalf("%d pictures", len(units))
		}
	}
	if n := len(m.blocks.warm) + len(m.blocks.cold); n != regionBytes/blockBytes || m.used != 0 {
		t.Errorf("%d blocks for one ring after the other, %d bytes used", n, m.used)
	}
}
