package mp4

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4/mp4test"
)

// memory is a spool in memory.
type memory struct{ bytes.Buffer }

func (m *memory) ReadAt(b []byte, at int64) (int, error) {
	return bytes.NewReader(m.Bytes()).ReadAt(b, at)
}

// walkerUnits returns the pictures of the walker clip.
func walkerUnits(t *testing.T) []media.AccessUnit {
	t.Helper()
	r, err := Open(bytes.NewReader(mp4test.Walker()))
	if err != nil {
		t.Fatal(err)
	}
	var all []media.AccessUnit
	for {
		au, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, au)
	}
}

func TestWrittenIsRead(t *testing.T) {
	const late = 700 * time.Millisecond
	all := walkerUnits(t)
	w := NewWriter(&memory{})
	for i, au := range all {
		au.PTS = late + au.PTS + time.Duration(i%3)*time.Millisecond // no even rate
		if err := w.Add(au); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := w.WriteTo(&out, 16*time.Second); err != nil {
		t.Fatal(err)
	}
	if i, j := bytes.Index(out.Bytes(), []byte("moov")), bytes.Index(out.Bytes(), []byte("mdat")); i < 0 || j < i {
		t.Errorf("moov at %d, mdat at %d: the index must come first", i, j)
	}
	r, err := Open(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		au, err := r.Next()
		if err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		want := late + all[i].PTS + time.Duration(i%3)*time.Millisecond
		if (au.PTS - want).Abs() > 12*time.Microsecond {
			t.Fatalf("picture %d at %v, want %v", i, au.PTS, want)
		}
		if au.Keyframe != all[i].Keyframe || !bytes.Equal(au.Data, all[i].Data) {
			t.Fatalf("picture %d differs: %d bytes, want %d", i, len(au.Data), len(all[i].Data))
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last picture: %v", err)
	}
	if d := r.Duration(); (d - 16*time.Second).Abs() > time.Millisecond {
		t.Errorf("it lasts %v", d)
	}
}

func TestWriterRefuses(t *testing.T) {
	all := walkerUnits(t)
	full := func(change func(*media.AccessUnit)) media.AccessUnit {
		au := all[0]
		change(&au)
		return au
	}
	for name, au := range map[string]media.AccessUnit{
		"no keyframe":     all[1],
		"another codec":   full(func(a *media.AccessUnit) { a.Codec = media.H265 }),
		"nothing":         full(func(a *media.AccessUnit) { a.Data = nil }),
		"no start code":   full(func(a *media.AccessUnit) { a.Data = []byte("hello") }),
		"parameters only": full(func(a *media.AccessUnit) { a.Data = []byte{0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 1} }),
		"before time":     full(func(a *media.AccessUnit) { a.PTS = -time.Second }),
		"far away":        full(func(a *media.AccessUnit) { a.PTS = 100 * time.Hour }),
	} {
		if err := NewWriter(&memory{}).Add(au); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	w := NewWriter(&memory{})
	if err := w.WriteTo(io.Discard, 0); err == nil {
		t.Error("an empty file was written")
	}
	if err := w.Add(all[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(full(func(a *media.AccessUnit) { a.Keyframe = false })); err == nil {
		t.Error("a time was taken twice")
	}
	if err := w.WriteTo(io.Discard, 0); err != nil || w.Len() != 1 {
		t.Errorf("after an error: %d pictures, %v", w.Len(), err)
	}
	if err := NewWriter(broken{}).Add(all[0]); err == nil {
		t.Error("a full disk went unnoticed")
	}
}

// broken is a full disk.
type broken struct{}

func (broken) Write([]byte) (int, error)         { return 0, io.ErrShortWrite }
func (broken) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
