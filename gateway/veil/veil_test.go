package veil

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sentrybox/gateway/config"
)

// canaries writes a configuration with a secret of its own in every place that the schema has for
// one, as a block and within brackets, and in each style.
type canaries struct {
	out   strings.Builder
	n     int
	paths []string
}

func (c *canaries) next(path string) string {
	c.n++
	c.paths = append(c.paths, path)
	return fmt.Sprintf("canary%04dx", c.n)
}

func (c *canaries) quote(s string) string {
	switch c.n % 3 {
	case 0:
		return "'" + s + "'"
	case 1:
		return `"` + s + `"`
	}
	return s
}

// value returns the text of something of type t as a value in brackets, empty if it has no secret.
func (c *canaries) value(t reflect.Type, path string) string {
	switch {
	case t == reflect.TypeFor[config.Secret]():
		return c.quote(c.next(path))
	case t == reflect.TypeFor[config.URL]():
		return c.quote("rtsp://门:" + c.next(path) + "@10.0.0.1/x?a=b&password=" + c.next(path) + "&c=1")
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.value(t.Elem(), path)
	case reflect.Slice:
		if v := c.value(t.Elem(), path+"[]"); v != "" {
			return "[" + v + "]"
		}
	case reflect.Map:
		if v := c.value(t.Elem(), path+"{}"); v != "" {
			return "{\"1\": " + v + "}"
		}
	case reflect.Struct:
		var parts []string
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("yaml"); name != "" {
				if v := c.value(t.Field(i).Type, path+"."+name); v != "" {
					parts = append(parts, name+": "+v)
				}
			}
		}
		if len(parts) > 0 {
			return "{" + strings.Join(parts, ", ") + "}"
		}
	}
	return ""
}

// block writes the same with indents.
func (c *canaries) block(t reflect.Type, pad, path string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		inner := f.Type
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[config.Secret]() && inner != reflect.TypeFor[config.URL]() {
			fmt.Fprintf(&c.out, "%s%s: # 注\n", pad, name)
			c.block(inner, pad+"  ", path+"."+name)
			continue
		}
		if v := c.value(f.Type, path+"."+name); v != "" {
			fmt.Fprintf(&c.out, "%s%s: %s   # password: %s\n", pad, name, v, c.next(path+" comment"))
		}
	}
}

func whole() (string, *canaries) {
	c := &canaries{}
	c.block(reflect.TypeFor[config.Config](), "", "")
	return c.out.String(), c
}

var canary = regexp.MustCompile(`canary\d+x`)

// memory is a mark that remembers.
func memory() (mark func(secret) string, known func(string) (secret, bool)) {
	all := map[string]secret{}
	return func(s secret) string {
			m := s.mark([]byte("key"))
			all[m] = s
			return m
		}, func(m string) (secret, bool) {
			s, ok := all[m]
			return s, ok
		}
}

// TestEverySecret: whatever the schema calls secret is hidden, wherever it is and however it is
// written, and comes back. A new field of that kind is in it by itself.
func TestEverySecret(t *testing.T) {
	body, c := whole()
	if c.n < 50 {
		t.Fatalf("only %d places: %v", c.n, c.paths)
	}
	mark, known := memory()
	shown := conceal(body, mark)
	for _, left := range canary.FindAllString(shown, -1) {
		var n int
		_, _ = fmt.Sscanf(left, "canary%dx", &n)
		t.Errorf("%s shows: %s", c.paths[n-1], left)
	}
	if n := len(marker.FindAllString(shown, -1)); n != c.n {
		t.Errorf("%d markers for %d secrets", n, c.n)
	}
	back, err := reveal("x", shown, known)
	if err != nil || back != body {
		t.Errorf("%v: %s\nis not\n%s", err, back, body)
	}
	// The same where the file is no YAML any more.
	for _, broken := range []string{body + "  x: [\n", strings.Replace(body, "}", "", 1), "\ta: 1\n" + body} {
		if left := canary.FindAllString(conceal(broken, mark), -1); left != nil {
			t.Errorf("of a broken file %v shows: %s", left, conceal(broken, mark))
		}
	}
}

// TestNames: a text of the schema whose name says that it is secret is of the type that is.
func TestNames(t *testing.T) {
	seen, names := map[reflect.Type]bool{}, regexp.MustCompile(`(?i)pass|pwd|secret|token|psk|cred|auth|key$|pin$`)
	allowed := map[string]bool{ // files, public keys, pins of a chip
		"KeyPair.key": true, "MQTT.key": true, "MQTT.pin": true, "Sensor.pin": true, "Output.pin": true,
	}
	var walk func(t reflect.Type)
	walk = func(ty reflect.Type) {
		for ty.Kind() == reflect.Pointer || ty.Kind() == reflect.Slice || ty.Kind() == reflect.Map {
			ty = ty.Elem()
		}
		if ty.Kind() != reflect.Struct || seen[ty] {
			return
		}
		seen[ty] = true
		for i := range ty.NumField() {
			f := ty.Field(i)
			name := f.Tag.Get("yaml")
			if f.Type.Kind() == reflect.String && names.MatchString(name) && !strings.HasSuffix(name, "_file") && !allowed[ty.Name()+"."+name] {
				t.Errorf("%s.%s is a text that is shown", ty.Name(), name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[config.Config]())
}

func TestConceal(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""}, {"a: b\n", "a: b\n"},
		{"broker: {users: [{name: x, password: a b}]}", "broker: {users: [{name: x, password: ••}]}"},
		{"broker: {users: [{name: x, password: 'it''s'}]} # '", "broker: {users: [{name: x, password: '••'}]} # '"},
		{`broker: {users: [{password: "a\"b"}]}`, `broker: {users: [{password: "••"}]}`},
		{"broker: {users: [{password: 123456}, {password: ~}, {password: ''}, {password: '${X}'}]}", "broker: {users: [{password: ••}, {password: ~}, {password: ''}, {password: '${X}'}]}"},
		{"broker:\n  users:\n    - password: |\n        a\n        b\n\n    - name: x\n", "broker:\n  users:\n    - password: ••\n\n    - name: x\n"},
		{"broker:\n  users:\n    - password: a\n        b\n    - name: x\n", "broker:\n  users:\n    - password: ••\n    - name: x\n"},
		{"gateway: {id: &a hunter2}\nbroker: {users: [{password: *a}]}\n", "gateway: {id: &a ••}\nbroker: {users: [{password: *a}]}\n"},
		{"broker: {users: [&u {password: x}, {<<: *u}]}\n", "broker: {users: [&u {password: ••}, {<<: *u}]}\n"},
		{"cameras: [{id: x, url: 'rtsp://u:p@ss@h/x'}]", "cameras: [{id: x, url: 'rtsp://u:••@h/x'}]"},
		{"cameras: [{id: x, url: 'rtsp://u:${P}@h/x', detect_url: rtsp://u@h}]", "cameras: [{id: x, url: 'rtsp://u:${P}@h/x', detect_url: rtsp://u@h}]"},
		{"cameras:\n- url: rtsp://h/user=admin&password=x&channel=1", "cameras:\n- url: rtsp://h/user=admin&password=••&channel=1"},
		{"broker: {users: [{pasword: hunter2}]}\nxpassword: [a, {b: c}]\n", "broker: {users: [{pasword: ••}]}\nxpassword: [••, {b: ••}]\n"},
		{"data: rtsp://u:p@h\n# url: rtsp://u:p@h, password: x y # z\n", "data: rtsp://u:••@h\n# url: rtsp://u:••@h, password: ••\n"},
		{"uplink: {mqtt: [{key: key.pem, password_file: p}]}\n", "uplink: {mqtt: [{key: key.pem, password_file: p}]}\n"},
		{"broker: {users: [{password: {a: x}}, {password: [y]}]}", "broker: {users: [{password: {a: ••}}, {password: [••]}]}"},
		{"a: [\npassword: \"open\n  hunter2\nb: 1", "a: [\npassword: ••\n  ••\nb: 1"},
		{"\tx\n- {password:\n   hunter2}\nc: d", "\tx\n- {password:\n   ••\nc: d"},
	} {
		got := conceal(test.in, func(secret) string { return Dots })
		if got = strings.ReplaceAll(got, Dots, "••"); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
	}
}

const site = `cameras:
  - {id: gate, url: "rtsp://admin:p%40ss@10.0.0.1/1"}
  - id: yard
    url: rtsp://admin:other@10.0.0.2/1
broker:
  users: [{name: a, password: 'a,b'}, {name: b, password: 0123}]
`

// TestReveal: a marker means the same wherever it is moved to, and shows nowhere.
func TestReveal(t *testing.T) {
	mark, known := memory()
	shown := conceal(site, mark)
	ids := marker.FindAllString(shown, -1)
	if len(ids) != 4 {
		t.Fatal(shown)
	}
	swapped := strings.NewReplacer("id: gate", "id: 大门", ids[0], ids[1], ids[1], ids[0]).Replace(shown)
	for what, c := range map[string]struct{ in, want string }{
		"as it was":    {shown, site},
		"by itself":    {strings.Replace(shown, ids[0], "new", 1), strings.Replace(site, "p%40ss", "new", 1)},
		"swapped":      {swapped, strings.NewReplacer("id: gate", "id: 大门", "p%40ss", "other", "other", "p%40ss").Replace(site)},
		"twice":        {strings.ReplaceAll(shown, ids[1], ids[0]), strings.ReplaceAll(site, "other", "p%40ss")},
		"of a URL":     {strings.Replace(shown, ids[2], ids[0], 1), strings.Replace(site, "a,b", "p@ss", 1)},
		"in a URL":     {strings.Replace(shown, ids[1], ids[2], 1), strings.Replace(site, "rtsp://admin:other@10.0.0.2/1", `"rtsp://admin:a,b@10.0.0.2/1"`, 1)},
		"plain":        {strings.Replace(shown, "'"+ids[2]+"'", ids[2], 1), strings.Replace(site, "'a,b'", `"a,b"`, 1)},
		"commented":    {strings.Replace(shown, "    url:", "    # url:", 1), strings.Replace(site, "    url:", "    # url:", 1)},
		"no YAML":      {shown + "x: [\n", shown + "x: [\n"},
		"nothing else": {"a: 1\n", "a: 1\n"},
	} {
		if got, err := reveal("f", c.in, known); err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", what, err, got, c.want)
		}
	}
	for what, c := range map[string]struct {
		in   string
		line int
		key  string
	}{
		"unknown":    {strings.Replace(shown, ids[1], Dots+"aaaaaaaaaaaa", 1), 4, "config.secret.unknown"},
		"damaged":    {strings.Replace(shown, ids[1], ids[1][:len(ids[1])-1], 1), 4, "config.secret.unknown"},
		"dots alone": {strings.Replace(shown, ids[3], Dots, 1), 6, "config.secret.unknown"},
		"as a name":  {strings.Replace(shown, "id: yard", "id: "+ids[1], 1), 3, "config.secret.place"},
		"as a user":  {strings.Replace(shown, "rtsp://admin:"+ids[1], "rtsp://"+ids[1], 1), 4, "config.secret.place"},
		"as a path":  {strings.Replace(shown, "10.0.0.2/1", "10.0.0.2/"+ids[2], 1), 4, "config.secret.place"},
		"as a key":   {strings.Replace(shown, "    url:", "    "+ids[1]+": x\n    url:", 1), 4, "config.secret.place"},
		"in words":   {shown + "# see " + ids[1] + "\n", 7, "config.secret.place"},
	} {
		var problems *config.Problems
		got, err := reveal("f", c.in, known)
		if !errors.As(err, &problems) || len(problems.List) != 1 || problems.List[0].Line != c.line || string(problems.List[0].Key) != c.key {
			t.Errorf("%s: %v, %s", what, err, got)
		}
	}
}

// FuzzConceal: what is hidden has as many lines where no secret has more, means what it did, and a
// text that is not changed comes back as it was.
func FuzzConceal(f *testing.F) {
	body, _ := whole()
	for _, s := range []string{site, body, "broker: {users: [{password: |\n a}]}", "cameras:\n- url: \"rtsp://u:\\u4e2d@h\"\n", "a: &x b\nbroker: {users: [{password: *x}]}", "# password: 'x\n", "password: \"", "broker: {users: [{password: ! x}]}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 4000 || strings.Contains(body, "••") {
			return
		}
		mark, known := memory()
		shown := conceal(body, mark)
		if again := conceal(shown, mark); marker.ReplaceAllString(again, Dots) != marker.ReplaceAllString(shown, Dots) {
			t.Errorf("%q is not all of %q", shown, again)
		}
		before, err := config.Parse("x", []byte(body), nil)
		if err != nil {
			return
		}
		back, err := reveal("x", shown, known)
		if err != nil {
			return // refused is safe
		}
		after, err := config.Parse("x", []byte(back), nil)
		if err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%q became %q: %v", body, back, err)
		}
	})
}
