package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"sentrybox/gateway/text"
)

func site(t *testing.T) *Set {
	t.Helper()
	s, err := Read(fstest.MapFS{
		"pages/layout.html": {Data: []byte(`{{define "layout"}}<html lang="{{.HTMLLang}}">{{template "main" .}}</html>{{end}}`)},
		"pages/home.html":   {Data: []byte(`{{define "main"}}{{.Page}} {{.Path}} {{.Room}} {{.Data}} {{.Asset "a.js"}}{{end}}`)},
		"pages/broken.html": {Data: []byte(`{{define "main"}}{{.Nothing}}{{end}}`)},
		"assets/a.js":       {Data: []byte("let a")},
		"assets/b.js":       {Data: []byte("let b")},
		"assets/c.css":      {Data: []byte("p {}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestShow(t *testing.T) {
	s := site(t)
	type view struct {
		View
		Room string
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/home?lang=en", nil)
	v := view{s.View(r, text.English, "home", "js.", "<data>"), "Room 1"}
	if err := s.Show(w, http.StatusTeapot, "home", v); err != nil {
		t.Fatal(err)
	}
	sum := s.assets["a.js"].sum
	want := `<html lang="en">home /home Room 1 &lt;data&gt; /assets/a.js?v=` + sum + `</html>`
	if w.Code != http.StatusTeapot || w.Body.String() != want || v.Other != text.Chinese {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
	w = httptest.NewRecorder()
	for _, name := range []string{"broken", "none"} {
		if err := s.Show(w, http.StatusOK, name, v); err == nil || w.Body.Len() > 0 {
			t.Errorf("%s: %v, %q was written", name, err, w.Body)
		}
	}
}

func TestServeAsset(t *testing.T) {
	s := site(t)
	ask := func(name, sum string) (*httptest.ResponseRecorder, bool) {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/?v="+sum, nil)
		r.SetPathValue("name", name)
		return w, s.ServeAsset(w, r)
	}
	for name, kind := range map[string]string{"a.js": "text/javascript", "a.js,b.js": "text/javascript", "c.css": "text/css"} {
		a, _ := s.asset(name)
		w, ok := ask(name, a.sum)
		if !ok || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v, %v", name, ok, w.Header())
		}
		if w, ok = ask(name, "old"); !ok || w.Header().Get("Cache-Control") != "" {
			t.Errorf("%s of an old address: %v, %v", name, ok, w.Header())
		}
	}
	for _, name := range []string{"d.js", "", ",", "a.js,", "a.js,c.css", "a.js,d.js", "../pages/home.html"} {
		if w, ok := ask(name, ""); ok || w.Body.Len() > 0 {
			t.Errorf("%q is there", name)
		}
	}
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct {
		query, cookie string
		want          text.Lang
		chosen        bool
	}{
		{"", "", text.Chinese, false},
		{"", "en", text.English, false},
		{"", "xx", text.Chinese, false},
		{"?lang=en", "", text.English, true},
		{"?lang=zh", "en", text.Chinese, true},
		{"?lang=xx", "en", text.English, false},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/"+c.query, nil)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "lang", Value: c.cookie})
		}
		got := Language(w, r, true)
		set := w.Result().Cookies()
		if got != c.want || (len(set) == 1) != c.chosen || c.chosen && (!set[0].Secure || !set[0].HttpOnly || set[0].Value != string(got)) {
			t.Errorf("%+v: %v, %v", c, got, set)
		}
	}
}

func TestCSRF(t *testing.T) {
	form := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("csrf=of-form"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	both := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("csrf=of-form"))
	both.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	both.Header.Set(HeaderCSRF, "of-header")
	for want, r := range map[string]*http.Request{
		"of-form": form, "of-header": both, "": httptest.NewRequest(http.MethodPost, "/?csrf=of-query", strings.NewReader("csrf=of-body")),
	} {
		if got := CSRF(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
