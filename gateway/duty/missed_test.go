package duty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/text"
)

// missing is a room that was away while pictures went by.
type missing struct {
	*room
	*client
	broker *broker
}

func newMissing(t *testing.T) *missing {
	t.Helper()
	r := newRoom(t)
	if err := os.MkdirAll(r.clips.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.clips.stop)
	m := &missing{room: r, client: r.client(), broker: &broker{listening: map[string]bool{}}}
	if got := m.signIn("li", secret); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	m.say("status", `{"state":"online"}`)
	return m
}

func (m *missing) say(topic, payload string) {
	m.t.Helper()
	_, err := m.ledger.Hear(m.t.Context(), []ledger.Message{{Gateway: gate, Topic: topic, Payload: []byte(payload), At: m.now}})
	if err != nil {
		m.t.Fatal(err)
	}
}

// alert is heard now, and has a picture unless evidence says otherwise.
func (m *missing) alert(n, severity int, evidence ...string) (id string) {
	id = fmt.Sprintf("01JQ%022d", n)
	a := raised(id)
	a.Severity, a.Evidence = severity, []string{"thumb", "picture"}
	if evidence != nil {
		a.Evidence = evidence
	}
	m.hear(a)
	return id
}

// look has the console look for what was missed, and returns the alerts that gateways were asked about.
func (m *missing) look() []string {
	m.t.Helper()
	m.broker.pictures = nil
	m.clips.missed(m.t.Context())
	for _, f := range m.clips.jobs {
		f.feed = m.broker
	}
	m.clips.requests(m.t.Context())
	return m.broker.pictures
}

func (m *missing) asks(want ...string) {
	m.t.Helper()
	if got := m.look(); !slices.Equal(got, want) {
		m.t.Errorf("asked about %v, want %v", got, want)
	}
}

// send sends a picture as gateways do.
func (m *missing) send(id string, file []byte) {
	for from := 0; from < len(file); from += 5000 {
		piece := bytes.Replace(partOf(picture, file, from, min(from+5000, len(file)), checksum(file)), []byte(one), []byte(id), 1)
		m.clips.piece(m.t.Context(), gate, fmt.Sprintf("evidence/%s/picture/%d", id, from), piece)
	}
}

func (m *missing) refuse(id, why string) {
	m.clips.piece(m.t.Context(), gate, "cmd/duty-picture-"+id+"-ABCDEFGH/result", fmt.Appendf(nil, `{"state":"refused","error":%q}`, why))
}

// stands is what the page gets of an alert.
func (m *missing) stands(id string) (s shown) {
	m.t.Helper()
	got, body := m.do("GET", "/api/alerts/"+id, nil)
	var all struct{ Alert shown }
	if err := json.Unmarshal([]byte(body), &all); err != nil || got != http.StatusOK {
		m.t.Fatalf("%d %s", got, body)
	}
	return all.Alert
}

func photo(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i * i)
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, nil); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestMissedPicture: the picture of a grave alert that went by is asked for by itself: one at a time, once for each
// alert, also by a console that begins anew, and not once it has come after all.
func TestMissedPicture(t *testing.T) {
	m := newMissing(t)
	two, first, late := m.alert(2, 2), m.alert(1, 1), m.alert(3, 2)
	m.alert(4, 3)         // not grave
	m.alert(5, 1, "clip") // has none
	m.asks()              // pictures may be on their way
	m.now = m.now.Add(missedAfter)
	m.asks(first)
	m.asks()
	if s := m.stands(first); s.Thumb || !s.CanPic || s.Picture == nil || s.Picture.Status != "waiting" {
		t.Errorf("while it comes: %+v", s)
	}
	file := photo(t, 320, 240)
	m.send(first, file)
	if s := m.stands(first); !s.Thumb || s.CanPic || s.Picture != nil {
		t.Errorf("once it is here: %+v", s)
	}
	if got, body := m.do("GET", "/thumb/"+first, nil); got != http.StatusOK || body != string(file) {
		t.Errorf("%d, %d bytes", got, len(body))
	}
	m.asks(late)
	m.say("thumb/"+late, "\xff\xd8\xff\xe0 small")
	m.now = m.now.Add(clipStalled + time.Second)
	m.asks()
	if left := m.clips.of(item{late, picture}); left != nil {
		t.Errorf("it is still waited for: %+v", left)
	}
	m.asks(two)
	m.refuse(two, "gone")
	if s := m.stands(two); s.Picture == nil || s.Picture.Status != "failed" || s.Picture.Why == "gone" {
		t.Errorf("after a refusal: %+v", s.Picture)
	}
	m.asks()
	m.clips = newClips(m.Console, m.clips.dir)
	m.asks()
	if left, err := os.ReadDir(m.clips.dir); err != nil || len(left) != 0 || len(m.broker.listening) != 0 {
		t.Errorf("%v is left, %v; it listens to %v", left, err, m.broker.listening)
	}
	// A person may ask again.
	if got, body := m.do("POST", "/api/picture/"+two, nil); got != http.StatusOK {
		t.Fatalf("%d %s", got, body)
	}
	m.asks(two)
	m.send(two, file)
	if got, body := m.do("POST", "/api/picture/"+two, nil); got != http.StatusOK || body != "null\n" || !m.stands(two).Thumb {
		t.Errorf("%d %s", got, body)
	}
}

// TestMissedAreBounded: after a long absence not all pictures come at once; a gateway that is away is asked
// nothing, and one that sends what a person wants is left to it.
func TestMissedAreBounded(t *testing.T) {
	m := newMissing(t)
	for n := range missedHourly + 3 {
		m.alert(n+1, 2)
	}
	m.now = m.now.Add(missedAfter)
	m.say("status", `{"state":"offline"}`)
	m.asks()
	m.say("status", `{"state":"online"}`)
	last := fmt.Sprintf("01JQ%022d", missedHourly+3)
	if got, _ := m.do("POST", "/api/clip/"+last, nil); got != http.StatusOK {
		t.Fatal(got)
	}
	m.asks()
	m.clips.jobs[item{last, video}].status = "failed"
	asked := map[string]bool{}
	for range 2 * missedHourly {
		for _, id := range m.look() {
			asked[id] = true
			m.refuse(id, "gone")
		}
	}
	if len(asked) != missedHourly {
		t.Errorf("%d in an hour, want %d", len(asked), missedHourly)
	}
	m.now = m.now.Add(time.Hour + time.Second)
	if got := m.look(); len(got) != 1 || asked[got[0]] {
		t.Errorf("an hour later: %v", got)
	}
	m.refuse(m.broker.pictures[0], "gone")
	m.now = m.now.Add(missedWithin)
	m.asks()
}

// TestMissedHostile: what is no picture of that alert is not taken, and said in words.
func TestMissedHostile(t *testing.T) {
	vast := photo(t, 16, 16)
	at := bytes.Index(vast, []byte{0xFF, 0xC0}) // SOF0: length, precision, height, width (ITU-T T.81, B.2.2)
	copy(vast[at+5:], []byte{0xFF, 0xDC, 0xFF, 0xDC})
	for name, tc := range map[string]struct {
		file []byte
		why  text.Key
	}{
		"no picture":        {[]byte("<svg onload=alert(1)>"), "duty.why.media"},
		"a beginning alone": {[]byte{0xFF, 0xD8, 0xFF, 0xE0}, "duty.why.media"},
		"too many pixels":   {vast, "duty.why.media"},
		"too long":          {append(photo(t, 16, 16), make([]byte, ledger.MaxPicture)...), "duty.why.large"},
	} {
		file := tc.file
		m := newMissing(t)
		id := m.alert(1, 1)
		m.now = m.now.Add(missedAfter)
		m.asks(id)
		m.clips.piece(t.Context(), gate+"2", "evidence/"+id+"/picture/0", partOf(picture, file[:min(len(file), 99)], 0, min(len(file), 99), checksum(file)))
		if j := m.clips.of(item{id, picture}); j == nil || j.Status != "waiting" {
			t.Errorf("%s: after another gateway's word: %+v", name, j)
		}
		m.send(id, file)
		s := m.stands(id)
		if s.Thumb || s.Picture == nil || s.Picture.Status != "failed" || s.Picture.Why != text.T(text.Chinese, tc.why) {
			t.Errorf("%s: %+v, %+v", name, s.Thumb, s.Picture)
		}
		if got, _ := m.do("GET", "/thumb/"+id, nil); got != http.StatusNotFound {
			t.Errorf("%s is served: %d", name, got)
		}
		if left, err := os.ReadDir(m.clips.dir); err != nil || len(left) != 0 || len(m.broker.listening) != 0 {
			t.Errorf("%s: %v is left, %v; it listens to %v", name, left, err, m.broker.listening)
		}
	}
}
