// Package password hashes passwords with argon2id, and checks them, in PHC's string
// format.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a new hash: OWASP's Password Storage Cheat Sheet, argon2id with 19
// MiB, two passes and one thread. Hashes with another cost are taken up to the
// bounds below, so that no line of a configuration makes a box run out of memory.
const (
	hashMemory = 19 << 10 // KiB
	hashPasses = 2
	hashLanes  = 1
	saltBytes  = 16
	keyBytes   = 32

	maxHashMemory = 256 << 10 // KiB
	maxHashPasses = 16
)

// The length of a password that a person chooses, in characters.
const (
	Least = 10
	Most  = 256
)

// ErrWeak means that a password is not to be had.
var ErrWeak = fmt.Errorf("a password has %d to %d characters and is not the name", Least, Most)

// Check says whether a person named name, which may not be known, may choose a password: ErrWeak if not.
func Check(name, secret string) error {
	if n := utf8.RuneCountInString(secret); n < Least || n > Most || !utf8.ValidString(secret) || strings.EqualFold(secret, name) {
		return ErrWeak
	}
	return nil
}

// ErrHash means that a text is no argon2id hash.
var ErrHash = errors.New("not an argon2id hash in PHC form ($argon2id$v=19$m=…,t=…,p=…$salt$key)")

// Hash is an argon2id hash (RFC 9106) taken apart.
type Hash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// New returns the argon2id hash of a password in the form of PHC's string
// format, with a salt of its own.
func New(password string) string {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // does not fail (crypto/rand)
	h := Hash{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: salt}
	h.key = h.of(password, keyBytes)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		enc.EncodeToString(h.salt), enc.EncodeToString(h.key))
}

// Parse takes a hash in PHC form apart. It returns ErrHash, which does not quote
// it.
func Parse(s string) (Hash, error) {
	var h Hash
	var version int
	var salt, key string
	rest := []byte(s)
	for i, c := range rest { // Sscanf parts at spaces
		if c == '$' {
			rest[i] = ' '
		}
	}
	n, err := fmt.Sscanf(string(rest), " argon2id v=%d m=%d,t=%d,p=%d %s %s", &version, &h.memory, &h.passes, &h.lanes, &salt, &key)
	if err != nil || n != 6 || version != argon2.Version {
		return Hash{}, ErrHash
	}
	enc := base64.RawStdEncoding.Strict()
	h.salt, err = enc.DecodeString(salt)
	if err == nil {
		h.key, err = enc.DecodeString(key)
	}
	if err != nil || len(h.salt) < 8 || len(h.key) < 16 || len(h.salt) > 64 || len(h.key) > 64 ||
		h.lanes < 1 || h.passes < 1 || h.passes > maxHashPasses || h.memory < 8*uint32(h.lanes) || h.memory > maxHashMemory {
		return Hash{}, ErrHash
	}
	return h, nil
}

func (h *Hash) of(password string, n int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(n))
}

// Fits reports whether h is the password's, in constant time.
func (h *Hash) Fits(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password, len(h.key)), h.key) == 1
}
