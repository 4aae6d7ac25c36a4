package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"sentrybox/analytics/wire"
)

var detectorMistakes = []mistake{
	{"confirm", head + "vision: {confirm: hogg}\ncameras: [{id: a, url: rtsp://x, confirm: detector}]\n",
		"4: vision.confirm: \"hogg\" is not known, did you mean \"hog\"?\n5: cameras[0].confirm: \"detector\" is none of auto, off, hog"},
	{"detector without a model", head + "vision:\n  detector: {veto: true}\n", `5: vision.detector.model: missing`},
	{"model of another kind", head + "vision:\n  detector: {model: person.pt}\n",
		`5: vision.detector.model: must be an .onnx file, or Darknet's .weights`},
	{"model missing", head + "vision:\n  detector: {model: person.onnx}\n", `5: vision.detector.model: no such file`},
	{"numbers", head + `vision:
  detector:
    model: nothing
    size: 8
    score: 0
    per_minute: 0
    pixels: units
    person: [-1, a]
    veto: 1
`, `6: vision.detector.model: must be an .onnx file, or Darknet's .weights
7: vision.detector.size: must be from 32 to 1280
8: vision.detector.score: must be more than 0
9: vision.detector.per_minute: must be from 1 to 600
10: vision.detector.pixels: "units" is not known, did you mean "unit"?
11: vision.detector.person[0]: must be from 0 to 9999
11: vision.detector.person[1]: must be a whole number, not a text
12: vision.detector.veto: must be true or false, not a number`},
	{"vehicle alone", head + "vision:\n  detector: {model: a.pt, vehicle: [2]}\n",
		"5: vision.detector.model: must be an .onnx file, or Darknet's .weights\n5: vision.detector.vehicle: needs person beside it"},
	{"bad.onnx", head + "vision:\n  detector: {model: bad.onnx}\n", "5: vision.detector.model: is damaged, or not of the form that its name says"},
	{"empty.onnx", head + "vision:\n  detector: {model: empty.onnx}\n", "5: vision.detector.model: is damaged, or not of the form that its name says"},
	{"bad.weights", head + "vision:\n  detector: {model: bad.weights, config: b.cfg}\n", "5: vision.detector.model: is damaged, or not of the form that its name says"},
	{"bad.cfg", head + "vision:\n  detector: {model: b.weights, config: bad.cfg}\n", "5: vision.detector.config: \"bad.cfg\" is not Darknet's .cfg: it has no section [net]"},
	{"no cfg", head + "vision:\n  detector: {model: c.weights}\n", "5: vision.detector.model: no such file"},
	{"onnx with cfg", head + "vision:\n  detector: {model: a.onnx, config: b.cfg}\n", "5: vision.detector.config: an .onnx model takes none"},
	{"vast", head + "vision:\n  detector: {model: vast.onnx}\n", "5: vision.detector.model: too large, at most 256 MiB"},
	{"a folder", head + "vision:\n  detector: {model: folder.onnx}\n", "5: vision.detector.model: not a regular file"},
}

// writeModels writes files that pass for networks, and some that do not.
func writeModels(t testing.TB, dir string) {
	t.Helper()
	for name, data := range map[string]string{
		"a.onnx": "\x08\x07onnx", "b.weights": "a header of twenty bytes, and floats", "b.cfg": "[net]\nwidth=320\n",
		"bad.onnx": "PK\x03\x04", "empty.onnx": "", "bad.weights": "short", "bad.cfg": "hello", "c.weights": "a header of twenty bytes",
		"vast.onnx": "\x08",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(os.Truncate(filepath.Join(dir, "vast.onnx"), wire.MaxModel+1), os.Mkdir(filepath.Join(dir, "folder.onnx"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondOpinion(t *testing.T) {
	name := at(t)
	dir := filepath.Dir(name)
	doc := head + `vision:
  detector: {model: b.weights, per_minute: 20}
cameras:
- {id: a, url: rtsp://x}
- {id: b, url: rtsp://x, confirm: off}
- {id: c, url: rtsp://x, confirm: hog}
- {id: d, url: rtsp://x, detector: {model: a.onnx, size: 640, score: 0.5, pixels: bytes, person: [15], vehicle: [7, 2], veto: true}}
`
	c, err := Parse(name, []byte(doc), nil)
	if err != nil {
		t.Fatal(err)
	}
	hog := &wire.Detector{Format: wire.HOG, Score: 0.5, PerMinute: 240}
	for i, want := range []struct {
		detector *wire.Detector
		files    []string
	}{
		{&wire.Detector{Format: wire.Darknet, Size: 320, Pixels: wire.Unit, Score: 0.3, PerMinute: 20}, []string{"b.weights", "b.cfg"}},
		{nil, nil},
		{hog, nil},
		{&wire.Detector{Format: wire.ONNX, Size: 640, Pixels: wire.Bytes, Score: 0.5, PerMinute: 60, Person: []int{15},
			Vehicle: []int{7, 2}, Veto: true}, []string{"a.onnx"}},
	} {
		for k := range want.files {
			want.files[k] = filepath.Join(dir, want.files[k])
		}
		d, files := c.Cameras[i].SecondOpinion()
		if !reflect.DeepEqual(d, want.detector) || !slices.Equal(files, want.files) {
			t.Errorf("camera %d: %+v with %v, want %+v with %v", i, d, files, want.detector, want.files)
		}
	}
	alone, err := ParseCamera("camera.yaml", []byte("id: a\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, files := alone.SecondOpinion(); !reflect.DeepEqual(d, hog) || files != nil {
		t.Errorf("without a word: %+v, %v", d, files)
	}
}
