package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"sentrybox/gateway/backup"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/text"
	"sentrybox/gateway/update"
	"sentrybox/gateway/web/account"
)

// Site is the site in one file: a *backup.Site.
type Site interface {
	Gather(ctx context.Context, o backup.Options) (*backup.Prepared, error)
	Look(ctx context.Context, r io.Reader, w backup.Wish) (backup.Found, error)
	Prepare(ctx context.Context, r io.Reader, w backup.Wish, by account.Actor, unpacked func(int64)) error
	// Old is the site from before a restore, and Undo has it come back.
	Old() (backup.Kept, error)
	Undo(by account.Actor) (backup.Kept, error)
}

// Vault has the site backed up and restored.
type Vault struct {
	Site Site
	Dir  string // the data folder
	// Replace has a backup that was prepared take the site's place.
	Replace func()
}

const (
	headerCode  = "X-Setup-Code" // of the first start, for restoring instead
	maxUpload   = 16 << 30       // bytes; the disk bounds it before that
	slowest     = 30 * time.Minute
	chunkWithin = 30 * time.Second // for a piece of what is sent or taken
)

// restoring is how far a restore has come.
type restoring struct {
	State string `json:"state"` // none, uploaded, running, done or failed
	Bytes int64  `json:"bytes"` // of the file
	Done  int64  `json:"done_bytes"`
	Total int64  `json:"total_bytes"`
	Error string `json:"error,omitempty"`
	// Old is the site from before a restore, which can come back; null for none.
	Old *oldView `json:"old"`
}

// oldView is the site from before a restore, in words too.
type oldView struct {
	backup.Kept
	Text string `json:"text"`
}

// pause bounds each piece of a long answer or request, rather than all of it.
type pause struct {
	w    io.Writer
	r    io.Reader
	ctrl *http.ResponseController
}

// Write writes a piece.
func (p *pause) Write(b []byte) (int, error) {
	_ = p.ctrl.SetWriteDeadline(time.Now().Add(chunkWithin))
	return p.w.Write(b)
}

// Read reads a piece.
func (p *pause) Read(b []byte) (int, error) {
	_ = p.ctrl.SetReadDeadline(time.Now().Add(chunkWithin))
	return p.r.Read(b)
}

// makeBackup sends a backup. A page's form asks for it, so that a browser keeps it as a
// file, or a program with JSON.
func (s *Server) makeBackup(w http.ResponseWriter, r *http.Request) {
	var o backup.Options
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		o = backup.Options{Passphrase: r.PostFormValue("passphrase"), Alerts: r.PostFormValue("alerts") != "", Evidence: r.PostFormValue("evidence") != ""}
	} else if err := read(r, &o); err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.vaultMu.TryLock() {
		s.fail(w, r, backup.ErrBusy)
		return
	}
	defer s.vaultMu.Unlock()
	p, err := s.Vault.Site.Gather(r.Context(), o)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer p.Close()
	s.Accounts.Audit(r.Context(), from(r).actor(), "backup", fmt.Sprintf("alerts=%t evidence=%t", p.Manifest.Alerts, p.Manifest.Evidence))
	name := p.Manifest.Gateway.ID + "-" + p.Manifest.Created.Format("20060102-150405") + ".sentrybox"
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	if err := p.Write(r.Context(), &pause{w: w, ctrl: http.NewResponseController(w)}); err != nil {
		if r.Context().Err() == nil {
			s.Log.Error("a backup is not whole", "error", err)
		}
		panic(http.ErrAbortHandler) // so that nobody takes it for one
	}
}

func (s *Server) uploaded() string { return filepath.Join(s.Vault.Dir, backup.UploadName) }

// upload takes a file that is to be restored.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) (any, error) {
	if !s.vaultMu.TryLock() {
		return nil, backup.ErrBusy
	}
	defer s.vaultMu.Unlock()
	f, err := os.CreateTemp(s.Vault.Dir, backup.UploadName+"-*")
	if err != nil {
		return nil, fmt.Errorf("keep what is uploaded: %w", err)
	}
	room := backup.Room(s.Vault.Dir)
	n, err := io.Copy(f, &pause{r: io.LimitReader(r.Body, room+1), ctrl: http.NewResponseController(w)})
	err = errors.Join(err, f.Close())
	if err == nil && n > room {
		err = backup.ErrDamaged
	}
	if err == nil {
		err = os.Rename(f.Name(), s.uploaded())
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return nil, err
	}
	s.setRestoring(restoring{State: "uploaded", Bytes: n})
	return s.restoring(), nil
}

func (s *Server) setRestoring(to restoring) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restore = to
}

func (s *Server) restoring() restoring {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.restore.State == "" {
		return restoring{State: "none"}
	}
	return s.restore
}

// insideView is what a backup would do on this box, in words.
type insideView struct {
	backup.Found
	Text      []string      `json:"text"`
	Problems  []problemView `json:"problems"` // that speak against it
	Addresses []string      `json:"addresses"`
}

// lookInto shows what is in the file, before anything is done.
func (s *Server) lookInto(r *http.Request) (any, error) {
	var w backup.Wish
	if err := read(r, &w); err != nil {
		return nil, err
	}
	f, err := s.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found, err := s.Vault.Site.Look(r.Context(), f, w)
	if err != nil {
		return nil, err
	}
	return s.insideView(r, &found), nil
}

func (s *Server) insideView(r *http.Request, found *backup.Found) insideView {
	l := from(r).lang
	return insideView{Found: *found, Problems: problemViews(found.Problems, l), Text: found.Would(l), Addresses: addresses(r, found.Listen, found.Secure)}
}

// addresses says where the page is afterwards.
func addresses(r *http.Request, listen string, secure bool) []string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return []string{}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if host, _, err = net.SplitHostPort(r.Host); err != nil {
			host = r.Host
		}
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return []string{scheme + "://" + net.JoinHostPort(host, port) + "/"}
}

func (s *Server) open() (*os.File, error) {
	f, err := os.Open(s.uploaded())
	if errors.Is(err, os.ErrNotExist) {
		return nil, problem(http.StatusConflict, "backup.error.upload")
	}
	return f, err
}

// restoreSite has the file take the site's place. It answers when everything of it is
// on the disk and checked; the page is gone for some seconds after that.
func (s *Server) restoreSite(w http.ResponseWriter, r *http.Request) {
	var wish backup.Wish
	if err := read(r, &wish); err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.vaultMu.TryLock() {
		s.fail(w, r, backup.ErrBusy)
		return
	}
	defer s.vaultMu.Unlock()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowest))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), slowest) // who asks may go
	defer cancel()
	found, err := s.prepare(ctx, r, wish)
	if err != nil {
		said := s.failureOf(r, err)
		s.setRestoring(restoring{State: "failed", Error: text.T(from(r).lang, said.key, said.args...)})
		s.fail(w, r, err)
		return
	}
	s.Accounts.Audit(ctx, from(r).actor(), "restore", found.Manifest.Gateway.ID)
	pages.WriteJSON(w, http.StatusOK, s.insideView(r, &found))
	_ = http.NewResponseController(w).Flush()
	s.Vault.Replace()
}

func (s *Server) prepare(ctx context.Context, r *http.Request, wish backup.Wish) (found backup.Found, err error) {
	f, err := s.open()
	if err != nil {
		return found, err
	}
	defer f.Close()
	if found, err = s.Vault.Site.Look(ctx, f, wish); err == nil {
		err = found.Problems
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return found, err
	}
	now := restoring{State: "running", Total: found.Manifest.Bytes}
	s.setRestoring(now)
	err = s.Vault.Site.Prepare(ctx, f, wish, from(r).actor(), func(n int64) {
		now.Done += n
		s.setRestoring(now)
	})
	if err != nil {
		return found, err
	}
	now.State = "done"
	s.setRestoring(now)
	return found, os.Remove(s.uploaded())
}

func (s *Server) getRestoring(r *http.Request) (any, error) {
	now := s.restoring()
	old, err := s.Vault.Site.Old()
	switch {
	case err == nil && from(r).Role.May(account.Technician):
		key := text.Key("restore.old")
		if old.Merge {
			key = "restore.old.merge"
		}
		now.Old = &oldView{old, text.T(from(r).lang, key, old.Gateway.ID, old.Since.Local().Format(time.DateTime), old.Until.Local().Format(time.DateTime))}
	case err != nil && !errors.Is(err, backup.ErrNoOld):
		s.Log.Warn("the site from before the restore cannot come back", "error", err)
	}
	return now, nil
}

// undoRestore has the site from before a restore come back. The page is gone for some seconds.
func (s *Server) undoRestore(w http.ResponseWriter, r *http.Request) {
	if !s.vaultMu.TryLock() {
		s.fail(w, r, backup.ErrBusy)
		return
	}
	defer s.vaultMu.Unlock()
	old, err := s.Vault.Site.Undo(from(r).actor())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Accounts.Audit(context.WithoutCancel(r.Context()), from(r).actor(), "restore.undo", old.Gateway.ID)
	pages.WriteJSON(w, http.StatusOK, undoView{addresses(r, old.Listen, old.Secure)})
	_ = http.NewResponseController(w).Flush()
	s.Vault.Replace()
}

// undoView says where the page is afterwards.
type undoView struct {
	Addresses []string `json:"addresses"`
}

// atSetup guards a handler of the first start: restoring a backup needs the one-time code.
func atSetup(handle func(*Server, http.ResponseWriter, *http.Request)) func(*Server, http.ResponseWriter, *http.Request) {
	return vault(func(s *Server, w http.ResponseWriter, r *http.Request) {
		q := from(r)
		if err := s.Accounts.CheckCode(r.Header.Get(headerCode), q.origin); err != nil {
			s.fail(w, r, err)
			return
		}
		q.User = "setup"
		handle(s, w, r)
	})
}

// vault guards a handler that needs the site in a file.
func vault(handle func(*Server, http.ResponseWriter, *http.Request)) func(*Server, http.ResponseWriter, *http.Request) {
	return provided(func(s *Server) bool { return s.Vault != nil }, handle)
}

// provided guards a handler of what not every server has.
func provided(has func(*Server) bool, handle func(*Server, http.ResponseWriter, *http.Request)) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		if !has(s) {
			s.fail(w, r, problem(http.StatusNotFound, "web.error.nofile"))
			return
		}
		handle(s, w, r)
	}
}

// uploadFile is upload as a handler.
func (s *Server) uploadFile(w http.ResponseWriter, r *http.Request) {
	got, err := s.upload(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	pages.WriteJSON(w, http.StatusOK, got)
}

// supportBundle sends what an engineer from afar needs to know, without secrets.
func (s *Server) supportBundle(w http.ResponseWriter, r *http.Request) {
	if s.Support == nil {
		s.notFound(w, r)
		return
	}
	f, err := os.CreateTemp("", "sentrybox-support-*")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }()
	if err := s.Support(r.Context(), f); err != nil {
		s.fail(w, r, err)
		return
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Accounts.Audit(r.Context(), from(r).actor(), "support", "")
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.Header().Set("Content-Disposition", `attachment; filename="sentrybox-support-`+s.Now().UTC().Format("20060102-150405")+`.zip"`)
	_, _ = io.Copy(&pause{w: w, ctrl: http.NewResponseController(w)}, f) // nobody is left to tell
}

// bodyLimit is how many bytes the request of a route may have.
func bodyLimit(rt *route) int64 {
	if slices.Contains([]string{"/api/v1/restore/file", "/setup/restore/file"}, rt.path) {
		return maxUpload
	}
	if rt.path == "/api/v1/update/file" {
		return update.MaxFile
	}
	return maxBody
}
