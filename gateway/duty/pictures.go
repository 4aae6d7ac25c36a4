package duty

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
	"sentrybox/gateway/duty/ledger"
)

const (
	pictureBoundary = "picture"
	// pictureGap is the longest time between two pictures, whatever a clip says.
	pictureGap    = 2 * time.Second
	pictureWithin = 10 * time.Second // to be taken by the browser
)

// pictures plays a clip of single pictures, as a camera's with private parts is: browsers do not
// play Motion JPEG in a video element, but all of them show it as an image whose parts replace each other
// (multipart/x-mixed-replace).
func (c *Console) pictures(w http.ResponseWriter, r *http.Request, _ *asker) error {
	id := r.PathValue("id")
	if _, err := ulid.ParseStrict(id); err != nil {
		return ledger.ErrUnknown
	}
	f, err := os.Open(c.clips.path(item{id, video}))
	if err != nil {
		return ledger.ErrUnknown
	}
	defer func() { _ = f.Close() }()
	clip, err := mp4.Open(f)
	if err != nil || clip.Info().Codec != media.MJPEG {
		return ledger.ErrUnknown
	}
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary="+pictureBoundary)
	out := http.NewResponseController(w)
	last := time.Duration(-1)
	for {
		au, err := clip.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var broken *mp4.SampleError
		if errors.As(err, &broken) {
			continue
		}
		if err != nil {
			return nil // it has begun, and a browser shows what has come
		}
		if last >= 0 {
			select {
			case <-r.Context().Done():
				return nil
			case <-time.After(min(max(au.PTS-last, 0), pictureGap)):
			}
		}
		last = au.PTS
		_ = out.SetWriteDeadline(time.Now().Add(pictureWithin)) // without it the server's own holds
		_, err = fmt.Fprintf(w, "--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", pictureBoundary, len(au.Data), au.Data)
		if err = errors.Join(err, out.Flush()); err != nil {
			return nil // the browser is gone
		}
	}
}
