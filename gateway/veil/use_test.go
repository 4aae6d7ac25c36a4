package veil

import (
	"testing"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/config"
	"sentrybox/gateway/strict"
)

// FuzzUsages: whatever secret a configuration that is right has, it is known what it is for.
func FuzzUsages(f *testing.F) {
	const head = "gateway: {id: a, street: b, community: c}\ndata: d\nuplink: {mqtt: [{url: 'mqtt://u:pw-one@h'}]}\n"
	for _, s := range []string{
		"", "cameras: [{id: x, url: 'rtsp://u:pw@h/1', detect_url: 'rtsp://h/user=a&password=b'}]\n",
		"broker: {listen: '127.0.0.1:1', users: [{name: a, role: duty, password: &p pw}, {name: b, role: duty, password: *p}]}\n",
		"broker: {listen: '127.0.0.1:1', users: [&u {name: a, role: duty, password: pw}, {<<: *u, name: b}]}\n",
		"buses: [{id: q, mqtt: 'mqtts://h', username: u, password: \"a\\\"b\"}]\n", "metrics: {influx: {url: 'https://h', org: o, bucket: b, token: |\n  t}}\n",
	} {
		f.Add(head + s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 4000 {
			return
		}
		if _, err := config.Parse("x", []byte(body), nil); err != nil {
			return
		}
		mark, known := memory()
		shown := conceal(body, mark)
		root, anchors, ok := strict.Tree([]byte(shown))
		if !ok {
			return
		}
		all, ok := usages(root, anchors, "/", func(s string) string { return put(s, known) })
		if !ok {
			return // refused is safe
		}
		noted := map[ast.Node]int{}
		for _, u := range all {
			noted[u.node]++
		}
		for _, n := range find(root, anchors).order {
			if want := len(marker.FindAllString(valueOf(n), -1)); noted[n] < want {
				t.Errorf("%q: %q is for %d, want %d", shown, valueOf(n), noted[n], want)
			}
		}
	})
}
