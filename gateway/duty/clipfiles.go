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
	"sentrybox/gateway/pages"
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
		switch {
		case part && k.jobs[itemOf(whole)] == nil, k.c.Now().Sub(info.ModTime()) > clipAge:
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
	return c.askPart(w, r, a, video)
}

func (c *Console) askVoice(w http.ResponseWriter, r *http.Request, a *asker) error {
	return c.askPart(w, r, a, voice)
}

func (c *Console) askPicture(w http.ResponseWriter, r *http.Request, a *asker) error {
	return c.askPart(w, r, a, picture)
}

func (c *Console) askPart(w http.ResponseWriter, r *http.Request, a *asker, part string) error {
	card, err := c.ledger.Alert(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := c.clips.ask(&card, part); err != nil {
		return err
	}
	if err := c.ledger.Audit(r.Context(), a.who(), part, card.ID, ""); err != nil {
		return err
	}
	c.heard(0)
	pages.WriteJSON(w, http.StatusOK, c.clips.told(item{card.ID, part}, a.lang))
	return nil
}

func (c *Console) clip(w http.ResponseWriter, r *http.Request, _ *asker) error {
	return c.play(w, r, item{r.PathValue("id"), video}, "video/mp4")
}

func (c *Console) voice(w http.ResponseWriter, r *http.Request, _ *asker) error {
	return c.play(w, r, item{r.PathValue("id"), voice}, "audio/wav")
}

// play serves a file that is here, in parts if the browser asks so.
func (c *Console) play(w http.ResponseWriter, r *http.Request, i item, media string) error {
	if _, err := ulid.ParseStrict(i.alert); err != nil {
		return ledger.ErrUnknown
	}
	f, err := os.Open(c.clips.path(i))
	if err != nil {
		return ledger.ErrUnknown
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", media)
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}
