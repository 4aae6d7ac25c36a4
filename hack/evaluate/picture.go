package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"strings"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
)

const (
	pictureWidth = 640
	lineWidth    = 2 // pixels
)

// drawFrame writes the picture that a video shows at a time, with a zone and a
// detection's box drawn on it, as a JPEG file.
func drawFrame(ctx context.Context, video string, at float64, zone config.Zone, d *detection, path string) error {
	src, err := frame(ctx, video, at)
	if err != nil {
		return err
	}
	img := image.NewRGBA(src.Bounds())
	draw.Draw(img, img.Bounds(), src, src.Bounds().Min, draw.Src)
	green := color.RGBA{0, 200, 60, 255}
	lines(img, zone.Line, false, green)
	lines(img, zone.Polygon, true, green)
	if d != nil {
		x, y, w, h := d.Box[0], d.Box[1], d.Box[2], d.Box[3]
		lines(img, []wire.Point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}, true, color.RGBA{255, 130, 0, 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 80}); err != nil {
		return fmt.Errorf("encode a picture: %w", err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write a picture: %w", err)
	}
	return nil
}

// frame decodes one picture. At the very end of a video nothing may follow the
// time asked for: then the one a little before it is taken.
func frame(ctx context.Context, video string, at float64) (image.Image, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var last error
	for _, before := range []float64{0, 0.3, 1.5} {
		cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-ss", fmt.Sprintf("%.3f", max(at-before, 0)), "-i", video,
			"-frames:v", "1", "-vf", fmt.Sprintf("scale=%d:-2", pictureWidth), "-f", "image2pipe", "-c:v", "png", "-")
		var out, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &said
		if err := cmd.Run(); err != nil {
			last = fmt.Errorf("ffmpeg: %w: %s", err, strings.TrimSpace(said.String()))
			continue
		}
		img, err := png.Decode(&out)
		if err == nil {
			return img, nil
		}
		last = fmt.Errorf("read ffmpeg's picture: %w", err)
	}
	return nil, last
}

// lines joins points given in fractions of the picture, and the last with the
// first if they are closed.
func lines(img *image.RGBA, points []wire.Point, closed bool, c color.RGBA) {
	w, h := float64(img.Bounds().Dx()-lineWidth), float64(img.Bounds().Dy()-lineWidth)
	for i, a := range points {
		if i+1 == len(points) && !closed {
			return
		}
		b := points[(i+1)%len(points)]
		ax, ay, dx, dy := a[0]*w, a[1]*h, (b[0]-a[0])*w, (b[1]-a[1])*h
		n := int(max(math.Abs(dx), math.Abs(dy))) + 1
		for k := range n + 1 {
			f := float64(k) / float64(n)
			x, y := int(ax+f*dx), int(ay+f*dy)
			draw.Draw(img, image.Rect(x, y, x+lineWidth, y+lineWidth), image.NewUniform(c), image.Point{}, draw.Src)
		}
	}
}
