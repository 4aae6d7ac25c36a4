package camera

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
)

// withModel starts a stand-in that is asked to use a network.
func withModel(t *testing.T, behave string, models ...string) (*Process, error) {
	t.Helper()
	cam := &config.Camera{ID: "cam", Detect: []config.Rule{{Kind: wire.Intrusion, Zone: config.AllZones, Severity: 2}}}
	cfg, _ := WireConfig(cam)
	cfg.Armed = []bool{true}
	cfg.Detector = &wire.Detector{Format: wire.ONNX, Size: 64, Pixels: wire.Unit, Score: 0.5, PerMinute: 60}
	return StartProcess(t.Context(), ProcessConfig{Path: vision(t, behave), Config: cfg, Models: models, Log: slog.New(slog.DiscardHandler)})
}

func TestModelsAreHandedOver(t *testing.T) {
	dir := t.TempDir()
	model, cfg := filepath.Join(dir, "a.weights"), filepath.Join(dir, "a.cfg")
	for name, data := range map[string]string{model: "the weights", cfg: "the cfg"} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for behave, want := range map[string]string{
		"reading":  "the weights and the cfg of 64", // what is not printable is not repeated
		"allergic": "does not start: start",
		"verbose":  "800 bytes on its detector",
		"well":     "",
	} {
		p, err := withModel(t, behave, model, cfg)
		if err != nil {
			t.Fatalf("%s: %v", behave, err)
		}
		switch err := p.NoDetector(); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", behave, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", behave, err, want)
		}
		p.Kill()
	}
	p, err := withModel(t, "well", model, filepath.Join(dir, "gone.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.NoDetector(); !os.IsNotExist(err) {
		t.Errorf("a file that is gone: %v", err)
	}
	p.Kill()
	if _, err := withModel(t, "open", model); err == nil || !strings.Contains(err.Error(), "sandbox is open") {
		t.Errorf("what is wrong without a model too: %v", err)
	}
}

func TestDetectorIsLeftOutAfterFailures(t *testing.T) {
	c := &Camera{models: []string{"a.onnx"}, Log: slog.New(slog.DiscardHandler)}
	cfg := &wire.Config{Detector: &wire.Detector{Format: wire.ONNX}}
	for failures, with := range []bool{true, true, false, false} {
		p := c.process(cfg, failures)
		if (p.Config.Detector != nil) != with || (len(p.Models) > 0) != with {
			t.Errorf("after %d failures: %+v", failures, p)
		}
	}
	cfg.Hardware = true
	for failures, with := range []bool{true, true, false} {
		if p := c.process(cfg, failures); p.Config.Hardware != with || !cfg.Hardware {
			t.Errorf("after %d failures hardware: %v", failures, p.Config.Hardware)
		}
	}
	c.models, cfg.Detector.Format = nil, wire.HOG
	if p := c.process(cfg, 5); p.Config.Detector == nil {
		t.Error("OpenCV's own detector is left out")
	}
}
