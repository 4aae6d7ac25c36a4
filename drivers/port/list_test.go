package port

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestList: each port once, by the name that stays.
func TestList(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	for _, dir := range []string{at("dev/serial/by-path"), at("sys/class/tty")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"ttyUSB0", "ttyAMA0", "ttyS0", "null"} {
		if err := os.WriteFile(at("dev", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../ttyUSB0", at("dev/serial/by-path/usb-1.2-port0")); err != nil {
		t.Fatal(err)
	}
	if got, want := List(root), []string{at("dev/serial/by-path/usb-1.2-port0"), at("dev/ttyAMA0")}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
