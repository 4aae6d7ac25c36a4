//go:build cgo

// Command baseline is what Sentrybox is measured against: OpenCV's MOG2 with
// its default parameters, the foreground opened, and the largest blob's area. It
// prints the lines that `sentrybox replay` prints, for the kinds that such a detector
// can claim: motion, intrusion and loitering.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"sentrybox/analytics/cv"
	"sentrybox/drivers/mp4"
	"sentrybox/gateway/config"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "baseline:", err)
		os.Exit(1)
	}
}

func run() error {
	camera := flag.String("camera", "", "one entry of the config's cameras")
	flag.Parse()
	if *camera == "" || flag.NArg() != 1 {
		return errors.New("usage: baseline --camera FILE VIDEO, or an rtsp:// URL in its place")
	}
	cam, err := config.LoadCamera(*camera)
	if err != nil {
		return err
	}
	if strings.HasPrefix(flag.Arg(0), "rtsp://") {
		return live(cam, flag.Arg(0))
	}
	f, err := os.Open(flag.Arg(0))
	if err != nil {
		return fmt.Errorf("open the video: %w", err)
	}
	defer f.Close()
	video, err := mp4.Open(f)
	if err != nil {
		return fmt.Errorf("%s: %w", flag.Arg(0), err)
	}
	if err := cv.UseOneThread(); err != nil {
		return err
	}
	dec, err := cv.NewDecoder(uint8(video.Info().Codec))
	if err != nil {
		return err
	}
	d := newDetector(cam, os.Stdout)
	defer d.close()
	err = play(video, dec, d)
	if err = errors.Join(err, dec.Close(), d.finish()); err != nil {
		return err
	}
	return summary(video.Duration())
}

// play decodes every picture and hands it to the detector.
func play(video *mp4.Reader, dec *cv.Decoder, d *detector) error {
	var luma cv.Luma
	receive := func() error { return receive(dec, &luma, d) }
	for {
		au, err := video.Next()
		if errors.Is(err, io.EOF) {
			if err := dec.Drain(); err != nil {
				return err
			}
			return receive()
		}
		if err != nil {
			return err
		}
		if err := dec.Send(au.Data, au.PTS, au.Keyframe); err != nil && !errors.Is(err, cv.ErrDamaged) {
			return err
		}
		if err := receive(); err != nil {
			return err
		}
	}
}

// receive hands the detector what the decoder has ready.
func receive(dec *cv.Decoder, luma *cv.Luma, d *detector) error {
	for {
		ok, err := dec.Receive(luma)
		switch {
		case errors.Is(err, cv.ErrDamaged):
			continue
		case err != nil || !ok:
			return err
		}
		if err := d.step(luma); err != nil {
			return err
		}
	}
}

// summary prints the last line, as replay does.
func summary(length time.Duration) error {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return fmt.Errorf("ask for the CPU time used: %w", err)
	}
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"kind": "summary", "seconds": length.Seconds(), "cpu_seconds": cpu.Seconds(),
	})
}
