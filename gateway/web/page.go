package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
)

//go:embed assets pages
var files embed.FS

// pages is every page and what it loads.
type pages struct {
	templates map[string]*template.Template
	assets    map[string]asset
}

type asset struct {
	data []byte
	kind string
	sum  string // in its address, so that it can be kept for good
}

// view is what a template shows.
type view struct {
	Lang    text.Lang
	Other   text.Lang
	Page    string
	User    string
	Role    account.Role
	CSRF    string
	Version string
	Secure  bool // over TLS
	Exposed bool // to who listens on the network
	Path    string
	Texts   map[string]string // for scripts
	Data    any
	server  *Server
}

// T returns a sentence.
func (v view) T(key string, args ...any) string { return text.T(v.Lang, text.Key(key), args...) }

// May says whether the user's role is enough.
func (v view) May(least account.Role) bool { return v.Role.May(least) }

// Asset returns the address of a file, or of several with commas between as one.
func (v view) Asset(name string) string {
	a, _ := v.server.pages.asset(name)
	return "/assets/" + name + "?v=" + a.sum
}

// asset returns a file, or several of one kind with commas between their names as one: a browser waits for
// one answer rather than for each.
func (p *pages) asset(name string) (asset, bool) {
	if a, ok := p.assets[name]; ok || !strings.Contains(name, ",") {
		return a, ok
	}
	var all asset
	for one := range strings.SplitSeq(name, ",") {
		a, ok := p.assets[one]
		if !ok || all.kind != "" && a.kind != all.kind || len(all.data) > mostTogether {
			return asset{}, false
		}
		all.kind = a.kind
		all.data = append(append(all.data, a.data...), '\n')
	}
	all.sum = sumOf(all.data)
	return all, true
}

// mostTogether bounds what is put together of files that a stranger names.
const mostTogether = 256 << 10

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// HTMLLang is the language as HTML names it (BCP 47).
func (v view) HTMLLang() string {
	if v.Lang == text.Chinese {
		return "zh-CN"
	}
	return "en"
}

func readPages() (pages, error) {
	p := pages{templates: map[string]*template.Template{}, assets: map[string]asset{}}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return p, err
	}
	for _, name := range names {
		if name == "pages/layout.html" {
			continue
		}
		t, err := template.ParseFS(files, "pages/layout.html", name)
		if err != nil {
			return p, fmt.Errorf("read the pages: %w", err)
		}
		p.templates[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	entries, err := files.ReadDir("assets")
	if err != nil {
		return p, err
	}
	for _, e := range entries {
		data, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			return p, err
		}
		kind := map[string]string{
			".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		}[path.Ext(e.Name())]
		p.assets[e.Name()] = asset{data: data, kind: kind, sum: sumOf(data)}
	}
	return p, nil
}

// page makes a handler of a template.
func page(name string) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) { s.show(w, r, http.StatusOK, name, nil) }
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	q := from(r)
	other := text.English
	if q.lang == text.English {
		other = text.Chinese
	}
	v := view{
		Lang: q.lang, Other: other, Page: name, User: q.User, Role: q.Role, CSRF: q.CSRF, Version: s.Version,
		Secure: s.Certificate != nil, Exposed: s.Certificate == nil && !loopback(q.origin), Path: r.URL.Path, Data: data, server: s,
		Texts: text.Below(q.lang, "js."),
	}
	var buf bytes.Buffer
	if err := s.pages.templates[name].ExecuteTemplate(&buf, "layout", v); err != nil {
		s.Log.Error("a page cannot be shown", "page", name, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w) // nobody is left to tell
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.pages.asset(r.PathValue("name"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if r.URL.Query().Get("v") == a.sum {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(a.data) // nobody is left to tell
}

// authority hands out the certificate authority of the box.
func (s *Server) authority(w http.ResponseWriter, r *http.Request) {
	if s.Authority == nil {
		s.notFound(w, r)
		return
	}
	pem, err := s.Authority()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="sentrybox-ca.crt"`)
	_, _ = w.Write(pem) // nobody is left to tell
}
