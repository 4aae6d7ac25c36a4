package board

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sentrybox/gateway/disk"
)

const (
	// Share is where the package has the bounds of the system's log, journald-*.conf.
	Share = "/usr/share/sentrybox"
	// Dropin is the one file that Apply writes (journald.conf(5)).
	Dropin = "/etc/systemd/journald.conf.d/60-sentrybox.conf"
)

// mark is how a file begins that is ours to replace.
const mark = "# Written by sentrybox board --apply."

// ErrForeign is of a Dropin that somebody else has written.
var ErrForeign = errors.New("not written by Sentrybox")

// Apply has the system's log bounded as fits the board, journal being Volatile or Persistent: it
// writes Dropin below root, whole or not at all, and nothing else, and reports whether
// it was different before.
func Apply(root, journal string) (changed bool, err error) {
	want, err := os.ReadFile(filepath.Join(root, Share, "journald-"+journal+".conf"))
	if err != nil {
		return false, fmt.Errorf("read the bounds of the log: %w", err)
	}
	to := filepath.Join(root, Dropin)
	got, err := os.ReadFile(to)
	switch {
	case err == nil && bytes.Equal(got, want):
		return false, nil
	case err == nil && !bytes.HasPrefix(got, []byte(mark)):
		return false, ErrForeign
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("read what is there: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { // all may read it
		return false, fmt.Errorf("make the folder: %w", err)
	}
	return true, disk.WriteFile(to, want, 0o644)
}
