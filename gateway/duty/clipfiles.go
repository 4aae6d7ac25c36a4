package duty

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/duty/ledger"
)

// sweep deletes files that are old, the oldest where they are too many, and parts that nobody fetches.
func (k *clips) sweep() {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var kept []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		whole, part := strings.CutSuffix(e.Name(), ".part")
		id := strings.TrimSuffix(whole, filepath.Ext(whole))
		switch {
		case part && k.jobs[id] == nil, k.c.Now().Sub(info.ModTime()) > clipAge:
			_ = os.Remove(filepath.Join(k.dir, e.Name()))
		case !part:
			kept = append(kept, info)
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	size := int64(0)
	for _, info := range kept {
		if size += info.Size(); size > maxKept {
			_ = os.Remove(filepath.Join(k.dir, info.Name()))
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
	path, part, ok := c.clips.here(id)
	if !ok {
		return ledger.ErrUnknown
	}
	f, err := os.Open(path)
	if err != nil {
		return ledger.ErrUnknown
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", map[string]string{video: "video/mp4", voice: "audio/wav"}[part])
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}
