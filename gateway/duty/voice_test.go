package duty

import (
	"net/http"
	"slices"
	"testing"

	"sentrybox/gateway/duty/ledger"
)

// TestVoice: the voice of a radio's alert is fetched as a clip is, and is sound for the browser.
func TestVoice(t *testing.T) {
	f := newFetching(t)
	card, err := f.ledger.Alert(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	card.Evidence = []string{"thumb", "voice"}
	if got := played(&card); got != voice {
		t.Errorf("%q is played", got)
	}
	delete(f.clips.jobs, one)
	if err := f.clips.ask(&card); err != nil {
		t.Fatal(err)
	}
	f.clips.jobs[one].feed = f.broker
	file := slices.Concat([]byte("RIFF\x00\x00\x00\x00WAVE"), movie(3, 20_000))
	f.take(file, 0, len(file)) // of the clip: not what was asked for
	f.stands("waiting", 0)
	f.clips.piece(gate, "evidence/"+one+"/voice/0", part(file, 0, len(file), checksum(file)))
	f.here(file)
	resp, err := f.Get(f.url + "/clip/" + one)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got := resp.Header.Get("Content-Type"); got != "audio/wav" || resp.StatusCode != http.StatusOK {
		t.Errorf("%s, %d", got, resp.StatusCode)
	}
	if _, part, ok := f.clips.here(one); !ok || part != voice {
		t.Errorf("%q is here, %v", part, ok)
	}
	var none ledger.Card
	if got := played(&none); got != "" {
		t.Errorf("%q of nothing is played", got)
	}
}
