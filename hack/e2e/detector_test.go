//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sentrybox/analytics/analyticstest"
)

// models writes networks that see somebody in each dark crop, and in none.
func models(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	weights, cfg := analyticstest.DarkNet()
	for name, data := range map[string][]byte{
		"dark.weights": weights, "dark.cfg": cfg,
		"v5.onnx": analyticstest.ONNX(false), "v8.onnx": analyticstest.ONNX(true),
		"short.weights": weights[:len(weights)-8], "short.cfg": cfg,
		"rubbish.onnx": bytes.Repeat([]byte{8, 1, 200}, 1000),
		// More numbers than the sandbox has memory for.
		"vast.weights": weights, "vast.cfg": bytes.ReplaceAll(cfg, []byte("filters=6"), []byte("filters=900000000")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDetectors runs networks in the sandboxed vision process, which opens none
// of their files itself.
func TestDetectors(t *testing.T) {
	dir, video := models(t), walker(t, "h264")
	watch := func(t *testing.T, rest string) (events []map[string]any, counts map[string]any, said string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "camera.yaml")
		doc := "id: yard\ndetect: [{kind: intrusion}]\n" + rest
		if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		cmd := sentrybox("replay", "--camera", path, video)
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, errs.String())
		}
		lines := parse(t, out)
		sum := lines[len(lines)-1]
		counts, _ = sum["confirmed"].(map[string]any)
		return lines[:len(lines)-1], counts, errs.String()
	}
	plain, counts, said := watch(t, "confirm: off\n")
	if len(plain) != 1 || counts != nil || said != "" {
		t.Fatalf("without: %v, %v, %s", plain, counts, said)
	}
	base := plain[0]["confidence"].(float64)
	for _, model := range []string{"dark.weights", "v5.onnx", "v8.onnx"} {
		detector := fmt.Sprintf("detector: {model: %s/%s, size: %d", dir, model, analyticstest.NetSize)
		events, counts, said := watch(t, detector+"}\n")
		if len(events) != 1 || events[0]["confidence"].(float64) <= base || counts["asked"].(float64) < 1 || said != "" {
			t.Errorf("%s: %v, %v, %s; the confidence without is %v", model, events, counts, said, base)
		}
		// Nobody is as sure as that.
		events, counts, said = watch(t, detector+", score: 1, veto: true}\n")
		if len(events) != 0 || counts["held"].(float64) != 1 || said != "" {
			t.Errorf("%s with a veto: %v, %v, %s", model, events, counts, said)
		}
	}
	// A budget is counted in the video's time: the same file gives the same.
	tight := fmt.Sprintf("detector: {model: %s/dark.weights, size: %d, per_minute: 1, score: 1}\n", dir, analyticstest.NetSize)
	events, counts, _ := watch(t, tight)
	again, _, _ := watch(t, tight)
	if counts["asked"].(float64) != 1 || counts["unasked"].(float64) < 1 || !reflect.DeepEqual(events, again) {
		t.Errorf("with one crop a minute: %v, %v, and again %v", events, counts, again)
	}
	for _, model := range []string{"short.weights", "rubbish.onnx", "vast.weights"} {
		events, counts, said := watch(t, fmt.Sprintf("detector: {model: %s/%s, size: %d, veto: true}\n", dir, model, analyticstest.NetSize))
		if len(events) != 1 || events[0]["confidence"] != base || !strings.Contains(said, "going on without") {
			t.Errorf("%s: %v, %v, %s", model, events, counts, said)
		}
	}
	// OpenCV's own detector is nothing that is needed, but it runs.
	if events, counts, said := watch(t, ""); len(events) != 1 || counts["asked"].(float64) < 1 || said != "" {
		t.Errorf("by default: %v, %v, %s", events, counts, said)
	}
}
