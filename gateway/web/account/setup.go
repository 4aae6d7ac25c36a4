package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sentrybox/gateway/boxid"
	"sentrybox/gateway/password"
)

// CodeFile is the name of the file in the data folder that holds the one-time
// code while it is of use, for whoever prints the label.
const CodeFile = "setup-code"

// Codes have 12 characters that cannot be taken for one another: 60 bits.
const (
	codeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	codeLength   = 12
)

// LabelCode returns the set-up code of a box's label, as it is printed.
func LabelCode(l *boxid.Label) string { return pretty(l.Code(codeAlphabet, codeLength)) }

// setupCode returns the code in the folder, and makes one if there is none.
func setupCode(dir string) (string, error) {
	path := filepath.Join(dir, CodeFile)
	b, err := os.ReadFile(path)
	if err == nil && len(normal(string(b))) == codeLength {
		return pretty(normal(string(b))), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the one-time code: %w", err)
	}
	random := make([]byte, codeLength)
	_, _ = rand.Read(random) // does not fail (crypto/rand)
	for i, r := range random {
		random[i] = codeAlphabet[int(r)%len(codeAlphabet)] // of 32 letters each is as likely
	}
	code := pretty(string(random))
	if err := os.WriteFile(path, []byte(code+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the one-time code: %w", err)
	}
	return code, nil
}

// normal takes a code as people type it.
func normal(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(codeAlphabet, r) {
			return r
		}
		return -1
	}, strings.ToUpper(s))
}

func pretty(s string) string { return s[:4] + "-" + s[4:8] + "-" + s[8:] }

// CheckCode reports whether the one-time code is right: ErrCode or a *brake.Locked if
// not, ErrDone if the first password is set already.
func (a *Accounts) CheckCode(code, origin string) error {
	if a.Claimed() {
		return ErrDone
	}
	if normal(code) == "" {
		return ErrCode // nobody guesses that
	}
	if err := a.brake.Take(a.Now(), "", origin); err != nil {
		return err
	}
	a.mu.Lock()
	right := 0
	for _, known := range []string{normal(a.code), normal(a.Label)} {
		if len(known) == codeLength {
			right |= subtle.ConstantTimeCompare([]byte(normal(code)), []byte(known))
		}
	}
	a.mu.Unlock()
	if right == 0 {
		return ErrCode
	}
	a.brake.Fine("", origin)
	return nil
}

// Claim sets the first password, of a technician called name, and returns the
// token of a session. It returns ErrDone if that has been done, ErrCode or a
// *brake.Locked if the code is wrong. first, if not nil, is done before, once the code is
// known to be right; if it fails the box stays unclaimed.
func (a *Accounts) Claim(ctx context.Context, code, name, secret, origin string, first func() error) (token string, err error) {
	if err := a.CheckCode(code, origin); err != nil {
		return "", err
	}
	if err := errors.Join(checkUser(name, Technician), password.Check(name, secret)); err != nil {
		return "", err
	}
	hash, err := a.hash(ctx, secret)
	if err != nil {
		return "", err
	}
	if first != nil {
		if err := first(); err != nil {
			return "", err
		}
	}
	by := Actor{Name: name, Origin: origin}
	err = a.change(ctx, by, "setup", name, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM web_users`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrDone
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO web_users (name, role, hash, created) VALUES (?, ?, ?, ?)`,
			name, Technician, hash, a.Now().UnixMilli())
		return err
	})
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	a.claimed, a.code = true, ""
	a.mu.Unlock()
	if err := os.Remove(filepath.Join(a.Dir, CodeFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.Log.Error("the one-time code stays on the disk; it is worth nothing", "error", err)
	}
	return a.begin(ctx, name, Technician, origin), nil
}
