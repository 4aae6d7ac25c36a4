package duty

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestVoice: the voice of a radio's alert is fetched as a clip is, beside it, and is sound for
// the browser.
func TestVoice(t *testing.T) {
	f := newFetching(t)
	if got, body := f.do("POST", "/api/voice/"+one, nil); got != http.StatusOK {
		t.Fatalf("%d %s", got, body)
	}
	spoken := item{one, voice}
	f.clips.jobs[spoken].feed = f.broker
	f.clips.requests(t.Context())
	if !f.broker.listening[string(gate)+"/evidence/"+one+"/voice/#"] {
		t.Errorf("it listens to %v", f.broker.listening)
	}
	file := slices.Concat([]byte("RIFF\x00\x00\x00\x00WAVE"), movie(3, 20_000))
	f.clips.piece(t.Context(), gate, "evidence/"+one+"/voice/0", partOf(voice, file, 0, len(file), checksum(file)))
	f.stands("waiting", 0) // the clip
	if j := f.clips.of(spoken); j == nil || j.Status != "here" {
		t.Errorf("the voice: %+v", j)
	}
	resp, err := f.Get(f.url + "/voice/" + one)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got := resp.Header.Get("Content-Type"); got != "audio/wav" || resp.StatusCode != http.StatusOK {
		t.Errorf("%s, %d", got, resp.StatusCode)
	}
	if got, _ := f.do("GET", "/clip/"+one, nil); got != http.StatusNotFound {
		t.Errorf("a clip of a voice: %d", got)
	}
	f.clips.piece(t.Context(), gate, "cmd/duty-voice-"+one+"-ABCDEFGH/result", []byte(`{"state":"refused","error":"gone"}`)) // too late
	if j := f.clips.of(spoken); j == nil || j.Status != "here" {
		t.Errorf("the voice after a late word: %+v", j)
	}
	f.now = f.now.Add(clipAge + time.Hour)
	if itemOf(spoken.file()) != spoken || itemOf(one+videoFile) != (item{one, video}) {
		t.Error("a file's name does not say what it is")
	}
}
