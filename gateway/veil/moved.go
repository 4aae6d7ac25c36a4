package veil

import (
	"context"
	"path/filepath"
	"slices"

	"sentrybox/gateway/config"
	"sentrybox/gateway/strict"
)

// A ledger says what each secret is used for.
type ledger struct {
	uses map[string]map[use]bool
	sure map[string]bool // references and files that are for secrets
}

// note writes down what a text with markers uses.
func (l *ledger) note(shown, dir string, put func(string) string) {
	root, anchors, ok := strict.Tree([]byte(shown))
	if !ok {
		return
	}
	all, _ := usages(root, anchors, dir, put)
	for _, u := range all {
		if l.uses[u.what] == nil {
			l.uses[u.what] = map[use]bool{}
		}
		l.uses[u.what][u.use] = true
		if u.use.host != "" { // what went in the open may also go encrypted
			safe := u.use
			safe.plain = false
			l.uses[u.what][safe] = true
		}
		l.sure[u.what] = l.sure[u.what] || u.sure
	}
}

func newLedger() *ledger { return &ledger{map[string]map[use]bool{}, map[string]bool{}} }

// bounds returns a *config.Problems where a text would use a kept secret for what it was never used
// for: whoever may change the configuration could have it sent to an address of their own. Typed
// again, it is a new one. body is a text that reveal takes; what is no YAML is none.
func (k *Keeper) bounds(ctx context.Context, body string, known func(string) (secret, bool)) error {
	root, anchors, ok := strict.Tree([]byte(body))
	if !ok {
		return nil
	}
	all, ok := usages(root, anchors, filepath.Dir(k.Path), func(s string) string { return put(s, known) })
	problems := config.Problems{}
	if !ok {
		problems.List = append(problems.List, config.Problem{File: k.Path, Line: 1, Column: 1, Key: "config.secret.moved"})
		return &problems
	}
	strange, err := k.strange(ctx, all)
	if err != nil {
		return err
	}
	for _, u := range strange {
		p := u.node.GetToken().Position
		at := config.Problem{File: k.Path, Line: p.Line, Column: p.Column, Key: "config.secret.moved"}
		if n := len(problems.List); n == 0 || problems.List[n-1].Line != at.Line || problems.List[n-1].Column != at.Column {
			problems.List = append(problems.List, at)
		}
	}
	if len(problems.List) > 0 {
		return &problems
	}
	return nil
}

// strange returns the usages of kept secrets for what they were used for neither in the file nor in
// any configuration that was.
func (k *Keeper) strange(ctx context.Context, all []usage) ([]usage, error) {
	if len(all) == 0 {
		return nil, nil
	}
	if _, _, err := k.Current(ctx); err != nil {
		return nil, err
	}
	dir := filepath.Dir(k.Path)
	k.mu.Lock()
	if k.used == nil {
		k.used = newLedger()
		known := k.known
		k.used.note(k.shown, dir, func(s string) string { return putFrom(s, known) })
	}
	used := k.used
	all = slices.DeleteFunc(all, func(u usage) bool {
		_, fresh := k.held[u.what]
		return fresh || used.uses[u.what][u.use]
	})
	k.mu.Unlock()
	if len(all) == 0 {
		return nil, nil
	}
	were := newLedger()
	revisions, err := k.Keeper.List(ctx)
	for i := 0; err == nil && i < len(revisions); i++ {
		var body []byte
		if _, body, err = k.Keeper.Body(ctx, revisions[i].ID); err == nil {
			known := map[string]secret{}
			were.note(k.learn(string(body), known), dir, func(s string) string { return putFrom(s, known) })
		}
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(u usage) bool {
		if were.uses[u.what][u.use] {
			return true
		}
		// A reference or a file that was never for a secret may be for one now.
		return !anyMarker.MatchString(u.what) && !used.sure[u.what] && !were.sure[u.what]
	}), nil
}

func putFrom(s string, known map[string]secret) string {
	return put(s, func(m string) (secret, bool) {
		s, ok := known[m]
		return s, ok
	})
}
