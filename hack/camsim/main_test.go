package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"sentrybox/drivers/mp4/mp4test"
)

func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "walker.mp4")
	if err := os.WriteFile(file, mp4test.Walker(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, flags{
			Listen: "127.0.0.1:0", User: "u", Password: "p", Auth: "digest", Stagger: time.Second,
			Cameras: []string{"gate=" + file, "/yard/1=" + file},
		}, w)
		_ = w.Close()
	}()
	lines := bufio.NewScanner(r)
	for _, want := range []string{"/gate", "/yard/1"} {
		if !lines.Scan() {
			t.Fatal(<-ended)
		}
		line := lines.Text()
		if !strings.HasPrefix(line, "rtsp://u:p@127.0.0.1:") || !strings.HasSuffix(line, want) {
			t.Errorf("printed %q, want %q at its end", line, want)
		}
		u, err := base.ParseURL(line)
		if err != nil {
			t.Fatal(err)
		}
		c := gortsplib.Client{Scheme: u.Scheme, Host: u.Host}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, _, err := c.Describe(u); err != nil {
			t.Error(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestRefuse(t *testing.T) {
	for want, f := range map[string]flags{
		"not NAME=FILE":    {Cameras: []string{"gate.mp4"}},
		"two cameras":      {Cameras: []string{"a=x.mp4", "/a=y.mp4"}},
		"needs a --user":   {Password: "p", Cameras: []string{"a=x.mp4"}},
		`camera "a": open`: {Cameras: []string{"a=does-not-exist.mp4"}},
	} {
		f.Listen, f.Auth = "127.0.0.1:0", "digest"
		if err := run(t.Context(), f, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

// TestNoFootage: where the file is missing, it is said what makes it.
func TestNoFootage(t *testing.T) {
	err := run(t.Context(), flags{Listen: "127.0.0.1:0", Auth: "digest", Cameras: []string{"gate=" + filepath.Join(t.TempDir(), "none.mp4")}}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "hack/demo") {
		t.Error(err)
	}
}
