package update

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKept(t *testing.T) {
	b := newBox(t)
	u := b.updater()
	r, err := u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false)
	if err != nil || r.State != Proven || b.whole() != "2" || !b.running {
		t.Fatalf("%+v, %v, running %v", r, err, b.running)
	}
	told, err := LastResult(u.Dir)
	if err != nil || told.State != Proven || told.From != "1" || told.To != "2" {
		t.Errorf("%+v, %v", told, err)
	}
	left, err := filepath.Glob(filepath.Join(u.Dir, "*"))
	if err != nil || len(left) != 3 { // the program, the result, the lock
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestReturned: a version that does not answer, works less than the old one, or cannot be
// installed goes again, with its tables.
func TestReturned(t *testing.T) {
	for name, spoil := range map[string]func(*box){
		"no answer":     func(b *box) { b.broken = "2" },
		"not installed": func(b *box) { b.refused = "2" },
	} {
		b := newBox(t)
		spoil(b)
		u := b.updater()
		r, err := u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false)
		if !errors.Is(err, ErrReturned) || r.State != Returned || r.Why == "" || b.whole() != "1" || !b.running {
			t.Errorf("%s: %+v, %v, running %v", name, r, err, b.running)
		}
		if again, err := u.Resume(t.Context()); again != nil || err != nil {
			t.Errorf("%s: once more: %+v, %v", name, again, err)
		}
	}
}

// worse is a service in which more is stuck after its start.
type worse struct{ *box }

func (w worse) Start(ctx context.Context) error {
	if w.get("gateway") == "2" {
		w.stuck = []string{"the store does not write", "no camera"}
	} else {
		w.stuck = []string{"no camera"}
	}
	return w.box.Start(ctx)
}

// TestStuckBefore: what did not work before is not held against a new version, more is.
func TestStuckBefore(t *testing.T) {
	b := newBox(t)
	b.stuck = []string{"no camera"}
	if r, err := b.updater().Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false); err != nil || r.State != Proven {
		t.Errorf("%+v, %v", r, err)
	}
	b = newBox(t)
	b.stuck = []string{"no camera"}
	u := b.updater()
	u.Service, u.Within = worse{b}, time.Millisecond
	if r, err := u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false); !errors.Is(err, ErrReturned) || b.whole() != "1" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestPowerCut cuts the power before every step of an update, of one that is kept and of
// one that is taken back, and then before every step of what the next boots do. The box
// ends with one version, whole, and takes the update at the next try.
func TestPowerCut(t *testing.T) {
	tried := map[State]bool{} // from which all of the way back has been cut
	for _, broken := range []string{"", "2"} {
		for first := 1; ; first++ {
			cut := false
			for second := 1; ; second++ {
				b := newBox(t)
				b.broken, b.left = broken, first
				u := b.updater()
				cut = lose(func() { _, _ = u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false) })
				b.running, b.left = false, 0
				if !cut {
					break
				}
				var j journal
				if _, err := readJSON(filepath.Join(u.Dir, journalName), &j); err != nil {
					t.Fatal(err)
				}
				b.left = second
				again := lose(func() { _, _ = b.updater().Resume(t.Context()) })
				b.running, b.left = false, 0
				if _, err := b.updater().Resume(t.Context()); err != nil {
					t.Fatalf("cut before step %d and %d: %v", first, second, err)
				}
				b.running = true // as systemd does after it
				b.boot()
				b.whole()
				if _, err := os.Stat(filepath.Join(u.Dir, journalName)); err == nil {
					t.Fatalf("cut before step %d and %d: the journal is left", first, second)
				}
				b.broken = ""
				if b.whole() == "1" && second == 1 {
					if _, err := b.updater().Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false); err != nil || b.whole() != "2" {
						t.Fatalf("the next try after %d and %d: %v", first, second, err)
					}
				}
				if !again {
					tried[j.State] = true
				}
				if tried[j.State] {
					break
				}
			}
			if !cut {
				if first < 12 {
					t.Errorf("only %d steps", first)
				}
				break
			}
		}
	}
	for _, state := range []State{Prepared, Installing, Proving, Returning, Proven, Returned} {
		if !tried[state] {
			t.Errorf("not cut while %s", state)
		}
	}
}

func TestRefused(t *testing.T) {
	b := newBox(t)
	other := newBox(t)
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"another key": {other.update("2", "amd64"), ErrSignature}, "arm64": {b.update("2", "arm64"), ErrArch},
		"the same": {b.update("1", "amd64"), ErrOlder}, "older": {b.update("0", "amd64"), ErrOlder}, "nothing": {nil, ErrNoUpdate},
	} {
		u := b.updater()
		_, err := u.Apply(t.Context(), bytes.NewReader(c.file), false)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if key, more := Sentence(err); key == "" || errors.Is(err, ErrArch) && more != " (arm64, this is amd64)" {
			t.Errorf("%s: said as %s%s", name, key, more)
		}
		if b.whole() != "1" || !b.running {
			t.Errorf("%s: something has changed", name)
		}
		if left, err := filepath.Glob(filepath.Join(u.Dir, "*.deb*")); err != nil || len(left) > 0 {
			t.Errorf("%s left %v, %v", name, left, err)
		}
	}
	if r, err := b.updater().Apply(t.Context(), bytes.NewReader(b.update("0", "amd64")), true); err != nil || r.To != "0" {
		t.Errorf("an older one that is asked for: %+v, %v", r, err)
	}
}

func TestOneAtATime(t *testing.T) {
	b := newBox(t)
	u := b.updater()
	unlock, err := u.lock()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := b.updater().Resume(t.Context()); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

// TestDamagedJournal: nothing is guessed from one that cannot be read.
func TestDamagedJournal(t *testing.T) {
	b := newBox(t)
	u := b.updater()
	if err := os.MkdirAll(u.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(u.Dir, journalName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Resume(t.Context()); err == nil || b.whole() != "1" {
		t.Error(err)
	}
}

// TestAnotherPart: a new version that breaks a part is not saved by one that did not work before and now does.
func TestAnotherPart(t *testing.T) {
	b := newBox(t)
	b.stuck = []string{"pictures: none"}
	u := b.updater()
	u.Service, u.Within = instead{b}, time.Millisecond
	if r, err := u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false); !errors.Is(err, ErrReturned) || b.whole() != "1" {
		t.Errorf("%+v, %v", r, err)
	}
}

// instead is a service whose new version has another part stuck.
type instead struct{ *box }

func (s instead) Start(ctx context.Context) error {
	s.stuck = []string{"store: it does not write"}
	return s.box.Start(ctx)
}

// full is a box whose disk is full once the new version runs: neither how far an update has come nor a package fits.
type full struct {
	*box
	dir string
}

func (f full) Start(ctx context.Context) error {
	if f.get("gateway") == "2" {
		for _, name := range []string{journalName, resultName} {
			if err := os.Mkdir(filepath.Join(f.dir, name+".part"), 0o700); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	return f.box.Start(ctx)
}

func (f full) Install(ctx context.Context, deb string) error {
	if _, err := os.Stat(filepath.Join(f.dir, newName)); err == nil && filepath.Base(deb) == oldName {
		return errors.New("no space left on device")
	}
	return f.box.Install(ctx, deb)
}

// TestBackOnAFullDisk: the old version comes back although nothing more can be noted, and has the room of the new package.
func TestBackOnAFullDisk(t *testing.T) {
	b := newBox(t)
	b.broken = "2"
	u := b.updater()
	f := full{b, u.Dir}
	u.Service, u.Packages = f, f
	if _, err := u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false); err == nil || b.whole() != "1" || !b.running {
		t.Errorf("%v, running %v", err, b.running)
	}
	for _, name := range []string{journalName, resultName} {
		if err := os.Remove(filepath.Join(u.Dir, name+".part")); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := b.updater().Resume(t.Context()); err != nil || r == nil || r.State != Returned || b.whole() != "1" {
		t.Errorf("the next boot: %+v, %v", r, err)
	}
}

// unkept is a box that has no room for the old version's package.
type unkept struct{ *box }

func (unkept) Keep(context.Context, string) error { return errors.New("no space left on device") }

// TestNothingIsLeft: an update that cannot begin leaves no package on a full disk, and the next takes away what a cut
// has left.
func TestNothingIsLeft(t *testing.T) {
	b := newBox(t)
	u := b.updater()
	u.Packages = unkept{b}
	if err := os.MkdirAll(filepath.Join(u.Dir, "keep-1", "usr"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false); err == nil || b.whole() != "1" || !b.running {
		t.Errorf("%v, running %v", err, b.running)
	}
	if left, err := filepath.Glob(filepath.Join(u.Dir, "*")); err != nil || len(left) != 1 { // the lock
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestHome: where the data are is known without the configuration.
func TestHome(t *testing.T) {
	b := newBox(t)
	u := b.updater()
	u.Home, u.cut = "/srv/data", func(step string) {
		if step == "install" {
			panic(powerCut{})
		}
	}
	if home, err := Home(u.Dir); home != "" || err != nil {
		t.Errorf("without an update: %q, %v", home, err)
	}
	if !lose(func() { _, _ = u.Apply(t.Context(), bytes.NewReader(b.update("2", "amd64")), false) }) {
		t.Fatal("not cut")
	}
	if home, err := Home(u.Dir); home != "/srv/data" || err != nil {
		t.Errorf("%q, %v", home, err)
	}
}
