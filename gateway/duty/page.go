package duty

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
	"strconv"
	"strings"

	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
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
	Lang   text.Lang
	Other  text.Lang
	Page   string
	Room   string
	User   string
	Role   string
	CSRF   string
	People []string
	Path   string
	Texts  map[string]string // for scripts
	Data   any
	pages  *pages
}

// T returns a sentence.
func (v view) T(key string, args ...any) string { return text.T(v.Lang, text.Key(key), args...) }

// Kind names a kind of alerts.
func (v view) Kind(kind string) string { return text.Kind(v.Lang, kind) }

// Severity names the severity at an index from 0.
func (v view) Severity(i int) string { return v.T("duty.severity." + strconv.Itoa(i+1)) }

// States lists the states that alerts may be looked for by.
func (v view) States() []string {
	return []string{"raised", "acknowledged", "dispatched", "handled", "false", "lost"}
}

// Kinds lists the kinds that alerts may be looked for by.
func (v view) Kinds() []string { return text.Kinds() }

// Asset returns the address of a file.
func (v view) Asset(name string) string { return "/assets/" + name + "?v=" + v.pages.assets[name].sum }

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
		sum := sha256.Sum256(data)
		kind := map[string]string{
			".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		}[path.Ext(e.Name())]
		p.assets[e.Name()] = asset{data: data, kind: kind, sum: hex.EncodeToString(sum[:6])}
	}
	return p, nil
}

// page makes a handler of a template.
func page(name string) func(*Console, http.ResponseWriter, *http.Request, *asker) error {
	return func(c *Console, w http.ResponseWriter, r *http.Request, a *asker) error {
		c.show(w, r, a, http.StatusOK, name, nil)
		return nil
	}
}

func (c *Console) show(w http.ResponseWriter, r *http.Request, a *asker, status int, name string, data any) {
	other := text.English
	if a.lang == text.English {
		other = text.Chinese
	}
	v := view{
		Lang: a.lang, Other: other, Page: name, Room: c.Config.Name, User: a.Account, Role: a.role, CSRF: a.CSRF, People: people(c.Config, a),
		Path: r.URL.Path, Data: data, Texts: text.Below(a.lang, "duty.js."), pages: &c.pages,
	}
	var buf bytes.Buffer
	if err := c.pages.templates[name].ExecuteTemplate(&buf, "layout", v); err != nil {
		c.Log.Error("a page cannot be shown", "page", name, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w) // nobody is left to tell
}

// people may be on duty at this screen; where nobody is named it is the account.
func people(c *config.Duty, a *asker) []string {
	if len(c.People) > 0 || a.Account == "" {
		return c.People
	}
	return []string{a.Account}
}

func (c *Console) asset(w http.ResponseWriter, r *http.Request, _ *asker) error {
	f, ok := c.pages.assets[r.PathValue("name")]
	if !ok {
		return &failure{http.StatusNotFound, "duty.error.missing"}
	}
	w.Header().Set("Content-Type", f.kind)
	if r.URL.Query().Get("v") == f.sum {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(f.data) // nobody is left to tell
	return nil
}
