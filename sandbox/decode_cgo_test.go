//go:build linux && cgo

package sandbox

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

// decodingActs decode and subtract the background within the sandbox, as the
// vision process does.
func decodingActs() map[string]act {
	m := map[string]act{}
	for file, codec := range map[string]uint8{
		"busy.h264": wire.CodecH264, "busy.h265": wire.CodecH265, "plain.mjpeg": wire.CodecMJPEG,
		"bench1080.h264": wire.CodecH264,
	} {
		m["decode "+file] = decoding("../analytics/cv/testdata/"+file, codec)
	}
	if file := os.Getenv("SENTRYBOX_SANDBOX_STREAM"); file != "" { // another H.265 stream, to measure
		m["decode "+file] = decoding(file, wire.CodecH265)
	}
	m["encode"] = encoding()
	return m
}

// encoding makes annotated video within the sandbox.
func encoding() act {
	const w, h = 1744, 720
	open := func() (*cv.Encoder, error) { return cv.NewEncoder(w, h, 80*time.Millisecond) }
	return act{
		prepare: func() error { // sets up what the next one needs
			e, err := open()
			if err != nil {
				return err
			}
			return e.Close()
		},
		within: func(Report) error {
			e, err := open()
			if err != nil {
				return err
			}
			img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
			pictures := 0
			count := func([]byte, time.Duration, bool) error { pictures++; return nil }
			for i := range 12 {
				for k := range img.Y {
					img.Y[k] = uint8(k*(i+1) + k/w)
				}
				if err := e.Encode(img, time.Duration(i)*80*time.Millisecond, count); err != nil {
					return err
				}
			}
			if err := errors.Join(e.Finish(count), e.Close()); err != nil {
				return err
			}
			if pictures != 12 {
				return fmt.Errorf("%d pictures of 12", pictures)
			}
			return nil
		},
	}
}

func decoding(file string, codec uint8) act {
	var aus [][]byte
	var self *os.File
	return act{
		prepare: func() error {
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			sep := map[uint8]string{
				wire.CodecH264: "\x00\x00\x00\x01\x09", wire.CodecH265: "\x00\x00\x00\x01\x46\x01", wire.CodecMJPEG: "\xff\xd8\xff",
			}[codec]
			for _, part := range strings.Split(string(b), sep)[1:] {
				aus = append(aus, []byte(sep+part))
			}
			if err := errors.Join(cv.KeepMemory(), cv.UseOneThread()); err != nil {
				return err
			}
			d, err := cv.NewDecoder(codec) // loads and sets up what the next one needs
			if err != nil {
				return err
			}
			if self, err = os.Open("/proc/self/status"); err != nil {
				return err
			}
			return d.Close()
		},
		within: func(Report) error {
			if err := watch(codec, aus); err != nil {
				return err
			}
			b := make([]byte, 4096)
			n, err := self.ReadAt(b, 0) // opened before: it can still be read
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			for line := range strings.Lines(string(b[:n])) {
				if strings.HasPrefix(line, "VmPeak") || strings.HasPrefix(line, "VmHWM") || strings.HasPrefix(line, "Threads") {
					fmt.Print(line)
				}
			}
			return nil
		},
	}
}

func watch(codec uint8, aus [][]byte) error {
	d, err := cv.NewDecoder(codec)
	if err != nil {
		return err
	}
	mog := gocv.NewBackgroundSubtractorMOG2WithParams(500, 16, false)
	mask := gocv.NewMat()
	defer func() { err = errors.Join(err, mask.Close(), mog.Close(), d.Close()) }()
	var l cv.Luma
	pictures := 0
	take := func() error {
		for {
			ok, err := d.Receive(&l)
			if !ok || err != nil {
				return err
			}
			pictures++
			m, err := gocv.NewMatFromBytes(l.Height, l.Width, gocv.MatTypeCV8U, l.Pix)
			if err != nil {
				return err
			}
			mog.Apply(m, &mask)
			if err := m.Close(); err != nil {
				return err
			}
		}
	}
	for i, au := range aus {
		if err := d.Send(au, time.Duration(i), i == 0); err != nil {
			return err
		}
		if err := take(); err != nil {
			return err
		}
		if i%5 == 0 {
			runtime.GC()
			go func() { runtime.LockOSThread() }() // a thread that comes and goes
		}
	}
	if err := errors.Join(d.Drain(), take()); err != nil {
		return err
	}
	if pictures != len(aus) {
		return fmt.Errorf("%d pictures of %d", pictures, len(aus))
	}
	if _, err := d.Snapshot(320); err != nil {
		return err
	}
	fmt.Printf("%d pictures, %d×%d from %d×%d\n", pictures, l.Width, l.Height, l.CodedWidth, l.CodedHeight)
	return nil
}
