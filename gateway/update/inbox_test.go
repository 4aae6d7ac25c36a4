package update

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"aead.dev/minisign"
)

// inbox returns the inbox of a box that has root's part.
func (b *box) inbox() *Inbox {
	b.t.Helper()
	key, err := b.key.Public().(minisign.PublicKey).MarshalText()
	if err != nil {
		b.t.Fatal(err)
	}
	b.put("update.pub", string(key))
	b.put("update.path", "")
	return &Inbox{
		Data: filepath.Join(b.dir, "gateway-data"), Dir: b.updater().Dir, Keys: filepath.Join(b.dir, "update.pub"), Owner: os.Getuid(),
		Unit: filepath.Join(b.dir, "update.path"), Packages: b,
	}
}

func (b *Inbox) files(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(b.path("*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestInbox(t *testing.T) {
	b := newBox(t)
	in := b.inbox()
	good, room := b.update("2", "amd64"), int64(1<<20)
	if _, err := in.Hand("2"); !errors.Is(err, ErrGone) {
		t.Errorf("before there is one: %v", err)
	}
	for name, c := range map[string]struct {
		file []byte
		room int64
		want error
	}{
		"another key": {newBox(t).update("2", "amd64"), room, ErrSignature}, "no update": {[]byte("x"), room, ErrNoUpdate},
		"too large": {good, int64(len(good)) - 1, ErrRoom}, "arm64": {b.update("2", "arm64"), room, ErrArch}, "the same": {b.update("1", "amd64"), room, ErrOlder},
	} {
		if _, err := in.Put(t.Context(), bytes.NewReader(c.file), c.room); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left := in.files(t); len(left) > 0 || in.Offer() != nil {
			t.Errorf("%s: left %v", name, left)
		}
	}
	if o, err := in.Put(t.Context(), bytes.NewReader(good), room); err != nil || o != (Offer{Version: "2", From: "1"}) {
		t.Fatalf("%+v, %v", o, err)
	}
	if _, err := in.Hand("3"); !errors.Is(err, ErrGone) || in.Waiting() {
		t.Errorf("another version than was shown: %v", err)
	}
	if _, err := in.Hand("2"); err != nil || !in.Waiting() {
		t.Fatal(err)
	}
	if _, err := in.Put(t.Context(), bytes.NewReader(good), room); !errors.Is(err, ErrBusy) {
		t.Errorf("while one waits: %v", err)
	}
	f, err := Take(in.path(inboxName))
	if err != nil || in.Waiting() {
		t.Fatal(err)
	}
	defer f.Close()
	if r, err := b.updater().Apply(t.Context(), f, false); err != nil || r.State != Proven || b.whole() != "2" {
		t.Errorf("%+v, %v", r, err)
	}
	if last, err := in.Last(); err != nil || last.State != Proven || last.To != "2" {
		t.Errorf("%+v, %v", last, err)
	}
}

// TestInboxReady: without a key or root's part a box takes nothing by the page.
func TestInboxReady(t *testing.T) {
	b := newBox(t)
	in := b.inbox()
	if err := in.Ready(); err != nil {
		t.Error(err)
	}
	in.Keys += ".none"
	if _, err := in.Put(t.Context(), bytes.NewReader(b.update("2", "amd64")), 1<<20); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	in.Unit += ".none"
	if err := in.Ready(); !errors.Is(err, ErrByHand) {
		t.Error(err)
	}
	if NewInbox("/srv/sentrybox").Unit != "" || NewInbox("/var/lib/sentrybox").Unit == "" {
		t.Error("the path unit waits in one data folder alone")
	}
}

// TestTakeIsNotLedAstray: who owns the data folder leads root to no other file, and what
// was taken is what is installed, whatever lies in the inbox afterwards.
func TestTakeIsNotLedAstray(t *testing.T) {
	dir := t.TempDir()
	secret, box := filepath.Join(dir, "secret"), filepath.Join(dir, "data", inboxFolder)
	path := filepath.Join(box, inboxName)
	if err := errors.Join(os.WriteFile(secret, []byte("root's"), 0o600), os.MkdirAll(box, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := Take(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	for name, put := range map[string]func() error{
		"a link": func() error { return os.Symlink(secret, path) }, "a folder": func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if _, err := Take(path); !errors.Is(err, ErrNoUpdate) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left, for which the unit would start for ever", name)
		}
	}
	if got, err := os.ReadFile(secret); err != nil || string(got) != "root's" {
		t.Errorf("%q, %v", got, err)
	}
	write := func(what string) {
		if err := os.WriteFile(path, []byte(what), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good")
	f, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write("another")
	if got, err := io.ReadAll(f); err != nil || string(got) != "good" {
		t.Errorf("swapped: %q, %v", got, err)
	}
	if err := errors.Join(os.Rename(box, box+".real"), os.Symlink(box+".real", box)); err != nil {
		t.Fatal(err)
	}
	if f, err := Take(path); err == nil {
		t.Errorf("a link in place of the folder: %s", f.Name())
	}
	if _, err := os.Lstat(filepath.Join(box+".real", inboxName)); err != nil {
		t.Errorf("behind the link something has changed: %v", err)
	}
}

// TestWrittenWhileRead: a file whose owner writes to it after it was verified once.
func TestWrittenWhileRead(t *testing.T) {
	b := newBox(t)
	in := b.inbox()
	if _, err := in.Put(t.Context(), bytes.NewReader(b.update("2", "amd64")), 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Hand("2"); err != nil {
		t.Fatal(err)
	}
	own, err := os.OpenFile(in.path(inboxName), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	f, err := Take(in.path(inboxName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := own.Write(newBox(t).update("3", "amd64")); err != nil {
		t.Fatal(err)
	}
	_, err = b.updater().Apply(t.Context(), f, false)
	if !errors.Is(err, ErrSignature) || b.whole() != "1" {
		t.Errorf("%v", err)
	}
	if err := Refuse(in.Dir, err); err != nil {
		t.Fatal(err)
	}
	if last, err := in.Last(); err != nil || last.State != Refused || last.Reason != "update.error.signature" {
		t.Errorf("%+v, %v", last, err)
	}
}
