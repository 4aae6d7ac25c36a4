package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // the photographs
	"os"
	"os/exec"
	"path/filepath"

	"sentrybox/analytics/analyticstest"
)

// The footage of opencv-doc that people are cut out of: 10 pictures a second from
// a camera above a square.
const (
	footageFile   = "vtest.avi"
	footageWidth  = 768
	footageHeight = 576
	footageRate   = 10
	footageLength = 600 // pictures
)

func loadStock(ctx context.Context, dir string) (analyticstest.Stock, error) {
	var s analyticstest.Stock
	footage, err := decode(ctx, filepath.Join(dir, footageFile))
	if err != nil {
		return s, err
	}
	var background []byte
	background, s.People = analyticstest.CutPeople(footageWidth, footageHeight, footageRate, footage)
	s.Square = &image.Gray{Pix: background, Stride: footageWidth, Rect: image.Rect(0, 0, footageWidth, footageHeight)}
	if s.Street, err = photo(filepath.Join(dir, "leuvenA.jpg")); err != nil {
		return s, err
	}
	s.Facade, err = photo(filepath.Join(dir, "building.jpg"))
	return s, err
}

// decode reads the luma of footage.
func decode(ctx context.Context, path string) ([][]byte, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-frames:v", fmt.Sprint(footageLength),
		"-vf", "extractplanes=y", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w: %s", path, err, bytes.TrimSpace(said.Bytes()))
	}
	const size = footageWidth * footageHeight
	if len(out) < 100*size {
		return nil, fmt.Errorf("decode %s: %d bytes of luma, want at least 100 pictures of %d×%d", path, len(out), footageWidth, footageHeight)
	}
	var pictures [][]byte
	for ; len(out) >= size; out = out[size:] {
		pictures = append(pictures, out[:size])
	}
	return pictures, nil
}

func photo(path string) (*image.Gray, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open a photograph: %w", err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	grey := image.NewGray(img.Bounds())
	draw.Draw(grey, grey.Rect, img, img.Bounds().Min, draw.Src)
	return grey, nil
}
