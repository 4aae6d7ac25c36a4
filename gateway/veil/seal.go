package veil

import (
	"errors"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/config"
	"sentrybox/gateway/seal"
	"sentrybox/gateway/strict"
)

var errMeaning = errors.New("sealed, the configuration would mean something else")

// seal returns a text that is right with its secrets sealed, for the file and its history. Where that cannot be
// they stay as they are, and the log says why: a site that works is worth more.
func (k *Keeper) seal(body string) string {
	env := config.Environment(k.Path)
	if _, err := config.Parse(k.Path, []byte(body), env); err != nil {
		return body // it is going to be refused
	}
	sealed, err := sealWith(body, k.sealer)
	if err == nil && sealed != body {
		err = k.same(body, sealed)
	}
	if err != nil {
		k.Log.Warn("passwords of the configuration are kept as they are", "error", err)
		return body
	}
	return sealed
}

// same reports texts that do not mean the same to whoever reads them, but for how an address escapes its password.
func (k *Keeper) same(body, sealed string) error {
	plain, err := sealWith(body, func() (func(string) (string, error), error) { return nil, nil })
	if err != nil {
		return err
	}
	want, err := config.Parse(k.Path, []byte(plain), config.Environment(k.Path))
	if err != nil {
		return err
	}
	got, err := config.Parse(k.Path, []byte(sealed), config.Environment(k.Path))
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(want, got) {
		return errMeaning
	}
	return nil
}

// sealer returns what seals with the box's key, which is made when it is first needed.
func (k *Keeper) sealer() (func(string) (string, error), error) {
	key, _, err := seal.Have(seal.Paths(k.Path, os.Getenv))
	if err != nil {
		return nil, err
	}
	done := map[string]string{}
	return func(secret string) (string, error) { // the same secret is the same text, and so has one marker
		if text, ok := done[secret]; ok {
			return text, nil
		}
		text, err := key.Seal(secret)
		done[secret] = text
		return text, err
	}, nil
}

// sealWith puts a sealed text in the place of each password that the schema knows. begin is called when there is
// one; without what seals, addresses are only escaped as a sealed text in them is.
func sealWith(body string, begin func() (func(string) (string, error), error)) (string, error) {
	root, anchors, ok := strict.Tree([]byte(body))
	if !ok || strings.HasPrefix(body, "\ufeff") || strings.Contains(body, "\r") {
		return body, nil
	}
	f, src := find(root, anchors), newSource(body)
	var edits []edit
	var put func(string) (string, error)
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

func sealPieces(value string, all []piece, put func(string) (string, error)) (string, error) {
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
