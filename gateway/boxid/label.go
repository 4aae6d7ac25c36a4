package boxid

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// LabelFile is where the label's secret is kept on a box that was made with one.
const LabelFile = "/etc/sentrybox/label"

// ErrLabel means that a file is none with a label's secret.
var ErrLabel = errors.New("not a label's secret: serial: … and secret: … with 64 hexadecimal digits")

// Label is what the set-up code on a box's label is made of. A code that could be
// computed from the serial number alone would be no secret, since that is on the box
// for all to see: so there is a secret of this one box beside it, which is made with the
// box and stays on it. Who has the box's disk can compute the code of this box, and of
// no other.
type Label struct {
	Serial string
	secret []byte
}

const labelSecret = 32 // bytes

// MakeLabel makes a secret for the box with the serial number and writes it to a file
// that is not there yet, for its owner alone.
func MakeLabel(path, serial string) (*Label, error) {
	l := &Label{Serial: strings.TrimSpace(serial), secret: make([]byte, labelSecret)}
	if l.Serial == "" || strings.ContainsAny(l.Serial, "\r\n") {
		return nil, errors.New("the box has no serial number: name one")
	}
	_, _ = rand.Read(l.secret) // does not fail (crypto/rand)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the label's secret: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the label's secret: %w", err)
	}
	_, err = fmt.Fprintf(f, "serial: %s\nsecret: %s\n", l.Serial, hex.EncodeToString(l.secret))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("make the label's secret: %w", err)
	}
	return l, nil
}

// ReadLabel reads the file that MakeLabel has written.
func ReadLabel(path string) (*Label, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the label's secret: %w", err)
	}
	var l Label
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "serial":
			l.Serial = value
		case "secret":
			if l.secret, err = hex.DecodeString(value); err != nil {
				return nil, ErrLabel // which does not quote it
			}
		}
	}
	if l.Serial == "" || len(l.secret) != labelSecret {
		return nil, ErrLabel
	}
	return &l, nil
}

// Of says whether the label is of the box below root, as far as that tells its serial
// number: a copied disk is not to bring another box's code along.
func (l *Label) Of(root string) bool {
	own := Serial(root)
	return own == "" || own == l.Serial
}

// Code returns the set-up code with the letters of alphabet, which has 32: an HMAC-SHA-256
// (RFC 2104) of the serial number, of which each byte gives a letter.
func (l *Label) Code(alphabet string, length int) string {
	mac := hmac.New(sha256.New, l.secret)
	mac.Write([]byte("sentrybox set-up code\x00" + l.Serial))
	sum := mac.Sum(nil)
	code := make([]byte, length)
	for i := range code {
		code[i] = alphabet[int(sum[i])%len(alphabet)] // of 32 letters each is as likely
	}
	return string(code)
}
