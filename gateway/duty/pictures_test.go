package duty

import (
	"errors"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"sentrybox/drivers/mp4/mp4test"
)

// TestClipOfPictures: a clip of Motion JPEG comes as an image whose parts replace each other; one that
// browsers play does not.
func TestClipOfPictures(t *testing.T) {
	f := newFetching(t)
	if got, _ := f.do("GET", "/clip/"+one+"/pictures", nil); got != http.StatusNotFound {
		t.Errorf("before it is here: %d", got)
	}
	file := mp4test.MJPEG()
	for from := 0; from < len(file); from += 5000 {
		f.take(file, from, min(from+5000, len(file)))
	}
	f.here(file)
	got, body := f.do("GET", "/clip/"+one+"/pictures", nil)
	if got != http.StatusOK {
		t.Fatalf("%d %.100s", got, body)
	}
	n := 0
	for parts := multipart.NewReader(strings.NewReader(body+"--"+pictureBoundary+"--\r\n"), pictureBoundary); ; n++ {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if img, err := jpeg.DecodeConfig(p); err != nil || img.Width != 160 || p.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("picture %d: %v, %v", n, img, err)
		}
	}
	if n != 10 {
		t.Errorf("%d pictures", n)
	}
}

func TestClipOfVideoHasNoPictures(t *testing.T) {
	f := newFetching(t)
	file := mp4test.H264()
	for from := 0; from < len(file); from += 5000 {
		f.take(file, from, min(from+5000, len(file)))
	}
	f.here(file)
	if got, _ := f.do("GET", "/clip/"+one+"/pictures", nil); got != http.StatusNotFound {
		t.Errorf("%d", got)
	}
}
