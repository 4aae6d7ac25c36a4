// Package backup puts a whole site into one file, and a site from such a file in the
// place of the one that is there.
//
// # The file
//
// It is an age file (age-encryption.org/v1) for one scrypt recipient with the work
// factor 16: the passphrase and 64 MiB of memory open it, ChaCha20-Poly1305 seals every
// 64 KiB of it, and one that was cut off or changed is refused. In it is a gzip'd tar:
// `age -d site.sentrybox | tar -tz` shows it without this program. Its entries, in this
// order:
//
//	manifest.json            a [Manifest]
//	config.yaml              the configuration, as it stands in its file
//	environment              values of the variables that it uses: NAME="value", and what
//	                         is sealed in it and in its history: enc:…="value"
//	site/…                   files that it names, relative to it
//	tls/authority.crt, .key  the box's own certificate authority
//	counters-…               of the sensors' frames, so that none is played again
//	sentrybox.db             a copy of the database: users, history and audit log, and
//	                         with the alerts everything else
//	evidence/…               pictures and clips, when asked for
//
// # Putting it in place
//
// See [Prepare] and [Finish].
package backup

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
)

// format is what a manifest says of the form that follows it.
const format = "sentrybox-backup/1"

// The work factors of scrypt, as powers of 2: of the files that we write, and the
// greatest that we take, since a greater one is more memory than a small box has.
const (
	workFactor    = 16
	maxWorkFactor = 16
)

// Bounds on what a file may hold, in bytes.
const (
	maxManifest  = 256 << 10
	maxSmall     = 1 << 20 // a configuration, an environment, a key
	maxSiteFile  = 64 << 20
	maxSiteFiles = 1000
	maxDatabase  = 4 << 30
	maxEvidence  = 256 << 20 // of one file
	maxEntries   = 200_000
)

// MinPassphrase is how many characters a passphrase has at the least.
const MinPassphrase = 10

// Errors of reading a backup.
var (
	ErrPassphrase = errors.New("the passphrase is wrong")
	ErrWeak       = fmt.Errorf("a passphrase has %d characters or more", MinPassphrase)
	ErrNoBackup   = errors.New("this is no backup of a site")
	ErrDamaged    = errors.New("the backup is cut off, damaged or too large")
	ErrBusy       = errors.New("another backup or restore is under way")
	ErrNewer      = errors.New("a newer program has written the backup")
)

// Manifest tells what is in a backup.
type Manifest struct {
	Format  string    `json:"format"`
	Version string    `json:"version"` // of the program that made it
	Created time.Time `json:"created"`
	Gateway Identity  `json:"gateway"`
	// Alerts says that alerts and what waits for the line are in it, Evidence that
	// pictures and clips are.
	Alerts   bool   `json:"alerts"`
	Evidence bool   `json:"evidence"`
	Counts   Counts `json:"counts"`
	Bytes    int64  `json:"bytes"` // of all entries together
	// Variables are the names of the environment's variables that the configuration
	// uses, Moved the files that it names, by where they are in the backup.
	Variables []string          `json:"variables"`
	Moved     map[string]string `json:"moved"`
	Folder    string            `json:"folder"` // of the configuration
	// LeftOut are files that the configuration names and the backup lacks, being too large.
	LeftOut []string `json:"left_out"`
}

// Identity is which box it is, and where it stands.
type Identity struct {
	ID        string `json:"id"`
	Street    string `json:"street"`
	Community string `json:"community"`
}

// Counts are how many there are of what a person would look for.
type Counts struct {
	Cameras    int `json:"cameras"`
	Sensors    int `json:"sensors"`
	Users      int `json:"users"`
	Revisions  int `json:"revisions"` // of the configuration
	Alerts     int `json:"alerts"`
	OpenAlerts int `json:"open_alerts"`
	Evidence   int `json:"evidence"` // files
}

// encrypt returns a writer that encrypts to w. Close ends the file.
func encrypt(w io.Writer, passphrase string, cost int) (io.WriteCloser, error) {
	if len([]rune(passphrase)) < MinPassphrase {
		return nil, ErrWeak
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("take the passphrase: %w", err)
	}
	to.SetWorkFactor(cost)
	return age.Encrypt(w, to)
}

// decrypt returns a reader of what is encrypted in r.
func decrypt(r io.Reader, passphrase string) (io.Reader, error) {
	if passphrase == "" {
		return nil, ErrPassphrase
	}
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("take the passphrase: %w", err)
	}
	with.SetMaxWorkFactor(maxWorkFactor)
	plain, err := age.Decrypt(r, with)
	switch {
	case err == nil:
		return plain, nil
	case errors.Is(err, age.ErrIncorrectIdentity): // also of who else it is for: then it is none of ours
		return nil, ErrPassphrase
	}
	return nil, fmt.Errorf("%w: %w", ErrNoBackup, err)
}

// The names of entries.
const (
	manifestName    = "manifest.json"
	configName      = "config.yaml"
	environmentName = "environment"
	databaseName    = "sentrybox.db"
	siteFolder      = "site/"
	evidenceFolder  = "evidence/"
	authorityCert   = "tls/authority.crt"
	authorityKey    = "tls/authority.key"
)

var (
	sitePart     = regexp.MustCompile(`^[\p{L}\p{N}_-][\p{L}\p{N}._ -]*$`)
	counterPath  = regexp.MustCompile(`^counters-[0-9a-f]{1,200}$`)
	evidencePath = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}\.(mp4|jpg)$`)
)

// validSitePath reports whether a path has one to eight parts of letters, digits, '.', '_', ' ' and '-'.
func validSitePath(p string) bool {
	parts := strings.Split(p, "/")
	return len(parts) <= 8 && !slices.ContainsFunc(parts, func(s string) bool { return !sitePart.MatchString(s) })
}

// limitOf returns how large an entry may be, or false if there is none of its name.
func limitOf(name string) (int64, bool) {
	switch name {
	case manifestName:
		return maxManifest, true
	case configName, environmentName, authorityCert, authorityKey:
		return maxSmall, true
	case databaseName:
		return maxDatabase, true
	}
	if rest, ok := strings.CutPrefix(name, siteFolder); ok && len(rest) <= 512 && validSitePath(rest) {
		return maxSiteFile, true
	}
	if counterPath.MatchString(name) {
		return maxSmall, true
	}
	if rest, ok := strings.CutPrefix(name, evidenceFolder); ok && evidencePath.MatchString(rest) {
		return maxEvidence, true
	}
	return 0, false
}
