package support

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sentrybox/gateway/config"
	"sentrybox/gateway/strict"
)

const (
	leastSecret = 4 // characters: shorter ones would strike half of every line
	mostFile    = 16 << 10
)

// scrubber strikes secrets out of texts.
type scrubber struct{ known *strings.Replacer }

// What looks like a secret, wherever it stands.
var (
	address    = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)
	named      = regexp.MustCompile(`(?i)((?:pass(?:word|wd|phrase)?|pwd|psw|token|secret|[a-z_]*s?key|hash|code)["']?\s*[:=]\s*["']?)([^\s"',}\]]+)`)
	parameter  = regexp.MustCompile(`(?i)(?:pass(?:word|wd)?|pwd|psw|token|secret)=([^&#;?\s"']+)`)
	phc        = regexp.MustCompile(`\$argon2[a-z]*\$[^\s"',}\]]+`)
	program    = regexp.MustCompile(`sbx_[A-Z2-7]+`)
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`)
	variable   = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|cred`)
)

func (s *scrubber) text(t string) string {
	t = s.known.Replace(t)
	t = privateKey.ReplaceAllString(t, strict.Hidden)
	t = address.ReplaceAllStringFunc(t, strict.Redact)
	t = phc.ReplaceAllString(t, strict.Hidden)
	t = program.ReplaceAllString(t, strict.Hidden)
	return named.ReplaceAllStringFunc(t, func(m string) string {
		parts := named.FindStringSubmatch(m)
		if plain(parts[2]) {
			return m
		}
		return parts[1] + strict.Hidden
	})
}

// plain says that what stands after such a name is a number or a word of the program's.
func plain(v string) bool {
	return v == strict.Hidden || v == "true" || v == "false" || v == "null" || v == `""`
}

// scrubber knows every secret of the box: of the configuration, of old ones, of the
// files that they name and of the environment.
func (s *Source) scrubber(ctx context.Context) *scrubber {
	found := map[string]bool{}
	add := func(secret string) {
		secret = strings.TrimSpace(secret)
		if len([]rune(secret)) < leastSecret || secret == strict.Hidden {
			return
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:], strings.ReplaceAll(secret, `"`, `\"`)} {
			found[form] = true
		}
	}
	walk(reflect.ValueOf(s.Config).Elem(), add)
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if variable.MatchString(name) && !folder(name, value) {
			add(value)
			passwordOf(value, add)
		}
	}
	if b, err := strict.ReadFile(config.EnvironmentFile(s.Path)); err == nil {
		for _, v := range config.ParseEnvironment(b) {
			add(v)
		}
	}
	for _, body := range s.bodies(ctx) {
		fromText(body, add)
		_, files, err := config.Named(s.Path, []byte(body), config.Environment(s.Path))
		if err != nil {
			continue
		}
		for _, path := range append(files, filepath.Join(s.Config.Data, "setup-code")) {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() <= mostFile {
				if b, err := os.ReadFile(path); err == nil && !strings.Contains(string(b), "BEGIN CERTIFICATE") {
					for line := range strings.Lines(string(b)) {
						add(line)
					}
				}
			}
		}
	}
	all := make([]string, 0, len(found))
	for secret := range found {
		all = append(all, secret)
	}
	// The longest first, so that none is cut by one that it begins with.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(all))
	for _, secret := range all {
		pairs = append(pairs, secret, strict.Hidden)
	}
	return &scrubber{known: strings.NewReplacer(pairs...)}
}

// folder says that a variable is of those that the system names as a secret might be, and that it holds what
// it does by its name: a folder that is there. Anything else in it is struck like any other.
func folder(name, value string) bool {
	switch name {
	case "PWD", "OLDPWD", "CREDENTIALS_DIRECTORY": // POSIX.1-2017, 8.3; systemd.exec(5)
	default:
		return false
	}
	info, err := os.Stat(value)
	return err == nil && filepath.IsAbs(value) && info.IsDir()
}

// bodies returns the configuration as it stands in the file, and old ones.
func (s *Source) bodies(ctx context.Context) (all []string) {
	if b, err := strict.ReadFile(s.Path); err == nil {
		all = append(all, string(b))
	}
	found, err := s.DB.QueryContext(ctx, `SELECT body FROM revisions ORDER BY id DESC`)
	if err != nil {
		return all
	}
	defer found.Close()
	for found.Next() {
		var body []byte
		if found.Scan(&body) == nil {
			all = append(all, string(body))
		}
	}
	if found.Err() != nil {
		return all // what looks like a secret is struck all the same
	}
	return all
}

// fromText takes what stands after a name that a secret has, and passwords of addresses.
func fromText(body string, add func(string)) {
	for _, m := range named.FindAllStringSubmatch(body, -1) {
		if !strings.HasPrefix(m[2], "${") && !plain(m[2]) {
			add(m[2])
		}
	}
	for _, m := range address.FindAllString(body, -1) {
		passwordOf(m, add)
	}
}

// passwordOf takes the password of an address, as it stands there and as it is meant.
func passwordOf(raw string, add func(string)) {
	for _, m := range parameter.FindAllStringSubmatch(raw, -1) {
		add(m[1])
	}
	_, rest, ok := strings.Cut(raw, "://")
	at := strings.LastIndexByte(rest, '@')
	if !ok || at < 0 {
		return
	}
	if _, secret, ok := strings.Cut(rest[:at], ":"); ok && !strings.HasPrefix(secret, "${") {
		add(secret)
		if meant, err := url.PathUnescape(secret); err == nil {
			add(meant)
		}
	}
}

// walk finds what is secret by its type.
func walk(v reflect.Value, add func(string)) {
	switch v.Type() {
	case reflect.TypeFor[config.Secret]():
		add(v.Interface().(config.Secret).Reveal())
		return
	case reflect.TypeFor[config.URL]():
		passwordOf(v.Interface().(config.URL).Reveal(), add)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), add)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), add)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			walk(v.MapIndex(k), add)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), add)
		}
	}
}
