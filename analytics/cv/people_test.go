//go:build cgo

package cv

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"sentrybox/analytics/analyticstest"
)

// shade returns a grey crop of the networks' size with one pixel of another grey.
func shade(grey, pixel byte) []byte {
	pix := bytes.Repeat([]byte{grey}, analyticstest.NetSize*analyticstest.NetSize)
	pix[5*analyticstest.NetSize+7] = pixel
	return pix
}

func TestNetworks(t *testing.T) {
	const size = analyticstest.NetSize
	weights, cfg := analyticstest.DarkNet()
	for _, tc := range []struct {
		name          string
		format        Format
		model, config []byte
		shape         []int
		score         func([]float32) float32
	}{
		{"Darknet", Darknet, weights, cfg, []int{1, 6}, func(d []float32) float32 { return d[5] }},
		{"YOLOv5", ONNX, analyticstest.ONNX(false), nil, []int{1, 8, 6}, func(d []float32) float32 { return d[4] }},
		{"YOLOv8", ONNX, analyticstest.ONNX(true), nil, []int{1, 5, 8}, func(d []float32) float32 { return d[32] }},
	} {
		n, err := OpenNet(tc.format, tc.model, tc.config)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		for _, dark := range []bool{true, false} {
			pixel := byte(160)
			if dark {
				pixel = 20
			}
			out, err := n.Run(shade(120, pixel), size, size, size, 1./255, 0)
			if err != nil || len(out) != 1 || !slices.Equal(out[0].Shape, tc.shape) {
				t.Fatalf("%s: %v, %v", tc.name, out, err)
			}
			if s := tc.score(out[0].Data); dark != (s > 0.5) || math.IsNaN(float64(s)) {
				t.Errorf("%s, dark %v: score %v", tc.name, dark, s)
			}
		}
		if _, err := n.Run(nil, size, size, size, 1, 0); !errors.Is(err, ErrDetector) {
			t.Errorf("%s without pixels: %v", tc.name, err)
		}
		// A size that the network was not made for is an error or another shape,
		// and nothing worse.
		_, _ = n.Run(shade(120, 20), size, size, 8, 1, 0)
		if err := errors.Join(n.Close(), n.Close()); err != nil {
			t.Error(err)
		}
		if _, err := n.Run(shade(0, 0), size, size, size, 1, 0); !errors.Is(err, ErrClosed) {
			t.Errorf("%s closed: %v", tc.name, err)
		}
	}
}

func TestDamagedNetworks(t *testing.T) {
	weights, cfg := analyticstest.DarkNet()
	onnx := analyticstest.ONNX(false)
	for name, tc := range map[string]struct {
		format        Format
		model, config []byte
	}{
		"weights cut short":    {Darknet, weights[:len(weights)-4], cfg},
		"weights too long":     {Darknet, append(slices.Clone(weights), 0, 0, 0, 0), cfg},
		"header alone":         {Darknet, weights[:10], cfg},
		"no cfg":               {Darknet, weights, []byte("hello")},
		"unknown layer":        {Darknet, weights, append(slices.Clone(cfg), "\n[nonsense]\n"...)},
		"cfg of another":       {Darknet, weights, bytes.Replace(cfg, []byte("filters=6"), []byte("filters=12"), 1)},
		"ONNX cut short":       {ONNX, onnx[:len(onnx)/2], nil},
		"ONNX of rubbish":      {ONNX, bytes.Repeat([]byte{8, 7}, 100), nil},
		"ONNX with no nodes":   {ONNX, onnx[:2], nil},
		"ONNX that is Darknet": {ONNX, weights, nil},
	} {
		n, err := OpenNet(tc.format, tc.model, tc.config)
		if err == nil {
			// It may be found out only when it runs.
			_, err = n.Run(shade(120, 20), analyticstest.NetSize, analyticstest.NetSize, analyticstest.NetSize, 1, 0)
			if cerr := n.Close(); cerr != nil {
				t.Error(cerr)
			}
		}
		if !errors.Is(err, ErrDetector) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenNet(Darknet, weights, nil); err == nil {
		t.Error("weights without a .cfg are taken")
	}
}

func TestHOG(t *testing.T) {
	h, err := NewHOG()
	if err != nil {
		t.Fatal(err)
	}
	pix := bytes.Repeat([]byte{120}, 80*160)
	if w, err := h.Windows(pix, 80, 160, 1, -10); err != nil || len(w) == 0 {
		t.Errorf("without a least weight: %d windows, %v", len(w), err)
	}
	if w, err := h.Windows(pix, 80, 160, 1, 0); err != nil || len(w) != 0 {
		t.Errorf("in plain grey: %v, %v", w, err)
	}
	for _, bad := range []struct {
		w, h  int
		scale float64
	}{{80, 161, 1}, {0, 160, 1}, {80, -1, 1}, {80, 160, 0}, {80, 160, math.NaN()}, {80, 160, 1e6}, {80, 160, 1e-6}} {
		if _, err := h.Windows(pix, bad.w, bad.h, bad.scale, 0); !errors.Is(err, ErrDetector) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if w, err := h.Windows(pix[:4], 2, 2, 1, 0); err != nil || len(w) != 0 { // smaller than a window
		t.Errorf("2×2: %v, %v", w, err)
	}
	if err := errors.Join(h.Close(), h.Close()); err != nil {
		t.Error(err)
	}
	if _, err := h.Windows(pix, 80, 160, 1, 0); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
