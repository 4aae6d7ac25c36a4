package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

type asset struct {
	data []byte
	kind string
	sum  string // in its address, so that it can be kept for good
}

func newAsset(name string, data []byte) asset {
	kind := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(name)]
	return asset{data: data, kind: kind, sum: sumOf(data)}
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

func (p *Set) address(name string) string {
	a, _ := p.asset(name)
	return "/assets/" + name + "?v=" + a.sum
}

// mostTogether bounds what is put together of files that a stranger names.
const mostTogether = 256 << 10

// asset returns a file, or several of one kind with commas between their names as one: a browser waits for
// one answer rather than for each.
func (p *Set) asset(name string) (asset, bool) {
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

// ServeAsset answers with the file of a View's Asset, whose path value is name. It is false, and nothing has
// been written, if there is none. What is asked for by its sum may be kept for good.
func (p *Set) ServeAsset(w http.ResponseWriter, r *http.Request) bool {
	a, ok := p.asset(r.PathValue("name"))
	if !ok {
		return false
	}
	w.Header().Set("Content-Type", a.kind)
	if r.URL.Query().Get("v") == a.sum {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(a.data) // nobody is left to tell
	return true
}
