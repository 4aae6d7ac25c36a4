// Package boxid knows which piece of hardware this is.
package boxid

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
)

// Serial returns the serial number that the board has, as Linux tells it, or nothing.
// root is where / is, for tests; empty for that.
func Serial(root string) string {
	for _, path := range []string{
		"/sys/firmware/devicetree/base/serial-number",                        // Documentation/devicetree: boards
		"/sys/class/dmi/id/product_serial", "/sys/class/dmi/id/board_serial", // PCs; for root alone
	} {
		b, err := os.ReadFile(filepath.Join(root, path))
		s := strings.TrimSpace(strings.Trim(string(b), "\x00"))
		if err != nil || s == "" || len(s) > 64 || none(s) {
			continue
		}
		return s
	}
	return ""
}

// none says whether a serial number is what a maker writes who has given none.
func none(s string) bool {
	switch strings.ToLower(s) {
	case "none", "default string", "to be filled by o.e.m.", "system serial number", "not specified", "0123456789":
		return true
	}
	return strings.Trim(s, "0") == ""
}

// Name returns the box's name on its network, without .local: sentrybox- and four
// hexadecimal digits that stay the same. They are of a hash of the serial number, or of
// the machine's id, which is not to be shown itself (machine-id(5)).
func Name(root string) string {
	id := Serial(root)
	if id == "" {
		b, err := os.ReadFile(filepath.Join(root, "/etc/machine-id"))
		if id = strings.TrimSpace(string(b)); err != nil || id == "" {
			return "sentrybox"
		}
	}
	sum := sha256.Sum256([]byte("sentrybox name " + id))
	return "sentrybox-" + hex.EncodeToString(sum[:2])
}
