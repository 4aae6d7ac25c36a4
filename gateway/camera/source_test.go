package camera

import (
	"testing"

	"sentrybox/drivers/rtsp"
)

// TestSourcesCompare: a camera asks whether two of its streams are one.
func TestSourcesCompare(t *testing.T) {
	for _, url := range []string{"rtsp://10.0.0.1/x", "dvrip://10.0.0.1/0", " DVRIP://u:p@10.0.0.1/0?stream=1"} {
		a, err := newSource(rtsp.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		b, err := newSource(rtsp.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if same := a; same != a || a == b {
			t.Errorf("%s: two sources are one, or one is two", url)
		}
	}
	if _, err := newSource(rtsp.Config{URL: "dvrip://10.0.0.1/gate"}); err == nil {
		t.Error("a channel that is a word was taken")
	}
}
