package port

import (
	"path/filepath"
	"slices"
)

// List returns the serial ports of this machine by the names that they have again when they
// are plugged in again, in order. root is / but in tests.
func List(root string) []string {
	var all []string
	for _, pattern := range []string{"ttyUSB*", "ttyACM*", "ttyAMA*", "ttymxc*"} {
		found, _ := filepath.Glob(filepath.Join(root, "dev", pattern))
		for _, name := range found {
			if name = stable(root, name); !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}
