// Package update puts a signed version of the whole program on a box, and the old
// one back when the new one does not come up.
//
// # The file
//
// An update is a tar archive (ustar) of two files, in this order: NAME.deb.minisig,
// of 4 KiB at most, and NAME.deb. The first is the second's signature by minisign
// (https://jedisct1.github.io/minisign/), prehashed, as minisign makes it; its
// trusted comment is "sentrybox VERSION ARCHITECTURE", as the package's control
// file has them. Names say nothing: nothing is written by them.
//
// # What happens
//
// A journal on the disk says how far an update has come: prepared, installing,
// proving, then proven, or returning, then returned. What is not proven when the
// box comes up is taken back, by a copy of the old program that lies beside the
// journal: after a power cut there is the old version or the new one, each whole.
package update

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"

	"aead.dev/minisign"
)

// What an update may be refused for.
var (
	ErrNoKey     = errors.New("there is no key that updates are signed with")
	ErrKey       = errors.New("the key of updates may be changed by others than root, or is no minisign key")
	ErrNoUpdate  = errors.New("this is no update")
	ErrSignature = errors.New("the update is not signed by a key that this box trusts, or is damaged")
	ErrArch      = errors.New("the update is for another kind of processor")
	ErrOlder     = errors.New("the update is not newer than what is installed")
	ErrBusy      = errors.New("another update is under way")
	ErrReturned  = errors.New("the new version did not come up, the old one is back")
)

const (
	maxSignature = 4 << 10
	maxKeys      = 16 << 10
	// MaxPackage is how many bytes a package may have.
	MaxPackage = 512 << 20
)

// Keys are the public keys that updates may be signed with.
type Keys []minisign.PublicKey

// ReadKeys reads the public keys of a file, one or several as minisign writes them.
// The file must be owner's, a numeric user, and be written by nobody else. It
// returns ErrNoKey if there is no such file, ErrKey if it cannot be trusted.
func ReadKeys(path string, owner int) (Keys, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of updates: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the keys of updates: %w", err)
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != owner || info.Mode().Perm()&0o022 != 0 || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s", ErrKey, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeys))
	if err != nil {
		return nil, fmt.Errorf("read the keys of updates: %w", err)
	}
	var all Keys
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "untrusted comment:") {
			continue
		}
		var key minisign.PublicKey
		if err := key.UnmarshalText([]byte(line)); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrKey, path)
		}
		all = append(all, key)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, path)
	}
	return all, nil
}

// Manifest is what the signed comment of an update says.
type Manifest struct {
	Version string `json:"version"`
	Arch    string `json:"arch"` // as Debian names it
}

// comment is Debian's policy on versions, 5.6.12, without epochs and bounded.
var comment = regexp.MustCompile(`^sentrybox ([0-9][A-Za-z0-9.+~-]{0,63}) ([a-z0-9]{1,16})$`)

// Read reads an update to its end, writes its package to deb, and returns what was
// signed. What was written is worth nothing if it returns an error: ErrNoUpdate, or
// ErrSignature.
func (k Keys) Read(r io.Reader, deb io.Writer) (m Manifest, err error) {
	t := tar.NewReader(r)
	h, err := next(t, ".deb.minisig", maxSignature)
	if err != nil {
		return m, err
	}
	signature, err := io.ReadAll(t)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrNoUpdate, err)
	}
	name := strings.TrimSuffix(h.Name, ".minisig")
	if h, err = next(t, ".deb", MaxPackage); err != nil {
		return m, err
	}
	if h.Name != name {
		return m, fmt.Errorf("%w: a signature of another file", ErrNoUpdate)
	}
	if m, err = k.verify(t, signature, deb); err != nil {
		return Manifest{}, err
	}
	if _, err = t.Next(); !errors.Is(err, io.EOF) {
		return Manifest{}, fmt.Errorf("%w: there is more in it", ErrNoUpdate)
	}
	return m, nil
}

func next(t *tar.Reader, end string, most int64) (*tar.Header, error) {
	h, err := t.Next()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoUpdate, err)
	}
	if h.Typeflag != tar.TypeReg || !strings.HasSuffix(h.Name, end) || h.Size > most {
		return nil, fmt.Errorf("%w: the entry %.80q of %d bytes", ErrNoUpdate, h.Name, h.Size)
	}
	return h, nil
}

// verify copies a package, and holds its signature against the keys.
func (k Keys) verify(r io.Reader, signature []byte, deb io.Writer) (m Manifest, err error) {
	var s minisign.Signature
	if err := s.UnmarshalText(bytes.TrimRight(signature, "\n")); err != nil || s.Algorithm != minisign.HashEdDSA {
		return m, ErrSignature
	}
	message := minisign.NewReader(r)
	if _, err := io.Copy(deb, message); err != nil {
		return m, fmt.Errorf("read the update: %w", errors.Join(ErrNoUpdate, err))
	}
	for _, key := range k {
		if !message.Verify(key, signature) {
			continue
		}
		said := comment.FindStringSubmatch(s.TrustedComment)
		if said == nil {
			return m, fmt.Errorf("%w: its comment %.80q names no version", ErrNoUpdate, s.TrustedComment)
		}
		return Manifest{Version: said[1], Arch: said[2]}, nil
	}
	return m, ErrSignature
}
