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
	maxClips    = 50               // on their way
	maxKept     = int64(2) << 30   // bytes of files
	maxSpans    = 4096             // of a file, apart from each other
	maxWrong    = 3                // files with another checksum than was said
	clipLife    = 10 * time.Minute // of a request
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
	jobs map[item]*fetch // guarded by mu
}

// source is what a clip needs of a feed.
type source interface {
	Listen(g ledger.Gateway, rest string) error
	Unlisten(g ledger.Gateway, rest string)
	Command(g ledger.Gateway, id string, body map[string]any, life time.Duration) error
}

// fetch is one clip on its way. It is guarded by clips.mu.
type fetch struct {
	where  ledger.Gateway
	feed   source
	begun  time.Time
	last   time.Time // something came
	asked  time.Time
	status string
	why    string
	sum    string
	total  int64
	have   []span // of the file, in order, apart from each other
	wrong  int
	file   *os.File
}

type span struct{ from, to int64 }

func newClips(c *Console, dir string) *clips {
	return &clips{c: c, dir: dir, jobs: map[item]*fetch{}}
}

// of returns how it stands with a part of an alert's evidence, nil if nobody has asked for it.
func (k *clips) of(i item) *job {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.jobs[i]; f != nil {
		return f.job()
	}
	if _, err := ulid.ParseStrict(i.alert); err != nil {
		return nil
	}
	if _, err := os.Stat(k.path(i)); err == nil {
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

// ask begins to fetch a part of an alert's evidence.
func (k *clips) ask(card *ledger.Card, part string) error {
	i := item{card.ID, part}
	if part == picture && card.Picture {
		return nil
	}
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
	if f := k.jobs[i]; f != nil && f.status != "failed" {
		return nil
	}
	if _, err := os.Stat(k.path(i)); err == nil {
		return nil
	}
	running := 0
	for _, f := range k.jobs {
		if f.status != "failed" {
			running++
		}
	}
	if running >= maxClips {
		return &failure{http.StatusServiceUnavailable, "duty.error.busy"}
	}
	now := k.c.Now()
	k.jobs[i] = &fetch{where: card.Where, feed: via, begun: now, last: now, status: "waiting"}
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
		k.missed(ctx)
		k.requests(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// requests asks for what is due. A gateway that is not to be reached is asked once it is back: what it
// were asked meanwhile the broker would keep. A picture that has come by itself is not asked for any more.
func (k *clips) requests(ctx context.Context) {
	due := k.due()
	if len(due) == 0 {
		return
	}
	_, _, known, err := k.c.standings(ctx)
	if err != nil {
		return // it is asked again
	}
	for i, f := range due {
		if known[f.where].State != "offline" && !k.came(ctx, i) {
			k.request(i, f)
		}
	}
}

// due returns the clips that are to be asked for, and gives up what has come to nothing.
func (k *clips) due() map[item]fetch {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, due := k.c.Now(), map[item]fetch{}
	for i, f := range k.jobs {
		switch {
		case f.status == "failed" && now.Sub(f.last) > clipGiveUp:
			delete(k.jobs, i)
		case f.status == "failed":
		case now.Sub(f.begun) > clipGiveUp && now.Sub(f.last) > clipStalled:
			k.fail(i, f, "silent")
		case f.asked.IsZero() || now.Sub(f.asked) > clipStalled && now.Sub(f.last) > clipStalled:
			due[i] = *f
		}
	}
	return due
}

// fail gives a clip up. It is called with mu held.
func (k *clips) fail(i item, f *fetch, why string) {
	f.status, f.why, f.last = "failed", why, k.c.Now()
	f.end(i)
}

// end removes what has come, and hears no more of it. It is called with mu held.
func (f *fetch) end(i item) {
	if f.file != nil {
		_ = f.file.Close()
		_ = os.Remove(f.file.Name())
	}
	f.file, f.have = nil, nil
	f.feed.Unlisten(f.where, i.filter())
}

// request asks for a clip from its first missing byte on.
func (k *clips) request(i item, f fetch) {
	from := int64(0)
	if len(f.have) > 0 && f.have[0].from == 0 {
		from = f.have[0].to
	}
	if err := f.feed.Listen(f.where, i.filter()); err != nil {
		return // it is asked again
	}
	k.mu.Lock()
	if j := k.jobs[i]; j != nil {
		j.asked = k.c.Now()
	}
	k.mu.Unlock()
	_ = f.feed.Command(f.where, "duty-"+i.part+"-"+i.alert+"-"+rand.Text()[:8],
		map[string]any{"type": "evidence", "alert": i.alert, "part": i.part, "from": from}, clipLife) // it is asked again
}

// piece takes a message of a feed: a command's result, or a part of a file.
func (k *clips) piece(ctx context.Context, g ledger.Gateway, topic string, payload []byte) {
	if id, ok := strings.CutPrefix(topic, "cmd/duty-"); ok {
		part, rest, _ := strings.Cut(id, "-")
		about, _, _ := strings.Cut(rest, "-")
		k.result(g, item{about, part}, payload)
		return
	}
	parts := strings.Split(topic, "/")
	if len(parts) != 4 || parts[0] != "evidence" {
		return
	}
	line, data, ok := bytes.Cut(payload, []byte("\n"))
	var h struct {
		Alert  string `json:"alert"`
		Part   string `json:"part"`
		Offset int64  `json:"offset"`
		Total  int64  `json:"total"`
		SHA256 string `json:"sha256"`
	}
	if !ok || json.Unmarshal(line, &h) != nil || h.Alert != parts[1] || h.Part != parts[2] || h.Offset < 0 || len(data) == 0 ||
		h.Offset > h.Total-int64(len(data)) || len(h.SHA256) != 2*sha256.Size {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	i := item{parts[1], parts[2]}
	f := k.jobs[i]
	if f == nil || f.where != g || f.status == "failed" {
		return
	}
	if h.Total > i.most() {
		k.fail(i, f, "large")
	} else if err := k.write(ctx, i, f, h.Offset, data, h.Total, h.SHA256); err != nil {
		k.c.Log.Error("evidence is not kept", "alert", i.alert, "part", i.part, "error", err)
		k.fail(i, f, "disk")
	}
	k.c.heard(0)
}

func (k *clips) result(g ledger.Gateway, i item, payload []byte) {
	var r struct {
		State string `json:"state"`
		Error string `json:"error"`
	}
	if json.Unmarshal(payload, &r) != nil || r.State != "refused" || r.Error == "busy" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.jobs[i]; f != nil && f.where == g && f.status != "failed" {
		k.fail(i, f, cleaned(r.Error, 32))
		k.c.heard(0)
	}
}

// write puts a piece into its place. A file that has become another begins anew. It is called with mu held.
func (k *clips) write(ctx context.Context, i item, f *fetch, at int64, data []byte, total int64, sum string) (err error) {
	if f.sum != sum || f.total != total {
		f.sum, f.total, f.have = sum, total, nil
	}
	if f.file == nil {
		if f.file, err = os.OpenFile(k.path(i)+".part", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600); err != nil {
			return err
		}
	}
	if _, err := f.file.WriteAt(data, at); err != nil {
		return err
	}
	f.status, f.last = "coming", k.c.Now()
	f.have = joined(append(f.have, span{at, at + int64(len(data))}))
	if len(f.have) > maxSpans {
		k.fail(i, f, "pieces")
	}
	if len(f.have) != 1 || f.have[0] != (span{0, total}) {
		return nil
	}
	return k.finish(ctx, i, f)
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
func (k *clips) finish(ctx context.Context, i item, f *fetch) error {
	data, err := os.ReadFile(f.file.Name())
	if err != nil {
		return err
	}
	data = data[:min(int64(len(data)), f.total)]
	if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != f.sum {
		if f.wrong++; f.wrong >= maxWrong {
			k.fail(i, f, "checksum")
		}
		f.have, f.asked = nil, time.Time{} // from the beginning
		return nil
	}
	if i.part == picture {
		return k.hang(ctx, i, f, data)
	}
	err = errors.Join(f.file.Truncate(f.total), f.file.Sync(), os.Rename(f.file.Name(), k.path(i)), f.file.Close())
	if err != nil {
		return err
	}
	delete(k.jobs, i)
	f.feed.Unlisten(f.where, i.filter())
	return nil
}
