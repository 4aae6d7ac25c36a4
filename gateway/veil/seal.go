package veil

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/config"
	"sentrybox/gateway/seal"
	"sentrybox/gateway/strict"
)

var (
	errMeaning = errors.New("sealed, the configuration would mean something else")
	errKey     = errors.New("no key for sealed secrets")
)

// seal returns a text that is right with its secrets sealed, for the file and its history, and what it is read as, nil
// if it is as it was. Where it cannot be sealed it stays as it is, and the log says why: a site that works is worth more.
func (k *Keeper) seal(body string) (string, *config.Config) {
	sealed, c, err := sealSame(k.Path, body, config.Environment(k.Path), k.sealer(nil))
	var problems *config.Problems
	switch {
	case errors.As(err, &problems): // it is going to be refused
		return body, nil
	case err != nil:
		k.Log.Warn("passwords of the configuration are kept as they are", "error", err)
		return body, nil
	}
	return sealed, c
}

// sealSame is sealWith for the configuration at path, and checks that the text means the same to whoever reads it, but
// for how an address escapes its password. c is what it is read as; nil where there was nothing to seal.
func sealSame(path, body string, env func(string) (string, bool), begin func() (sealing, error)) (sealed string, c *config.Config, err error) {
	plain, err := sealWith(body, func() (sealing, error) { return nil, nil })
	if err != nil {
		return body, nil, err
	}
	var want *config.Config
	sealed, err = sealWith(body, func() (sealing, error) {
		if want, err = config.Parse(path, []byte(plain), env); err != nil {
			return nil, err
		}
		return begin()
	})
	if err != nil || sealed == body {
		return body, nil, err
	}
	if c, err = config.Parse(path, []byte(sealed), env); err == nil && !reflect.DeepEqual(want, c) {
		err = errMeaning
	}
	return sealed, c, err
}

// sealing seals a password.
type sealing func(secret string) (text string, err error)

// sealer returns what seals with the box's key, which is made when it is first needed. The same secret is the same text,
// and so has one marker; known has some by secret already, and is filled.
func (k *Keeper) sealer(known map[string]string) func() (sealing, error) {
	if known == nil {
		known = map[string]string{}
	}
	return func() (sealing, error) {
		k.keyMu.Lock()
		key, _, err := seal.Have(seal.Paths(k.Path, os.Getenv))
		k.keyMu.Unlock()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errKey, err)
		}
		return func(secret string) (string, error) {
			if text, ok := known[secret]; ok {
				return text, nil
			}
			text, err := key.Seal(secret)
			known[secret] = text
			return text, err
		}, nil
	}
}

// sealWith puts a sealed text in the place of each password that the schema knows. begin is called when there is
// one; without what seals, addresses are only escaped as a sealed text in them is.
func sealWith(body string, begin func() (sealing, error)) (string, error) {
	root, anchors, ok := strict.Tree([]byte(body))
	if !ok || strings.HasPrefix(body, "\ufeff") || strings.Contains(body, "\r") {
		return body, nil
	}
	f, src := find(root, anchors), newSource(body)
	var edits []edit
	var put sealing
	for _, n := range f.order {
		old := valueOf(n)
		all := f.open(n, old)
		if len(all) == 0 {
			continue
		}
		if edits == nil {
			var err error
			if put, err = begin(); err != nil {
				return "", err
			}
		}
		value, err := sealPieces(old, all, put)
		if err != nil {
			return "", err
		}
		from, to, ok := src.span(n)
		if !ok {
			return "", errors.New("a password stands where it cannot be replaced")
		}
		edits = append(edits, edit{from, to, write(src.text[from:to], value)})
	}
	return src.apply(edits), nil
}

// A piece is a part of a text that stands in the clear, and what it means. alone is one that is the whole text or a
// parameter, and stands as it is; another is escaped.
type piece struct {
	from, to int
	meaning  string
	alone    bool
}

// open returns what of a scalar is secret by the schema and stands in the clear. A hash is none: nobody signs in with it.
func (f *finder) open(n ast.Node, value string) (all []piece) {
	clear := func(s string) bool { return hides(s) && !strings.Contains(s, "${") }
	switch kind := f.schema[n]; {
	case kind == nil:
		return nil
	case kind == reflect.TypeFor[config.Secret]():
		if clear(value) && !strings.HasPrefix(value, "$argon2") {
			all = append(all, piece{0, len(value), value, true})
		}
		return all
	}
	at := strings.LastIndexByte(value, '@')
	for _, p := range parts(value, clear) {
		text := value[p[0]:p[1]]
		if p[1] != at {
			all = append(all, piece{p[0], p[1], text, true})
		} else if meaning, err := url.PathUnescape(text); err == nil {
			all = append(all, piece{p[0], p[1], meaning, false})
		}
	}
	return all
}

func sealPieces(value string, all []piece, put sealing) (string, error) {
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		text := p.meaning
		var err error
		switch {
		case put != nil:
			text, err = put(p.meaning)
		case !p.alone:
			text = strict.EscapeUser(p.meaning)
		}
		if err != nil {
			return "", err
		}
		value = value[:p.from] + text + value[p.to:]
	}
	return value, nil
}
