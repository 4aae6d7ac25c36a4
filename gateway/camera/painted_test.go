package camera

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/media"
)

func picture(t *testing.T, width int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, 48)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRecordPainted: two pictures a second until the end of the recording, each once, of one shape; what
// fails meanwhile is left out.
func TestRecordPainted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, n := time.Now(), 0
		small, large := picture(t, 64), picture(t, 128)
		get := func(context.Context, int) ([]byte, time.Duration, error) {
			n++
			switch {
			case n == 3:
				return nil, 0, ErrNoPicture
			case n == 5:
				return large, 0, nil
			case n == 7:
				return []byte("no JPEG"), 0, nil
			case n > 8: // nothing is decoded any more
				return small, time.Since(begin) - 3*time.Second, nil
			}
			return small, 0, nil
		}
		units, err := recordPainted(t.Context(), get, Recording{At: begin, After: 10 * time.Second, MaxBytes: 1 << 20})
		if err != nil || len(units) != 5 || time.Since(begin) != 10*time.Second {
			t.Fatalf("%d pictures after %v, %v", len(units), time.Since(begin), err)
		}
		for i, want := range []float64{0, 0.5, 1.5, 2.5, 3.5} {
			u := units[i]
			if u.PTS.Seconds() != want || !u.Keyframe || u.Codec != media.MJPEG || len(u.Data) != len(small) {
				t.Errorf("%d: at %v, %d bytes", i, u.PTS, len(u.Data))
			}
		}
		if _, err := recordPainted(t.Context(), get, Recording{At: time.Now(), After: time.Second, MaxBytes: 10}); !errors.Is(err, ErrNoVideo) {
			t.Errorf("too large: %v", err)
		}
		never := func(context.Context, int) ([]byte, time.Duration, error) { return nil, 0, ErrNoPicture }
		if _, err := recordPainted(t.Context(), never, Recording{At: time.Now(), After: time.Second, MaxBytes: 1 << 20}); !errors.Is(err, ErrNoVideo) {
			t.Errorf("no picture: %v", err)
		}
	})
}
