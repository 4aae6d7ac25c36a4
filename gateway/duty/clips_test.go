package duty

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/duty/ledger"
)

// broker notes what a clip asks of a feed.
type broker struct {
	asked     []int64  // from which byte on
	pictures  []string // the alerts of which it was asked
	listening map[string]bool
}

func (b *broker) Listen(g ledger.Gateway, rest string) error {
	b.listening[string(g)+"/"+rest] = true
	return nil
}

func (b *broker) Unlisten(g ledger.Gateway, rest string) { delete(b.listening, string(g)+"/"+rest) }

func (b *broker) Command(_ ledger.Gateway, id string, body map[string]any, _ time.Duration) error {
	from, _ := body["from"].(int64)
	if strings.HasPrefix(id, "duty-clip-"+one+"-") && body["part"] == "clip" && body["alert"] == one {
		b.asked = append(b.asked, from)
	}
	if about, _ := body["alert"].(string); strings.HasPrefix(id, "duty-picture-"+about+"-") && body["part"] == "picture" {
		b.pictures = append(b.pictures, about)
	}
	return nil
}

// fetching is a room that has begun to fetch the clip of one alert.
type fetching struct {
	*room
	*client
	broker *broker
}

func newFetching(t *testing.T) *fetching {
	t.Helper()
	r := newRoom(t)
	if err := os.MkdirAll(r.clips.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.clips.stop)
	r.hear(raised(one))
	f := &fetching{room: r, client: r.client(), broker: &broker{listening: map[string]bool{}}}
	if got := f.signIn("li", secret); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	f.ask()
	return f
}

// ask presses the button.
func (f *fetching) ask() {
	f.t.Helper()
	if got, body := f.do("POST", "/api/clip/"+one, nil); got != http.StatusOK {
		f.t.Fatalf("%d %s", got, body)
	}
	f.clips.jobs[item{one, video}].feed = f.broker
	f.clips.requests(f.t.Context())
}

func movie(seed uint64, size int) []byte {
	b, rng := make([]byte, size), rand.New(rand.NewPCG(seed, 7))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// part is a piece of a clip as gateways send it.
func part(file []byte, from, to int, sum string) []byte { return partOf(video, file, from, to, sum) }

// partOf is a piece of a part of the one alert's evidence.
func partOf(what string, file []byte, from, to int, sum string) []byte {
	return append(fmt.Appendf(nil, `{"alert":%q,"part":%q,"offset":%d,"length":%d,"total":%d,"sha256":%q}`+"\n", one, what, from, to-from, len(file), sum), file[from:to]...)
}

func checksum(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

func (f *fetching) take(file []byte, from, to int) {
	f.clips.piece(f.t.Context(), gate, "evidence/"+one+"/clip/"+fmt.Sprint(from), part(file, from, to, checksum(file)))
}

func (f *fetching) stands(status string, percent int) {
	f.t.Helper()
	if j := f.clips.of(item{one, video}); j == nil || j.Status != status || j.Percent != percent {
		f.t.Errorf("it is %+v, want %s at %d %%", j, status, percent)
	}
}

// here holds what the page gets against a file.
func (f *fetching) here(file []byte) {
	f.t.Helper()
	f.stands("here", 100)
	if got, body := f.do("GET", "/clip/"+one, nil); got != http.StatusOK || body != string(file) {
		f.t.Errorf("%d, %d bytes, want %d", got, len(body), len(file))
	}
	if len(f.broker.listening) != 0 {
		f.t.Errorf("still listens to %v", f.broker.listening)
	}
}

// TestClipPieces: pieces in any order, twice, and overlapping make the file.
func TestClipPieces(t *testing.T) {
	for seed := range uint64(8) {
		f, rng, file := newFetching(t), rand.New(rand.NewPCG(seed, 3)), movie(seed, 5000)
		var cuts [][2]int
		for from := 0; from < len(file); from += 400 {
			cuts = append(cuts, [2]int{from, min(from+400, len(file))}, [2]int{from, min(from+400+rng.IntN(300), len(file))})
		}
		rng.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
		for _, c := range cuts {
			f.take(file, c[0], c[1])
		}
		f.here(file)
	}
}

func TestClipProgress(t *testing.T) {
	f, file := newFetching(t), movie(1, 1000)
	f.stands("waiting", 0)
	f.take(file, 0, 100)
	f.take(file, 500, 700)
	f.take(file, 0, 100)
	f.stands("coming", 30)
	if got, _ := f.do("GET", "/clip/"+one, nil); got != http.StatusNotFound {
		t.Errorf("half a file is served with %d", got)
	}
}

// TestClipAnother: a file that has become another meanwhile begins anew, and is whole.
func TestClipAnother(t *testing.T) {
	f, old, file := newFetching(t), movie(1, 3000), movie(2, 1000)
	f.take(old, 0, 2900)
	f.take(file, 400, 1000)
	f.stands("coming", 60)
	f.take(file, 0, 400)
	f.here(file)
}

// TestClipWrongChecksum: it is fetched anew, but not for ever.
func TestClipWrongChecksum(t *testing.T) {
	f, file := newFetching(t), movie(1, 1000)
	for n := range maxWrong {
		if len(f.broker.asked) != n+1 {
			t.Errorf("asked %d times, want %d", len(f.broker.asked), n+1)
		}
		f.clips.piece(f.t.Context(), gate, "evidence/"+one+"/clip/0", part(file, 0, len(file), checksum(file[1:])))
		f.clips.requests(t.Context())
	}
	f.stands("failed", 0)
	left, err := os.ReadDir(f.clips.dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	f.ask()
	f.take(file, 0, len(file))
	f.here(file)
}

func TestClipRefused(t *testing.T) {
	f, file := newFetching(t), movie(1, 1000)
	answer := func(g ledger.Gateway, about, state, why string) {
		b, _ := json.Marshal(map[string]string{"state": state, "error": why})
		f.clips.piece(f.t.Context(), g, "cmd/duty-clip-"+about+"-ABCDEFGH/result", b)
	}
	answer(gate+"2", one, "refused", "unknown")
	answer(gate, "01JQ0000000000000000000002", "refused", "unknown")
	answer(gate, one, "done", "")
	answer(gate, one, "refused", "busy") // it is asked again
	f.stands("waiting", 0)
	answer(gate, one, "refused", "gone")
	f.stands("failed", 0)
	if j := f.clips.of(item{one, video}); j.Why != "gone" {
		t.Errorf("why: %q", j.Why)
	}
	f.take(file, 0, len(file)) // too late
	f.stands("failed", 0)
}

// TestClipStalled: what is missing is asked for again from its first byte, not sooner than needed and not
// of a gateway that is not to be reached, and given up in the end.
func TestClipStalled(t *testing.T) {
	f, file := newFetching(t), movie(1, 1000)
	want := func(asked ...int64) {
		t.Helper()
		f.clips.requests(t.Context())
		if fmt.Sprint(f.broker.asked) != fmt.Sprint(asked) {
			t.Errorf("asked from %v, want %v", f.broker.asked, asked)
		}
	}
	want(0)
	f.now = f.now.Add(clipStalled - time.Second)
	f.take(file, 0, 300)
	f.take(file, 600, 700)
	f.now = f.now.Add(2 * time.Second)
	want(0)
	f.now = f.now.Add(clipStalled)
	want(0, 300)
	state := func(s string) {
		m := ledger.Message{Gateway: gate, Topic: "status", Payload: []byte(`{"state":"` + s + `"}`), At: f.now}
		if _, err := f.ledger.Hear(t.Context(), []ledger.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	state("offline")
	f.now = f.now.Add(2 * clipStalled)
	want(0, 300)
	state("online")
	want(0, 300, 300)
	f.now = f.now.Add(clipGiveUp)
	want(0, 300, 300)
	f.stands("failed", 0)
	f.now = f.now.Add(clipGiveUp + time.Second)
	f.clips.due()
	if j := f.clips.of(item{one, video}); j != nil {
		t.Errorf("a failure stays for ever: %+v", j)
	}
}

// TestClipStrange: what nobody has asked for, and what is no piece, changes nothing.
func TestClipStrange(t *testing.T) {
	f, file := newFetching(t), movie(1, 100)
	sum := checksum(file)
	good := string(part(file, 0, 100, sum))
	whose := `"alert":"` + one + `","part":"clip",`
	head := func(s string) string { return s + "\n" + string(file) }
	for _, m := range []struct {
		g              ledger.Gateway
		topic, payload string
	}{
		{gate + "2", "evidence/" + one + "/clip/0", good},
		{gate, "evidence/01JQ0000000000000000000002/clip/0", good},
		{gate, "evidence/../../" + one, good},
		{gate, "evidence/" + one + "/picture/0", good},
		{gate, "evidence/" + one + "/clip", good},
		{gate, "evidence/" + one + "/clip/0", ""},
		{gate, "evidence/" + one + "/clip/0", "no head"},
		{gate, "evidence/" + one + "/clip/0", head(`{` + whose + `"offset":-1,"total":100,"sha256":"` + sum + `"}`)},
		{gate, "evidence/" + one + "/clip/0", head(`{` + whose + `"offset":1,"total":100,"sha256":"` + sum + `"}`)},
		{gate, "evidence/" + one + "/clip/0", head(`{` + whose + `"offset":9223372036854775807,"total":100,"sha256":"` + sum + `"}`)},
		{gate, "evidence/" + one + "/clip/0", head(`{` + whose + `"offset":0,"total":-100,"sha256":"` + sum + `"}`)},
		{gate, "evidence/" + one + "/clip/0", head(`{` + whose + `"offset":0,"total":100,"sha256":"short"}`)},
		{gate, "evidence/" + one + "/clip/0", string(partOf(picture, file, 0, 100, sum))},
		{gate, "evidence/" + one + "/clip/0", strings.Replace(good, one, "01JQ0000000000000000000002", 1)},
	} {
		f.clips.piece(f.t.Context(), m.g, m.topic, []byte(m.payload))
		f.stands("waiting", 0)
	}
	for _, path := range []string{"/clip/..%2f..%2fduty.db", "/clip/..%2fduty", "/clip/x", "/thumb/..%2f" + one} {
		if got, _ := f.do("GET", path, nil); got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
	scattered := movie(2, 4*maxSpans)
	for n := range maxSpans + 1 {
		f.take(scattered, 2*n, 2*n+1)
	}
	f.stands("failed", 0)
}

// TestClipSweep: files go when they are old, the oldest when they are too many, and parts that nobody fetches.
func TestClipSweep(t *testing.T) {
	f := newFetching(t)
	write := func(name string, size int64, age time.Duration) {
		path := filepath.Join(f.clips.dir, name)
		file, err := os.Create(path)
		if err == nil {
			err = file.Truncate(size) // without taking room
		}
		if err == nil {
			err = file.Close()
		}
		if err == nil {
			err = os.Chtimes(path, f.now.Add(-age), f.now.Add(-age))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("new.mp4", maxKept/2, time.Hour)
	write("second.mp4", maxKept/2, 2*time.Hour)
	write("third.mp4", 1, 3*time.Hour)
	write("old.mp4", 1, clipAge+time.Hour)
	write("other.mp4.part", 1, time.Hour)
	write(one+".mp4.part", 1, time.Hour)
	f.clips.sweep()
	left, err := os.ReadDir(f.clips.dir)
	if err != nil || len(left) != 3 || left[0].Name() != one+".mp4.part" || left[1].Name() != "new.mp4" || left[2].Name() != "second.mp4" {
		t.Errorf("%v is left, %v", left, err)
	}
}
