package spool

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCutOffFold: files that a fold had replaced, but not removed yet when the
// power went, do not count twice.
func TestCutOffFold(t *testing.T) {
	f := fresh(t, Options{})
	keep := map[string][]byte{}
	for range 26 * 60 {
		f.minute(2)
		for _, name := range f.files("*" + suffix) {
			if _, ok := keep[name]; !ok {
				keep[name], _ = os.ReadFile(name)
			}
		}
	}
	want := f.all()
	memory := uint64(f.Stats().Memory)
	for name, data := range keep {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(f.opt.Dir, "0000000000000001-0000000000000001-0"+suffix+".tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	if got := readings(f.all()); got != readings(want)-memory {
		t.Errorf("%d readings, want %d", got, readings(want)-memory)
	}
	if tmp := f.files("*.tmp"); len(tmp) != 0 {
		t.Errorf("left: %v", tmp)
	}
}

// TestBadFiles sets aside what cannot be read and leaves what a newer program
// wrote.
func TestBadFiles(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
		"a bit":     func(b []byte) []byte { b[len(b)-3] ^= 4; return b },
		"zeros":     func(b []byte) []byte { return make([]byte, len(b)) },
		"longer":    func(b []byte) []byte { return append(b, 0) },
		"future":    func(b []byte) []byte { b[len(magic)] = version + 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			f := fresh(t, Options{})
			for range 12 {
				f.minute(5)
			}
			files := f.files("*" + suffix)
			if len(files) != 2 {
				t.Fatalf("%d files", len(files))
			}
			data, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], spoil(data), 0o600); err != nil {
				t.Fatal(err)
			}
			if name != "future" { // found when it is read, and also at the start
				if n := countSamples(f.all()); n != 30 {
					t.Errorf("%d points while running, want 30", n)
				}
			}
			f.reopen()
			if n := countSamples(f.all()); n != 30 {
				t.Errorf("%d points, want those of the other file: 30", n)
			}
			bad, future := len(f.files("*"+badSuffix)), len(f.files(filepath.Base(files[0])))
			if name == "future" && (bad != 0 || future != 1) || name != "future" && (bad != 1 || future != 0) {
				t.Errorf("%d set aside, %d left", bad, future)
			}
			f.minute(5) // and its number is not given again
			f.now = f.now.Add(time.Hour)
			if err := f.Sweep(); err != nil {
				t.Fatal(err)
			}
			if n := countSamples(f.all()); n != 35 {
				t.Errorf("%d points later, want 35", n)
			}
		})
	}
}

// TestDiskWithoutRoom: what cannot be written is folded and then dropped in
// memory, counted, and written once there is room.
func TestDiskWithoutRoom(t *testing.T) {
	f := fresh(t, Options{})
	f.room = false
	const sensors, minutes = 1000, 120
	for range minutes {
		f.minute(sensors)
	}
	if st := f.Stats(); st.Memory > maxMemory+sensors || st.Bytes != 0 || st.Folded == 0 {
		t.Errorf("%+v", st)
	}
	if n := readings(f.all()); n != sensors*minutes {
		t.Errorf("%d readings, want %d: averages were enough", n, sensors*minutes)
	}
	f.room = true
	f.minute(sensors)
	st := f.Stats()
	if st.Memory != 0 || st.Bytes == 0 {
		t.Errorf("with room again: %+v", st)
	}
	f.reopen()
	if n := readings(f.all()); n != sensors*(minutes+1) {
		t.Errorf("%d readings, want %d", n, sensors*(minutes+1))
	}
	if f.Stats().Counters != st.Counters {
		t.Errorf("the counters are %+v, want %+v", f.Stats().Counters, st.Counters)
	}
}

func TestFolderThatFails(t *testing.T) {
	f := fresh(t, Options{})
	if err := os.RemoveAll(f.opt.Dir); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 10 {
		_ = f.Append(Point{Name: "x", Value: 1, Time: f.now})
		f.now = f.now.Add(time.Minute)
		err = f.Sweep()
	}
	if err == nil {
		t.Error("no error without a folder")
	}
	if err := os.Mkdir(f.opt.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Sweep(); err != nil {
		t.Error(err)
	}
	f.reopen()
	if n := countSamples(f.all()); n != 10 {
		t.Errorf("%d points, want 10", n)
	}
}
