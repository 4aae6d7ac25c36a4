//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStreet is hack/fleet in short: NATS and PostgreSQL from Debian.
func TestStreet(t *testing.T) {
	program := filepath.Join(t.TempDir(), "street")
	if out, err := exec.Command("go", "build", "-o", program, "sentrybox/hack/street").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "-sentrybox", filepath.Join(programs, "sentrybox"), "-gateways", "40", "-rate", "10", "-burst", "8s", "-answers", "10")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "| alerts raised, lost | 80 at 10 a second, 0 |") {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
