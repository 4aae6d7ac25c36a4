package influx

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/uplink/spool"
)

// fake is a strict server: it takes well-formed lines for its bucket from who has
// the token, and does what it is told besides.
type fake struct {
	mu     sync.Mutex
	lines  map[string]int                                        // guarded by mu: how often each was taken
	answer func(n int, lines []string) (code int, header string) // guarded by mu: 0 takes them
	asked  int                                                   // guarded by mu
	most   int                                                   // lines in one write
}

var wellFormed = regexp.MustCompile(`^sentrybox(,[a-z_]+=(\\.|[^ ,=\\])+)* [a-z_]+=-?[0-9.e+-]+(,[a-z_]+=-?[0-9.e+-]+)* [0-9]{19}$`)

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	z, err := gzip.NewReader(r.Body)
	if err != nil || r.URL.Path != "/api/v2/write" || r.URL.Query().Get("org") != "街道" || r.URL.Query().Get("bucket") != "b" {
		http.Error(w, `{"code":"not found","message":"what is that"}`, http.StatusNotFound)
		return
	}
	if r.Header.Get("Authorization") != "Token t0ken" {
		http.Error(w, `{"code":"unauthorized","message":"no"}`, http.StatusUnauthorized)
		return
	}
	body, _ := io.ReadAll(z)
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	f.most = max(f.most, len(lines))
	if f.answer != nil {
		if code, header := f.answer(f.asked, lines); code != 0 {
			w.Header().Set("Retry-After", header)
			http.Error(w, fmt.Sprintf(`{"code":"x","message":"status %d"}`, code), code)
			return
		}
	}
	for _, l := range lines {
		if !wellFormed.MatchString(l) {
			http.Error(w, `{"code":"invalid","message":"unable to parse: `+strings.ReplaceAll(l, `"`, "'")+`"}`, http.StatusBadRequest)
			return
		}
	}
	for _, l := range lines {
		f.lines[l]++
	}
	w.WriteHeader(http.StatusNoContent)
}

// source is a spool in memory.
type source struct {
	mu      sync.Mutex
	batches []spool.Batch // guarded by mu
	done    []int64       // guarded by mu
	changed chan struct{}
}

func (s *source) Changed() <-chan struct{} { return s.changed }

func (s *source) Next(n int, _ map[int64]struct{}) ([]spool.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches[:min(n, len(s.batches))], nil
}

func (s *source) Done(seqs ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, seqs...)
	s.batches = s.batches[1:]
}

func batch(seq int64, names ...string) spool.Batch {
	b := spool.Batch{Seq: seq}
	for i, n := range names {
		b.Series = append(b.Series, spool.Series{Name: n, Labels: map[string]string{"camera": "gate east, 岗=1"}, Samples: []spool.Sample{
			{Time: time.Unix(1_770_000_000+seq, int64(i)), Mean: 1.5, Min: 1, Max: 2, Count: 2}}})
	}
	return b
}

type rig struct {
	*Writer
	fake     *fake
	source   *source
	rejected []string
}

func newRig(t *testing.T, token string, batches ...spool.Batch) *rig {
	t.Helper()
	r := &rig{fake: &fake{lines: map[string]int{}}, source: &source{batches: batches, changed: make(chan struct{})}}
	server := httptest.NewServer(r.fake)
	t.Cleanup(server.Close)
	r.Writer = New(Config{URL: server.URL, Org: "街道", Bucket: "b", Token: token, Tags: map[string]string{"gateway": "gw-1"}, Source: r.source,
		Quarantine: func(lines []string, why string) {
			if why == "" {
				t.Error("no reason")
			}
			r.rejected = append(r.rejected, lines...)
		}})
	return r
}

// all writes until there is nothing more or it has to wait.
func (r *rig) all(t *testing.T) (waits []time.Duration) {
	t.Helper()
	failures := 0
	for range 100 {
		wait, wrote := r.next(t.Context(), &failures)
		if wrote {
			continue
		}
		if wait == 0 {
			return waits
		}
		waits = append(waits, wait)
		if len(waits) > 5 {
			return waits
		}
	}
	t.Fatal("no end")
	return nil
}

func TestWrite(t *testing.T) {
	folded := batch(3, "x")
	folded.Resolution = time.Hour
	r := newRig(t, "t0ken", batch(1, "camera_bytes", "alerts_open"), batch(2, "y"), folded)
	if waits := r.all(t); len(waits) > 0 {
		t.Errorf("waited %v", waits)
	}
	if fmt.Sprint(r.source.done) != "[1 2 3]" || len(r.fake.lines) != 4 || r.Stats().Written != 4 || r.Stats().Phase != Online {
		t.Errorf("done %v, %d lines, %+v", r.source.done, len(r.fake.lines), r.Stats())
	}
	if want := `sentrybox,camera=gate\ east\,\ 岗\=1,gateway=gw-1 x=1.5,x_max=2,x_min=1 1770000003000000000`; r.fake.lines[want] != 1 {
		t.Errorf("no line %s among %v", want, r.fake.lines)
	}
}

// TestBadLine: the one line that the server does not want is found and set aside,
// and nothing else is lost.
func TestBadLine(t *testing.T) {
	names := strings.Split("abcdefgh", "")
	names[5] = "BAD"
	r := newRig(t, "t0ken", batch(1, names...), batch(2, "z"))
	r.all(t)
	if len(r.rejected) != 1 || !strings.Contains(r.rejected[0], "BAD=") || len(r.fake.lines) != 8 || fmt.Sprint(r.source.done) != "[1 2]" {
		t.Errorf("rejected %q, %d lines taken, done %v", r.rejected, len(r.fake.lines), r.source.done)
	}
	if st := r.Stats(); st.Quarantined != 1 || st.Written != 8 {
		t.Errorf("%+v", st)
	}
}

// TestNothingIsWanted: a server that takes no line is not asked about each.
func TestNothingIsWanted(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = "BAD"
	}
	r := newRig(t, "t0ken", batch(1, names...))
	r.all(t)
	if len(r.rejected) != 1000 || r.fake.asked > 100 || fmt.Sprint(r.source.done) != "[1]" {
		t.Errorf("%d rejected in %d writes, done %v", len(r.rejected), r.fake.asked, r.source.done)
	}
}

func TestTooMuch(t *testing.T) {
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("n_%c%c", 'a'+i/26, 'a'+i%26)
	}
	r := newRig(t, "t0ken", batch(1, names...))
	r.fake.answer = func(_ int, lines []string) (int, string) {
		if len(lines) > 10 {
			return http.StatusRequestEntityTooLarge, ""
		}
		return 0, ""
	}
	r.all(t)
	if len(r.fake.lines) != 100 || len(r.rejected) != 0 || fmt.Sprint(r.source.done) != "[1]" {
		t.Errorf("%d lines, %d rejected, done %v", len(r.fake.lines), len(r.rejected), r.source.done)
	}
}

// TestLater: what cannot be written now stays, in its place, and comes whole.
func TestLater(t *testing.T) {
	for name, tc := range map[string]struct {
		code   int
		header string
		least  time.Duration
		most   time.Duration
		phase  Phase
	}{
		"429 in seconds": {429, "7", 7 * time.Second, 7 * time.Second, Offline}, "503": {503, "30", 30 * time.Second, 30 * time.Second, Offline},
		"503 by date": {503, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), maxWait, maxWait, Offline},
		"503 alone":   {503, "", backoffMin, 2 * backoffMin, Offline}, "500": {500, "9999", backoffMin, 2 * backoffMin, Offline},
		"401": {401, "", refusedWait, refusedWait, Refused}, "404": {404, "", refusedWait, refusedWait, Refused},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "t0ken", batch(1, "a"), batch(2, "b"))
			r.fake.answer = func(n int, _ []string) (int, string) {
				if n == 1 {
					return tc.code, tc.header
				}
				return 0, ""
			}
			failures := 0
			wait, wrote := r.next(t.Context(), &failures)
			if wrote || wait < tc.least || wait > tc.most || r.Stats().Phase != tc.phase || len(r.source.done) != 0 {
				t.Errorf("wrote %v, wait %v, %+v, done %v", wrote, wait, r.Stats(), r.source.done)
			}
			r.all(t)
			if fmt.Sprint(r.source.done) != "[1 2]" || len(r.fake.lines) != 2 || len(r.rejected) != 0 {
				t.Errorf("done %v, %d lines, %q rejected", r.source.done, len(r.fake.lines), r.rejected)
			}
		})
	}
}

// TestPart: when half of a batch was taken, all of it comes again, and nothing
// after it was acknowledged in its place.
func TestPart(t *testing.T) {
	r := newRig(t, "t0ken", batch(1, "a", "b", "c", "d"), batch(2, "e"))
	r.fake.answer = func(n int, lines []string) (int, string) {
		switch {
		case len(lines) > 2:
			return 413, ""
		case n == 3:
			return 503, ""
		}
		return 0, ""
	}
	r.all(t)
	if fmt.Sprint(r.source.done) != "[1 2]" || len(r.fake.lines) != 5 {
		t.Errorf("done %v, %d lines", r.source.done, len(r.fake.lines))
	}
}

// TestWrongToken: a refused token is in no error.
func TestWrongToken(t *testing.T) {
	r := newRig(t, "s3cret-token", batch(1, "a"))
	d := delivery{Writer: r.Writer}
	err := d.write(t.Context(), []string{"x"})
	if !refused(err) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

// TestEndlessAnswer: a server that never stops talking is left.
func TestEndlessAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		for range 10_000 {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	src := &source{batches: []spool.Batch{batch(1, "a")}, changed: make(chan struct{})}
	failures := 0
	w := New(Config{URL: server.URL, Org: "o", Bucket: "b", Source: src})
	if wait, wrote := w.next(t.Context(), &failures); wrote || wait == 0 {
		t.Errorf("wrote %v, wait %v", wrote, wait)
	}
}

func TestRunEnds(t *testing.T) {
	r := newRig(t, "t0ken", batch(1, "a"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for r.Stats().Written == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestQuarantine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejected")
	keep := Quarantine(path, func(err error) { t.Error(err) })
	keep([]string{"a", "b"}, "because\nof this")
	if b, err := os.ReadFile(path); err != nil || string(b) != "# because of this\na\nb\n" {
		t.Errorf("%q, %v", b, err)
	}
	for range 40 {
		keep([]string{strings.Repeat("x", 64<<10)}, "long")
	}
	for _, p := range []string{path, path + ".1"} {
		if info, err := os.Stat(p); err != nil || info.Size() > maxQuarantine+100<<10 {
			t.Errorf("%v, %v", info, err)
		}
	}
}
