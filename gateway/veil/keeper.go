package veil

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"sync"

	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
)

// mostHeld bounds the new secrets that wait to be saved.
const mostHeld = 512

// Keeper is a revision.Keeper whose texts have markers for secrets, both ways, and whose sums tell
// nothing about them.
type Keeper struct {
	*revision.Keeper
	key   []byte
	keyMu sync.Mutex // held while the key for sealed secrets is looked for or made

	mu     sync.Mutex
	seen   string            // guarded by mu, as is all that follows: the text in the file
	shown  string            // the same, concealed
	known  map[string]secret // by marker: those of the file
	used   *ledger           // what they are for, nil until somebody asks
	held   map[string]secret // by marker: new ones that are not saved yet
	recent []string          // markers of held, the oldest first
}

// New returns k, which is open, with its texts concealed.
func New(ctx context.Context, k *revision.Keeper) (*Keeper, error) {
	key, err := k.Key(ctx)
	return &Keeper{Keeper: k, key: key, held: map[string]secret{}}, err
}

// learn conceals a text that is kept, and notes what its markers stand for.
func (k *Keeper) learn(body string, known map[string]secret) string {
	return conceal(body, func(s secret) string {
		m := s.mark(k.key)
		known[m] = s
		return m
	})
}

// file conceals the text in the file. It is called with mu held.
func (k *Keeper) file(body string) string {
	if k.known == nil || k.seen != body {
		known := map[string]secret{}
		k.seen, k.shown, k.known, k.used = body, k.learn(body, known), known, nil
	}
	return k.shown
}

// veil puts a digest under the box's key in the place of the sum, which with all but a password
// known would tell whether a guess at it is right.
func (k *Keeper) veil(r revision.Revision) revision.Revision {
	r.Sum = k.sum(r.Sum)
	return r
}

func (k *Keeper) sum(sum string) string {
	h := hmac.New(sha256.New, k.key)
	h.Write([]byte("sum " + sum))
	return hex.EncodeToString(h.Sum(nil))
}

// Current is that of revision.Keeper, concealed.
func (k *Keeper) Current(ctx context.Context) (revision.Revision, []byte, error) {
	r, body, err := k.Keeper.Current(ctx)
	if err != nil {
		return r, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.veil(r), []byte(k.file(string(body))), nil
}

// Body is that of revision.Keeper, concealed.
func (k *Keeper) Body(ctx context.Context, id int64) (revision.Revision, []byte, error) {
	r, body, err := k.Keeper.Body(ctx, id)
	return k.veil(r), []byte(k.learn(string(body), map[string]secret{})), err
}

// List is that of revision.Keeper.
func (k *Keeper) List(ctx context.Context) ([]revision.Revision, error) {
	all, err := k.Keeper.List(ctx)
	for i := range all {
		all[i] = k.veil(all[i])
	}
	return all, err
}

// Check returns what would be in use, or a *config.Problems.
func (k *Keeper) Check(body []byte) (*config.Config, error) {
	meant, err := k.meant(context.Background(), string(body))
	if err != nil {
		return nil, err
	}
	return k.Keeper.Check([]byte(meant))
}

// Save is that of revision.Keeper for a text with markers. What is kept has its secrets sealed.
func (k *Keeper) Save(ctx context.Context, who, note string, body []byte, base string) (revision.Revision, error) {
	now, file, err := k.Keeper.Current(ctx)
	if err != nil {
		return revision.Revision{}, err
	}
	if k.sum(now.Sum) != base {
		return revision.Revision{}, revision.ErrStale
	}
	meant, err := k.meant(ctx, string(body))
	if err != nil {
		return revision.Revision{}, err
	}
	var c *config.Config
	if meant != string(file) {
		meant, c = k.seal(meant)
	}
	r, err := k.SaveRead(ctx, who, note, []byte(meant), now.Sum, c)
	return k.veil(r), err
}

// Conceal shows a text that somebody wrote: new secrets as Dots.
func (k *Keeper) Conceal(body []byte) []byte {
	return []byte(conceal(string(body), func(secret) string { return Dots }))
}

// Hold conceals a text that is to be saved later: its new secrets are kept that long, in memory
// alone.
func (k *Keeper) Hold(body []byte) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return []byte(conceal(string(body), k.hold))
}

// hold is called with mu held. The marker is by chance, so that it does not tell whether a guess is
// a secret that is kept.
func (k *Keeper) hold(s secret) string {
	for m, has := range k.held {
		if has == s {
			return m
		}
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // does not fail
	m := Dots + letters(random[:])
	k.held[m] = s
	if k.recent = append(k.recent, m); len(k.recent) > mostHeld {
		delete(k.held, k.recent[0])
		k.recent = k.recent[1:]
	}
	return m
}

// Meant returns an address with what its markers stand for, or a *config.Problems if they are not
// for this host and user.
func (k *Keeper) Meant(ctx context.Context, address string) (string, error) {
	known, err := k.lookup(ctx, address)
	if err != nil {
		return "", err
	}
	meant := put(address, known)
	at, _ := useOf(meant)
	var all []usage
	for _, what := range mentioned(address) {
		all = append(all, usage{what: what, use: at, sure: true})
	}
	strange, err := k.strange(ctx, all)
	if err == nil && len(strange) > 0 {
		err = &config.Problems{List: []config.Problem{{File: k.Path, Line: 1, Column: 1, Key: "config.secret.moved"}}}
	}
	return meant, err
}

// meant is the text with its secrets.
func (k *Keeper) meant(ctx context.Context, body string) (string, error) {
	known, err := k.lookup(ctx, body)
	if err != nil {
		return "", err
	}
	k.mu.Lock()
	same, file := k.known != nil && body == k.shown, k.seen
	k.mu.Unlock()
	if same {
		return file, nil
	}
	meant, err := reveal(k.Path, body, known)
	if err == nil {
		err = k.bounds(ctx, body, known)
	}
	return meant, err
}

// lookup returns what the markers of a text stand for: those of the file, new ones, and then of the
// configurations that were, the newest first.
func (k *Keeper) lookup(ctx context.Context, body string) (func(string) (secret, bool), error) {
	found := map[string]secret{}
	get := func(m string) (secret, bool) {
		s, ok := found[m]
		return s, ok
	}
	wanted := map[string]bool{}
	for _, m := range marker.FindAllString(body, -1) {
		wanted[m] = true
	}
	if len(wanted) == 0 {
		return get, nil
	}
	if _, _, err := k.Current(ctx); err != nil {
		return nil, err
	}
	take := func(from map[string]secret) {
		for m := range wanted {
			if s, ok := from[m]; ok {
				found[m] = s
				delete(wanted, m)
			}
		}
	}
	k.mu.Lock()
	take(k.known)
	take(k.held)
	k.mu.Unlock()
	if len(wanted) == 0 {
		return get, nil
	}
	all, err := k.Keeper.List(ctx)
	for i := 0; err == nil && i < len(all) && len(wanted) > 0; i++ {
		var body []byte
		if _, body, err = k.Keeper.Body(ctx, all[i].ID); err == nil {
			known := map[string]secret{}
			k.learn(string(body), known)
			take(known)
		}
	}
	return get, err
}

var sign = regexp.MustCompile(Dots + `[a-z2-7]*`)

// Show makes a comparison of concealed texts one for people: a marker is Dots, and a new line whose
// secret was not in the lines that it replaces says so.
func Show(all []revision.Change) []revision.Change {
	gone := map[string]bool{} // markers of the lines that are replaced
	for i := range all {
		switch all[i].Op {
		case "gone":
			for _, m := range sign.FindAllString(all[i].Text, -1) {
				gone[m] = true
			}
		case "new":
			for _, m := range sign.FindAllString(all[i].Text, -1) {
				all[i].Secret = all[i].Secret || !gone[m] || m == Dots
			}
		default:
			clear(gone)
		}
		all[i].Text = sign.ReplaceAllString(all[i].Text, Dots)
	}
	return all
}
