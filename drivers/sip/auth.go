package sip

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"sentrybox/drivers/digest"
)

const (
	nonceLife = 5 * time.Minute
	maxNonces = 4096 // that were used, and are remembered for their life
)

// nonces makes and checks nonces. What is made is not kept: a nonce tells when and for whom it was made,
// under a key of this run. What was used is, so that credentials count once.
type nonces struct {
	key [32]byte

	mu   sync.Mutex
	used map[string]use
}

// use is how far a nonce has been used.
type use struct {
	count uint64 // nc of the last request
	until time.Time
}

func newNonces() *nonces {
	n := &nonces{used: map[string]use{}}
	_, _ = rand.Read(n.key[:]) // never fails
	return n
}

func (n *nonces) make(from netip.Addr, now time.Time) string {
	var b [8 + 16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixNano())) // any bits will do
	copy(b[8:], n.sum(b[:8], from))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (n *nonces) sum(stamp []byte, from netip.Addr) []byte {
	h := hmac.New(sha256.New, n.key[:])
	_, _ = h.Write(stamp)
	_, _ = h.Write(from.AsSlice())
	return h.Sum(nil)[:16]
}

// fresh says whether a nonce was made here, for the address, and not long ago.
func (n *nonces) fresh(nonce string, from netip.Addr, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 24 || !hmac.Equal(b[8:], n.sum(b[:8], from)) {
		return false
	}
	age := now.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(b[:8])))) // ours
	return age >= 0 && age < nonceLife
}

// spend says whether credentials that are right were not used before. Without nc a nonce
// serves once.
func (n *nonces) spend(c *digest.Credentials, now time.Time) bool {
	count := uint64(1)
	if c.QOP != "" {
		var err error
		if count, err = strconv.ParseUint(c.NC, 16, 32); err != nil || count == 0 {
			return false
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	last, there := n.used[c.Nonce]
	if there && (c.QOP == "" || count <= last.count) {
		return false
	}
	if !there && len(n.used) >= maxNonces {
		for k, u := range n.used {
			if now.After(u.until) {
				delete(n.used, k)
			}
		}
		if len(n.used) >= maxNonces {
			return false // as if it were stale: the next one will do
		}
	}
	n.used[c.Nonce] = use{count: count, until: now.Add(nonceLife)}
	return true
}

// challenge returns the WWW-Authenticate header for the address. RFC 8760 section 2.3 would have one for
// each algorithm, the better one first; but there are telephones, baresip 1.0 among them, that cannot
// sign in at all when they see one that they do not know. So there is one, which the party's configuration names.
func (n *nonces) challenge(realm string, from netip.Addr, algorithm string, stale bool, now time.Time) string {
	more := ""
	if stale {
		more = ", stale=true"
	}
	return fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"%s`, realm, n.make(from, now), algorithm, more)
}
