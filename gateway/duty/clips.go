package duty

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/duty/feed"
	"sentrybox/gateway/duty/ledger"
)

const (
	clipEvery   = 2 * time.Second
	clipStalled = 20 * time.Second // without a piece, it is asked for again
	clipGiveUp  = 30 * time.Minute
	clipAge     = 7 * 24 * time.Hour // a file is kept
	maxClip     = 64 << 20
	maxClips    = 50
	clipLife    = "10m" // of a request
)

// job is the fetching of a clip, as the page shows it.
type job struct {
	Status  string `json:"status"` // waiting, coming, here or failed
	Percent int    `json:"percent"`
	Why     string `json:"why,omitempty"` // a code of the gateway's
}

// clips fetches clips from gateways, in pieces that come in any order, and goes on after each break
// where it was.
type clips struct {
	c   *Console
	dir string

	mu   sync.Mutex
	jobs map[string]*fetch // guarded by mu, by alert
}

// fetch is one clip on its way. It is guarded by clips.mu.
type fetch struct {
	where  ledger.Gateway
	feed   *feed.Feed
	begun  time.Time
	last   time.Time // something came
	asked  time.Time
	status string
	why    string
	sum    string
	total  int64
	have   []span // of the file, in order, apart from each other
	file   *os.File
}

type span struct{ from, to int64 }

func newClips(c *Console, dir string) *clips {
	return &clips{c: c, dir: dir, jobs: map[string]*fetch{}}
}

func (k *clips) path(id string) string { return filepath.Join(k.dir, id+".mp4") }

// of returns how it stands with an alert's clip, nil if nobody has asked for it.
func (k *clips) of(id string) *job {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.jobs[id]; f != nil {
		return f.job()
	}
	if _, err := ulid.ParseStrict(id); err != nil {
		return nil
	}
	if _, err := os.Stat(k.path(id)); err == nil {
		return &job{Status: "here", Percent: 100}
	}
	return nil
}

func (f *fetch) job() *job {
	j := &job{Status: f.status, Why: f.why}
	if f.total > 0 {
		var n int64
		for _, s := range f.have {
			n += s.to - s.from
		}
		j.Percent = int(100 * n / f.total)
	}
	return j
}

// ask begins to fetch a clip.
func (k *clips) ask(card *ledger.Card) error {
	var via *feed.Feed
	for _, f := range k.c.feeds {
		if f.Serves(card.Where) {
			via = f
			break
		}
	}
	if via == nil {
		return feed.ErrOffline
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.jobs[card.ID]; f != nil && f.status != "failed" {
		return nil
	}
	if _, err := os.Stat(k.path(card.ID)); err == nil {
		return nil
	}
	if len(k.jobs) >= maxClips {
		return &failure{http.StatusServiceUnavailable, "duty.error.busy"}
	}
	now := k.c.Now()
	k.jobs[card.ID] = &fetch{where: card.Where, feed: via, begun: now, last: now, status: "waiting"}
	return nil
}

// run asks gateways for what is missing, until ctx ends.
func (k *clips) run(ctx context.Context) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of clips: %w", err)
	}
	tick := time.NewTicker(clipEvery)
	defer tick.Stop()
	defer k.stop()
	for {
		k.sweep()
		for id, f := range k.waiting() {
			k.request(id, f)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// waiting returns the clips that are to be asked for, and gives up what has come to nothing.
func (k *clips) waiting() map[string]fetch {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, due := k.c.Now(), map[string]fetch{}
	for id, f := range k.jobs {
		switch {
		case f.status == "failed" && now.Sub(f.last) > clipGiveUp:
			delete(k.jobs, id)
		case f.status == "failed":
		case now.Sub(f.begun) > clipGiveUp && now.Sub(f.last) > clipStalled:
			f.fail("silent")
		case now.Sub(f.asked) > clipStalled && (f.asked.IsZero() || now.Sub(f.last) > clipStalled):
			f.asked = now
			due[id] = *f
		}
	}
	return due
}

func (f *fetch) fail(why string) {
	f.status, f.why = "failed", why
	if f.file != nil {
		name := f.file.Name()
		_ = f.file.Close()
		_ = os.Remove(name)
		f.file, f.have = nil, nil
	}
}

// request asks for a clip from its first missing byte on.
func (k *clips) request(id string, f fetch) {
	from := int64(0)
	if len(f.have) > 0 && f.have[0].from == 0 {
		from = f.have[0].to
	}
	if err := f.feed.Listen(f.where, "evidence/"+id+"/#"); err != nil {
		return // it is asked again
	}
	life, _ := time.ParseDuration(clipLife)
	_ = f.feed.Command(f.where, "duty-clip-"+id+"-"+rand.Text()[:8],
		map[string]any{"type": "evidence", "alert": id, "part": "clip", "from": from}, life) // it is asked again
}

// piece takes a message of a feed: a command's result, or a part of a file.
func (k *clips) piece(g ledger.Gateway, topic string, payload []byte) {
	if id, ok := strings.CutPrefix(topic, "cmd/duty-clip-"); ok {
		about, _, _ := strings.Cut(id, "-")
		k.result(g, about, payload)
		return
	}
	parts := strings.Split(topic, "/")
	if len(parts) != 4 || parts[0] != "evidence" || parts[2] != "clip" {
		return
	}
	line, data, ok := bytes.Cut(payload, []byte("\n"))
	var h struct {
		Offset int64  `json:"offset"`
		Total  int64  `json:"total"`
		SHA256 string `json:"sha256"`
	}
	if !ok || json.Unmarshal(line, &h) != nil || h.Offset < 0 || len(data) == 0 || h.Total <= 0 || h.Total > maxClip ||
		h.Offset+int64(len(data)) > h.Total || len(h.SHA256) != 2*sha256.Size {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.jobs[parts[1]]
	if f == nil || f.where != g || f.status == "failed" {
		return
	}
	if err := k.write(parts[1], f, h.Offset, data, h.Total, h.SHA256); err != nil {
		k.c.Log.Error("a clip is not kept", "alert", parts[1], "error", err)
		f.fail("disk")
	}
	k.c.heard(0)
}

func (k *clips) result(g ledger.Gateway, id string, payload []byte) {
	var r struct {
		State string `json:"state"`
		Error string `json:"error"`
	}
	if json.Unmarshal(payload, &r) != nil || r.State != "refused" || r.Error == "busy" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.jobs[id]; f != nil && f.where == g {
		f.last = k.c.Now()
		f.fail(cleaned(r.Error, 32))
		k.c.heard(0)
	}
}

// write puts a piece into its place. A file that has become another begins anew. It is called with mu held.
func (k *clips) write(id string, f *fetch, at int64, data []byte, total int64, sum string) (err error) {
	if f.sum != sum || f.total != total {
		f.sum, f.total, f.have = sum, total, nil
	}
	if f.file == nil {
		if f.file, err = os.OpenFile(k.path(id)+".part", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600); err != nil {
			return err
		}
	}
	if _, err := f.file.WriteAt(data, at); err != nil {
		return err
	}
	f.status, f.last = "coming", k.c.Now()
	f.have = joined(append(f.have, span{at, at + int64(len(data))}))
	if len(f.have) != 1 || f.have[0] != (span{0, total}) {
		return nil
	}
	return k.finish(id, f)
}

// joined puts spans in order and makes one of those that touch.
func joined(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return int(a.from - b.from) })
	out := all[:1]
	for _, s := range all[1:] {
		if last := &out[len(out)-1]; s.from <= last.to {
			last.to = max(last.to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// finish checks a file that is whole. It is called with mu held.
func (k *clips) finish(id string, f *fetch) error {
	data, err := os.ReadFile(f.file.Name())
	if err != nil {
		return err
	}
	if got := sha256.Sum256(data[:min(int64(len(data)), f.total)]); hex.EncodeToString(got[:]) != f.sum {
		f.have = nil // from the beginning
		f.asked = time.Time{}
		return nil
	}
	err = errors.Join(f.file.Truncate(f.total), f.file.Sync(), os.Rename(f.file.Name(), k.path(id)), f.file.Close())
	if err != nil {
		return err
	}
	delete(k.jobs, id)
	return nil
}

// sweep deletes files that are old, and parts that nobody fetches.
func (k *clips) sweep() {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		id, part := strings.CutSuffix(e.Name(), ".mp4.part")
		if part && k.jobs[id] == nil || k.c.Now().Sub(info.ModTime()) > clipAge {
			_ = os.Remove(filepath.Join(k.dir, e.Name()))
		}
	}
}

func (k *clips) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.jobs {
		if f.file != nil {
			_ = f.file.Close()
		}
	}
	clear(k.jobs)
}

func (c *Console) askClip(w http.ResponseWriter, r *http.Request, a *asker) error {
	card, err := c.ledger.Alert(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := c.clips.ask(&card); err != nil {
		return err
	}
	if err := c.ledger.Audit(r.Context(), a.who(), "clip", card.ID, ""); err != nil {
		return err
	}
	c.heard(0)
	writeJSON(w, http.StatusOK, c.clips.of(card.ID))
	return nil
}

// clip serves a file that is here, in parts if the browser asks so.
func (c *Console) clip(w http.ResponseWriter, r *http.Request, _ *asker) error {
	id := r.PathValue("id")
	if _, err := ulid.ParseStrict(id); err != nil {
		return ledger.ErrUnknown
	}
	f, err := os.Open(c.clips.path(id))
	if err != nil {
		return ledger.ErrUnknown
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}
