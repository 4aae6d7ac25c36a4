// Package seal encrypts the secrets of a configuration, so that the file can be copied, sent and
// backed up without them.
//
// A sealed text is ${enc:…} and stands wherever ${NAME} may. It opens with a key of 32 bytes in a
// file of its own with mode 0600, which is no part of a backup. That guards against who gets hold of
// the configuration or a backup of it. It does not guard against who has the whole disk, unless the key is bound to
// the machine: systemd's LoadCredentialEncrypted= can do that with a TPM, and hands it over in
// $CREDENTIALS_DIRECTORY, where it is looked for first.
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"sentrybox/gateway/disk"
)

// Prefix begins a sealed text within ${ and }.
const Prefix = "enc:"

// KeyFile is the name of the key's file, in the folder of the configuration or of credentials.
const KeyFile = "secret.key"

// version is the first byte of what is sealed: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with
// a random nonce in front.
const version = 1

// Errors of a sealed text.
var (
	ErrNoKey = errors.New("there is no key for sealed secrets")
	ErrOpen  = errors.New("the text is not sealed with this key")
	ErrMode  = errors.New("others may read the key for sealed secrets")
)

// Key opens and seals.
type Key struct {
	aead cipher.AEAD
	raw  []byte
}

// Paths returns where the key of the configuration file may be, in order.
func Paths(config string, getenv func(string) string) (all []string) {
	if dir := getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		all = append(all, filepath.Join(dir, KeyFile))
	}
	return append(all, filepath.Join(filepath.Dir(config), KeyFile))
}

// Find reads the first key that there is: ErrNoKey if none is.
func Find(paths []string) (*Key, error) {
	for _, path := range paths {
		k, err := Read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return k, err
	}
	return nil, ErrNoKey
}

// All reads every key that there is and that can be read, in order: what was sealed by a program that was not handed the
// service's credentials opens with the other key.
func All(paths []string) (all []*Key) {
	for _, path := range paths {
		if k, err := Read(path); err == nil {
			all = append(all, k)
		}
	}
	return all
}

// Have is Find, and makes the key at the last of the paths if there is none. made is that path then, else empty.
func Have(paths []string) (k *Key, made string, err error) {
	if k, err = Find(paths); !errors.Is(err, ErrNoKey) {
		return k, "", err
	}
	made = paths[len(paths)-1]
	if k, err = Create(made); err != nil {
		return nil, "", err
	}
	return k, made, nil
}

// Read reads a key: 64 hexadecimal digits. One that others than the owner may read is ErrMode.
func Read(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the key for sealed secrets: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrMode)
	}
	text := make([]byte, 2*chacha20poly1305.KeySize+2)
	n, _ := f.Read(text) // what is too short is no key
	raw, err := hex.DecodeString(strings.TrimSpace(string(text[:n])))
	if err != nil || len(raw) != chacha20poly1305.KeySize {
		return nil, fmt.Errorf("%s: want %d hexadecimal digits", path, 2*chacha20poly1305.KeySize)
	}
	return newKey(raw)
}

func newKey(raw []byte) (*Key, error) {
	aead, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return nil, fmt.Errorf("use the key for sealed secrets: %w", err)
	}
	return &Key{aead, raw}, nil
}

// New makes a key that is in no file yet.
func New() (*Key, error) {
	raw := make([]byte, chacha20poly1305.KeySize)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return newKey(raw)
}

// Create makes a key at path, which must not exist, durably and with mode 0600.
func Create(path string) (*Key, error) {
	k, err := New()
	if err == nil {
		err = k.Write(path)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Write puts the key at path, which must not exist, durably and with mode 0600.
func (k *Key) Write(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the key for sealed secrets: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(k.raw) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write the key for sealed secrets: %w", err), os.Remove(path))
	}
	return disk.SyncDir(filepath.Dir(path))
}

// Seal returns a text for a configuration: ${enc:…}.
func (k *Key) Seal(secret string) (string, error) {
	b := make([]byte, 1+k.aead.NonceSize())
	b[0] = version
	if _, err := rand.Read(b[1:]); err != nil {
		return "", fmt.Errorf("seal a secret: %w", err)
	}
	b = k.aead.Seal(b, b[1:], []byte(secret), b[:1])
	return "${" + Prefix + base64.RawURLEncoding.EncodeToString(b) + "}", nil
}

// Open opens what stands behind Prefix.
func (k *Key) Open(text string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	head := 1 + k.aead.NonceSize()
	if err != nil || len(b) < head || b[0] != version {
		return "", ErrOpen
	}
	secret, err := k.aead.Open(nil, b[1:head], b[head:], b[:1])
	if err != nil {
		return "", ErrOpen
	}
	return string(secret), nil
}
