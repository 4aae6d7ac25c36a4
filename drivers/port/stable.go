package port

import (
	"os"
	"path/filepath"
	"strings"
)

// stable returns a name for a serial port that it has again when it is plugged
// in again: the link in /dev/serial/by-id, or the one in by-path if the adapter
// has no serial number, as then others of its make share its id. Without udev,
// or for a port that is no USB adapter, it is the name as given.
func stable(root, name string) string {
	if strings.HasPrefix(name, filepath.Join(root, "dev/serial")) {
		return name
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return name
	}
	folders := []string{"by-id", "by-path"}
	if !hasSerialNumber(root, filepath.Base(target)) {
		folders = folders[1:]
	}
	for _, folder := range folders {
		links, _ := filepath.Glob(filepath.Join(root, "dev/serial", folder, "*"))
		for _, link := range links {
			if to, err := filepath.EvalSymlinks(link); err == nil && to == target {
				return link
			}
		}
	}
	return name
}

// hasSerialNumber tells whether the USB device that a tty belongs to has one.
func hasSerialNumber(root, tty string) bool {
	dir, err := filepath.EvalSymlinks(filepath.Join(root, "sys/class/tty", tty, "device"))
	for err == nil && len(dir) > len(root) {
		if _, err := os.Stat(filepath.Join(dir, "idVendor")); err == nil {
			number, err := os.ReadFile(filepath.Join(dir, "serial"))
			return err == nil && strings.TrimSpace(string(number)) != ""
		}
		dir = filepath.Dir(dir)
	}
	return false
}
