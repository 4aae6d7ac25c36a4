package influx

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// narrow is a line that carries a point in a second.
type narrow struct{ taken int }

func (n *narrow) RoundTrip(r *http.Request) (*http.Response, error) {
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	points := bytes.Count(bytes.TrimSpace(body), []byte("\n")) + 1
	select {
	case <-time.After(time.Duration(points) * time.Second):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	n.taken += points
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

// TestNarrowLine: a batch that takes longer than a write may goes in pieces, and is not begun anew for ever.
func TestNarrowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 100 {
			names = append(names, fmt.Sprint("m", i))
		}
		src := &source{changed: make(chan struct{})}
		src.batches = append(src.batches, batch(1, names...), batch(2, names...))
		line := &narrow{}
		w := New(Config{URL: "http://192.0.2.7", Org: "o", Bucket: "b", Token: "t", Source: src, Transport: line})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if st := w.Stats(); st.Written != 200 || st.Phase != Online || line.taken != 200 {
			t.Errorf("%+v, %d points taken", st, line.taken)
		}
	})
}
