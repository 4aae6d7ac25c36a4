package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sentrybox/analytics/analyticstest"
)

const (
	vtest = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
	fps   = 25
	noise = "noise=alls=6:allf=t" // of a sensor: no two pictures are the same
)

// stream is what a simulated camera sends.
type stream struct {
	name          string
	width, height int
	rate          string // bits a second
	idle          bool
	sub           string // the stream that the same camera sends beside it
}

// streams are those that are compared on.
func streams() []stream {
	return []stream{
		{"idle-1080p", 1920, 1080, "3M", true, "idle-640x360"},
		{"busy-1080p", 1920, 1080, "3M", false, "busy-640x360"},
		{"idle-640x360", 640, 360, "500k", true, ""},
		{"busy-640x360", 640, 360, "500k", false, ""},
	}
}

func (b *bench) clip(name string) string {
	return filepath.Join(b.Dir, fmt.Sprintf("%s-%d.mp4", name, int(b.plan.footage.Seconds())))
}

// walk is the clip in which somebody crosses the picture, and its line, once.
func (b *bench) walk() string { return filepath.Join(b.Dir, "walk.mp4") }

// prepare makes the footage that is not there yet: people on a square, as a
// camera would send them, with a keyframe every two seconds; the same square with nobody
// on it.
func (b *bench) prepare(ctx context.Context) error {
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the footage: %w", err)
	}
	empty := filepath.Join(b.Dir, "empty.png")
	// The median of pictures that are far apart has nobody in it.
	err := make1(empty, func(out string) error {
		return ffmpeg(ctx, nil, "-i", vtest, "-vf", "select='not(mod(n,20))',tmedian=radius=15", "-vsync", "0", "-frames:v", "1", out)
	})
	if err != nil {
		return err
	}
	for _, s := range streams() {
		in := []string{"-i", vtest}
		if s.idle {
			in = []string{"-loop", "1", "-framerate", "25", "-i", empty}
		}
		err := make1(b.clip(s.name), func(out string) error {
			args := append(in, "-t", fmt.Sprint(b.plan.footage.Seconds()), "-an",
				"-vf", fmt.Sprintf("fps=%d,scale=%d:%d,%s", fps, s.width, s.height, noise))
			return ffmpeg(ctx, nil, append(append(args, encode(s.rate)...), out)...)
		})
		if err != nil {
			return err
		}
	}
	return make1(b.walk(), func(out string) error { return drawWalk(ctx, out) })
}

// encode is how a camera encodes: no B-pictures, its rate held.
func encode(rate string) []string {
	return []string{"-c:v", "libx264", "-preset", "veryfast", "-b:v", rate, "-maxrate", rate, "-bufsize", rate,
		"-g", fmt.Sprint(2 * fps), "-keyint_min", fmt.Sprint(2 * fps), "-sc_threshold", "0", "-bf", "0", "-pix_fmt", "yuv420p", "-movflags", "+faststart"}
}

const walkLength = 16 * time.Second

// drawWalk draws somebody who crosses an empty yard once, and the line in its middle.
func drawWalk(ctx context.Context, out string) error {
	s := &analyticstest.Scene{Width: 1920, Height: 1080, Seed: 5, Noise: 2,
		Actors: []analyticstest.Actor{{Height: 0.4, Shade: 40, Path: []analyticstest.Step{
			{At: 2 * time.Second, X: -0.1, Y: 0.8}, {At: 8 * time.Second, X: 1.1, Y: 0.8}}}}}
	r, w := io.Pipe()
	drawn := make(chan error, 1)
	go func() {
		pic := make([]byte, s.Width*s.Height)
		var err error
		for i := 0; i < int(walkLength.Seconds())*fps && err == nil; i++ {
			s.Draw(pic, time.Duration(i)*time.Second/fps)
			_, err = w.Write(pic)
		}
		_ = w.Close() // returns nil
		drawn <- err
	}()
	args := []string{"-f", "rawvideo", "-pix_fmt", "gray", "-s", "1920x1080", "-r", fmt.Sprint(fps), "-i", "-"}
	err := ffmpeg(ctx, r, append(append(args, encode("3M")...), out)...)
	_ = r.Close() // lets the drawing end
	return errors.Join(err, <-drawn)
}

// make1 makes a file unless it is there, whole or not at all.
func make1(path string, f func(out string) error) error {
	if st, err := os.Stat(path); err == nil && st.Size() > 0 {
		return nil
	}
	note("making %s", path)
	part := filepath.Join(filepath.Dir(path), "part-"+filepath.Base(path))
	if err := f(part); err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return os.Rename(part, path)
}

func ffmpeg(ctx context.Context, in io.Reader, args ...string) error {
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-v", "error", "-y"}, args...)...)
	cmd.Stdin, cmd.Stderr = in, os.Stderr
	return cmd.Run()
}
