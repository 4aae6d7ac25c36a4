// Package pages is what the technicians' page and the duty room's have in common: templates and the files that
// they load, the language, and the defences of a request that are the same for everybody.
package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"sentrybox/gateway/text"
)

// Set is every page of a site and what it loads. It is never written to once it is read.
type Set struct {
	templates map[string]*template.Template
	assets    map[string]asset
}

// Read reads the templates in pages, each within pages/layout.html's template "layout", and the files in
// assets: style sheets, scripts and SVG pictures.
func Read(files fs.FS) (*Set, error) {
	p := &Set{templates: map[string]*template.Template{}, assets: map[string]asset{}}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == "pages/layout.html" {
			continue
		}
		t, err := template.ParseFS(files, "pages/layout.html", name)
		if err != nil {
			return nil, fmt.Errorf("read the pages: %w", err)
		}
		p.templates[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	entries, err := fs.ReadDir(files, "assets")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := fs.ReadFile(files, "assets/"+e.Name())
		if err != nil {
			return nil, err
		}
		p.assets[e.Name()] = newAsset(e.Name(), data)
	}
	return p, nil
}

// View is what every template shows; a site's own view has it embedded.
type View struct {
	Lang  text.Lang
	Other text.Lang // that may be chosen instead
	Page  string    // the template's name
	Path  string    // that was asked for
	User  string    // empty if nobody is signed in
	CSRF  string    // token of the session, which comes with every change
	Texts map[string]string
	Data  any

	pages *Set
}

// View begins what the template name shows to a request. Texts, for scripts, are the sentences whose keys
// begin with scripts.
func (p *Set) View(r *http.Request, l text.Lang, name, scripts string, data any) View {
	other := text.English
	if l == text.English {
		other = text.Chinese
	}
	return View{Lang: l, Other: other, Page: name, Path: r.URL.Path, Texts: text.Below(l, scripts), Data: data, pages: p}
}

// T returns a sentence.
func (v View) T(key string, args ...any) string { return text.T(v.Lang, text.Key(key), args...) }

// Asset returns the address of a file, or of several with commas between as one.
func (v View) Asset(name string) string { return v.pages.address(name) }

// HTMLLang is the language as HTML names it (BCP 47).
func (v View) HTMLLang() string {
	if v.Lang == text.Chinese {
		return "zh-CN"
	}
	return "en"
}

// Show answers with the template name of what view has, which embeds a View. After an error nothing
// has been written.
func (p *Set) Show(w http.ResponseWriter, status int, name string, view any) error {
	t, ok := p.templates[name]
	if !ok {
		return fmt.Errorf("no page %q", name)
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, "layout", view); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w) // nobody is left to tell
	return nil
}
