package replay

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestWindow(t *testing.T) {
	var w Window
	if _, ok := w.Highest(); ok {
		t.Error("an empty window has a highest counter")
	}
	for i, c := range []struct {
		n    uint32
		want bool
	}{
		{0, true}, {0, false}, {5, true}, {4, true}, {4, false}, {5, false}, {68, true}, {5, false}, {4, false}, {6, true}, {69, true},
		{1000, true}, {937, true}, {936, false}, {1<<32 - 1, true}, {1<<32 - 1, false}, {0, false},
	} {
		before := w
		if got := w.Fresh(c.n); got != c.want || w != before {
			t.Errorf("%d: counter %d fresh %v", i, c.n, got)
		}
		if got := w.Accept(c.n); got != c.want {
			t.Errorf("%d: counter %d accepted %v", i, c.n, got)
		}
		b, _ := w.MarshalBinary()
		var back Window
		if err := back.UnmarshalBinary(b); err != nil || back != w {
			t.Errorf("%d: back as %+v, %v", i, back, err)
		}
	}
}

// FuzzWindow compares with a window that keeps everything.
func FuzzWindow(f *testing.F) {
	f.Add([]byte{1, 2, 3, 2, 90, 91, 30})
	f.Add([]byte{0, 255, 64, 63, 255})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var w Window
		seen := map[uint32]bool{}
		var base, highest uint32
		for _, s := range steps {
			if s >= 200 {
				base += uint32(s-200) * 7
				continue
			}
			n := base + uint32(s)
			want := !seen[n] && (len(seen) == 0 || n > highest || highest-n < Size)
			if got := w.Accept(n); got != want {
				t.Fatalf("%d behind %d: %v", n, highest, got)
			}
			if want {
				seen[n], highest = true, max(highest, n)
			}
		}
		var back Window
		if b, _ := w.MarshalBinary(); back.UnmarshalBinary(b) != nil || back != w {
			t.Fatalf("%+v became %+v", w, back)
		}
		_ = back.UnmarshalBinary(steps)
	})
}

func TestGuardSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &Memory{}
		g := &Guard{Store: store, Prefix: "lora/"}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { g.Run(ctx); close(done) }()
		accept := func(g *Guard, n uint32, want bool) {
			t.Helper()
			if ok, err := g.Accept("a", n); ok != want || err != nil {
				t.Errorf("counter %d: %v, %v", n, ok, err)
			}
		}
		accept(g, 7, true)
		for range 100 {
			time.Sleep(time.Second / 2)
			accept(g, 7, false)
		}
		if n := store.Saves(); n != 0 {
			t.Errorf("%d saves within a minute", n)
		}
		accept(g, 8, true)
		time.Sleep(time.Minute)
		if n := store.Saves(); n != 1 {
			t.Errorf("%d saves after a minute, want 1", n)
		}
		accept(&Guard{Store: store, Prefix: "lora/"}, 8, false)
		accept(&Guard{Store: store, Prefix: "other/"}, 8, true)

		store.Fail(true)
		accept(g, 9, true)
		time.Sleep(5 * time.Minute)
		if _, err := (&Guard{Store: store}).Accept("a", 1); err == nil {
			t.Error("a message is taken that the store knows nothing of")
		}
		store.Fail(false)
		time.Sleep(2 * time.Minute)
		accept(&Guard{Store: store, Prefix: "lora/"}, 9, false)

		accept(g, 10, true) // saved when it ends
		cancel()
		<-done
		accept(&Guard{Store: store, Prefix: "lora/"}, 10, false)

		if err := g.Forget("a"); err != nil {
			t.Error(err)
		}
		accept(g, 0, true)
		accept(&Guard{Store: store, Prefix: "lora/"}, 0, true)
	})
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters.json")
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g := &Guard{Store: f}
	for _, d := range []string{"a", "b"} {
		if ok, err := g.Accept(d, 41); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := g.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if f, err = OpenFile(path); err != nil {
		t.Fatal(err)
	}
	g = &Guard{Store: f}
	for _, d := range []string{"a", "b"} {
		if ok, err := g.Accept(d, 41); ok || err != nil {
			t.Error("played again after a restart, and taken", err)
		}
		if n, ok, err := g.Highest(d); n != 41 || !ok || err != nil {
			t.Error(n, ok, err)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, junk := range []string{"", "{", `{"a":1}`} {
		if err := os.WriteFile(path, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenFile(path); err == nil {
			t.Errorf("%q is a file of counters", junk)
		}
	}
	if err := os.WriteFile(path, []byte(`{"a":"AAAA"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err = OpenFile(path); err != nil {
		t.Fatal(err)
	}
	if ok, err := (&Guard{Store: f}).Accept("a", 1); ok || err == nil {
		t.Error("a window of three bytes is taken")
	}
}
