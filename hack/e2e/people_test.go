//go:build e2e

package e2e

import (
	"image"
	"math/rand/v2"
	"os/exec"
	"testing"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/confirm"
)

// TestOpenCVKnowsPeople shows real people from Debian's opencv-doc to OpenCV's own
// detector, and as many places without any.
func TestOpenCVKnowsPeople(t *testing.T) {
	const width, height, fps = 768, 576, 10
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-t", "30", "-i", "/usr/share/doc/opencv-doc/examples/data/vtest.avi",
		"-r", "10", "-pix_fmt", "gray", "-f", "rawvideo", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	var footage [][]byte
	for ; len(out) >= width*height; out = out[width*height:] {
		footage = append(footage, out[:width*height])
	}
	background, people := analyticstest.CutPeople(width, height, fps, footage)
	d, err := confirm.NewHOG()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }() // returns nil
	rng := rand.New(rand.NewPCG(1, 2))
	sees := func(pic []byte, body image.Rectangle) bool {
		view, _ := d.View(body)
		c := confirm.Crop{Width: view.Dx(), Height: view.Dy(), Body: confirm.Rect{
			X0: float64(body.Min.X - view.Min.X), Y0: float64(body.Min.Y - view.Min.Y),
			X1: float64(body.Max.X - view.Min.X), Y1: float64(body.Max.Y - view.Min.Y)}}
		for y := view.Min.Y; y < view.Max.Y; y++ {
			for x := view.Min.X; x < view.Max.X; x++ {
				c.Pix = append(c.Pix, pic[min(max(y, 0), height-1)*width+min(max(x, 0), width-1)])
			}
		}
		s, err := d.Detect(&c)
		if err != nil {
			t.Fatal(err)
		}
		return s.Person >= 0.5
	}
	there, gone, shown := 0, 0, 0
	for _, p := range people {
		for i := 0; i < len(p.Frames); i += 3 {
			f := &p.Frames[i]
			at := image.Pt(100+rng.IntN(width-200-f.Width), 100+rng.IntN(height-150-f.Height))
			pic := append([]byte(nil), background...)
			for y := range f.Height {
				for x := range f.Width {
					if f.Alpha[y*f.Width+x] == 255 {
						pic[(at.Y+y)*width+at.X+x] = f.Luma[y*f.Width+x]
					}
				}
			}
			body := image.Rect(at.X, at.Y, at.X+f.Width, at.Y+f.Height)
			shown++
			if sees(pic, body) {
				there++
			}
			if sees(background, body) {
				gone++
			}
		}
	}
	t.Logf("seen %d of %d, and %d where nobody is", there, shown, gone)
	if shown < 6 || 2*there < shown || 10*gone > shown {
		t.Errorf("seen %d of %d, and %d where nobody is", there, shown, gone)
	}
}
