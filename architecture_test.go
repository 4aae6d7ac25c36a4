// Package sentrybox_test holds the rule of who may import whom.
package sentrybox_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	CgoFiles   []string
}

// list asks the go command for packages, with those they depend on.
func list(t *testing.T, env string, patterns ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Standard,Imports,CgoFiles"}, patterns...)...)
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// ours returns the path of a package within the module.
func ours(path string) (string, bool) { return strings.CutPrefix(path, "sentrybox/") }

func tree(path string) string {
	top, _, _ := strings.Cut(path, "/")
	return top
}

// joiners are the gateway's packages that may reach into another tree, besides
// analytics/wire, which all of the gateway may import.
func joiners() map[string][]string {
	return map[string][]string{
		"gateway":           {"drivers"},           // main: probe
		"gateway/app":       {"drivers", "uplink"}, // builds everything
		"gateway/alert":     {"uplink"},            // an alert and its outbox row are one transaction
		"gateway/board":     {"firmware-configs"},
		"gateway/camera":    {"drivers"},
		"gateway/demo":      {"drivers"}, // simulated cameras
		"gateway/command":   {"uplink"},  // an answer is queued with what it answers
		"gateway/device":    {"drivers"}, // sensors and outputs
		"gateway/find":      {"drivers", "firmware-configs"},
		"gateway/lookback":  {"drivers"}, // access units
		"gateway/tryout":    {"drivers"},
		"gateway/evidence":  {"drivers", "uplink"}, // access units into clips, pieces into the outbox
		"gateway/health":    {"uplink"},
		"gateway/probe":     {"drivers"},           // what is at a line or a bus
		"gateway/profile":   {"drivers"},           // frames of examples
		"gateway/radio":     {"drivers"},           // radios and intercoms
		"gateway/replay":    {"drivers"},           // files
		"gateway/duty":      {"drivers", "uplink"}, // a clip's pictures; a broker's TLS
		"gateway/duty/feed": {"uplink"},            // the guarded connection to a broker
	}
}

func TestWhoImportsWhom(t *testing.T) {
	trees := []string{"gateway", "drivers", "analytics", "uplink", "sandbox"}
	seen := map[string]bool{}
	for _, p := range list(t, "CGO_ENABLED=1", "./gateway/...", "./drivers/...", "./analytics/...", "./uplink/...", "./sandbox/...") {
		from, ok := ours(p.ImportPath)
		if !ok {
			continue
		}
		seen[tree(from)] = true
		for _, imp := range p.Imports {
			to, ok := ours(imp)
			if !ok || tree(to) == tree(from) {
				continue
			}
			switch {
			case tree(to) == "sandbox": // shuts processes in, and knows nothing of what they do
			case tree(from) != "gateway":
				t.Errorf("%s imports %s: %s stands alone", from, to, tree(from))
			case to == "analytics/wire":
			case from == "gateway/profile" && to == "firmware-configs": // data
			case !slices.Contains(joiners()[from], tree(to)):
				t.Errorf("%s imports %s: only %v may", from, to, joiners())
			}
		}
	}
	for _, top := range trees {
		if !seen[top] {
			t.Errorf("no package under %s was looked at", top)
		}
	}
}

func TestGatewayHasNoC(t *testing.T) {
	found := false
	for _, p := range list(t, "CGO_ENABLED=0", "./gateway") {
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s has cgo files %v", p.ImportPath, p.CgoFiles)
		}
		path, ok := ours(p.ImportPath)
		if ok && tree(path) == "analytics" && path != "analytics/wire" {
			t.Errorf("the gateway depends on %s", path)
		}
		found = found || path == "analytics/wire"
	}
	if !found {
		t.Error("the gateway does not depend on analytics/wire: the test looks at the wrong program")
	}
}

func TestOneCgoPackage(t *testing.T) {
	var with []string
	for _, p := range list(t, "CGO_ENABLED=1", "./...") {
		if path, ok := ours(p.ImportPath); ok && len(p.CgoFiles) > 0 {
			with = append(with, path)
		}
	}
	if !slices.Equal(with, []string{"analytics/cv"}) {
		t.Errorf("cgo in %v, want it in analytics/cv alone", with)
	}
}
