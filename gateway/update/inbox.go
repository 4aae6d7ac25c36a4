package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sentrybox/gateway/disk"

	"golang.org/x/sys/unix"
)

// Where a box that was installed from the package has what belongs to updates.
const (
	DefaultKeys = "/etc/sentrybox-update.pub"
	DefaultDir  = "/var/lib/sentrybox-update"
	// watched is the data folder whose inbox pathUnit waits for.
	watched  = "/var/lib/sentrybox"
	pathUnit = "/lib/systemd/system/sentrybox-update.path"
)

// Names within the data folder.
const (
	inboxFolder = "update"
	inboxName   = "inbox.update" // sentrybox-update.path looks for it
	inboxPart   = "inbox.part"
	// MaxFile is how many bytes an update may have.
	MaxFile = MaxPackage + 1<<20
)

// What an upload may be refused for, besides.
var (
	ErrByHand = errors.New("this box takes updates by hand alone")
	ErrRoom   = errors.New("the disk has no room for the update")
	ErrGone   = errors.New("there is no such update, upload it again")
)

// Offer is an update that was uploaded and found good.
type Offer struct {
	Version string `json:"version"`
	From    string `json:"from"` // what is installed
}

// Inbox is where the unprivileged gateway leaves an update for root's part, which
// believes nothing of it and verifies it anew. Set the exported fields.
type Inbox struct {
	Data     string // the gateway's data folder
	Dir      string // of the [Updater], to read
	Keys     string // the file of [ReadKeys]
	Owner    int    // of that file
	Unit     string // the file of the unit that waits for an update
	Packages Packages

	busy  sync.Mutex // held while a file is uploaded or handed over
	mu    sync.Mutex
	offer *Offer // guarded by mu
}

// NewInbox returns the inbox of a box as the package installs it, without what an earlier
// run of the program has not handed over. A box whose data are elsewhere is updated by hand.
func NewInbox(data string) *Inbox {
	b := &Inbox{Data: data, Dir: DefaultDir, Keys: DefaultKeys, Packages: Debian{}}
	if filepath.Clean(data) == watched {
		b.Unit = pathUnit
	}
	_ = os.Remove(b.path(inboxPart)) // the next upload writes over it
	return b
}

func (b *Inbox) path(name string) string { return filepath.Join(b.Data, inboxFolder, name) }

// Ready returns why an update cannot be uploaded: [ErrByHand], [ErrNoKey] or [ErrKey].
func (b *Inbox) Ready() error {
	if _, err := os.Stat(b.Unit); err != nil {
		return ErrByHand
	}
	_, err := ReadKeys(b.Keys, b.Owner)
	return err
}

// Put keeps an update of at most room bytes and verifies it. It changes nothing yet.
func (b *Inbox) Put(ctx context.Context, r io.Reader, room int64) (Offer, error) {
	if !b.busy.TryLock() {
		return Offer{}, ErrBusy
	}
	defer b.busy.Unlock()
	b.set(nil)
	if b.Waiting() {
		return Offer{}, ErrBusy
	}
	if err := b.Ready(); err != nil {
		return Offer{}, err
	}
	o, err := b.keep(ctx, r, room)
	if err != nil {
		_ = os.Remove(b.path(inboxPart)) // the next upload writes over it
		return Offer{}, err
	}
	b.set(&o)
	return o, nil
}

func (b *Inbox) keep(ctx context.Context, r io.Reader, room int64) (o Offer, err error) {
	keys, err := ReadKeys(b.Keys, b.Owner)
	if err != nil {
		return o, err
	}
	if err := os.MkdirAll(filepath.Join(b.Data, inboxFolder), 0o700); err != nil {
		return o, err
	}
	f, err := os.OpenFile(b.path(inboxPart), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return o, err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(r, room+1))
	if errors.Is(err, unix.ENOSPC) || err == nil && n > room {
		return o, ErrRoom
	}
	if err != nil {
		return o, fmt.Errorf("keep the update: %w", err)
	}
	if err := f.Sync(); err != nil {
		return o, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return o, err
	}
	m, err := keys.Read(f, io.Discard)
	if err != nil {
		return o, err
	}
	here, err := b.Packages.Installed(ctx)
	if err != nil {
		return o, fmt.Errorf("%w: %w", ErrByHand, err)
	}
	return Offer{Version: m.Version, From: here.Version}, compare(ctx, b.Packages, m, here, false)
}

func (b *Inbox) set(o *Offer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offer = o
}

// Offer returns what [Inbox.Put] has taken last and [Inbox.Hand] not handed over; nil for nothing.
func (b *Inbox) Offer() *Offer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.offer
}

// Hand hands the update of that version over to root's part, which stops this program
// soon after. It returns [ErrGone] if another or none was uploaded.
func (b *Inbox) Hand(version string) (Offer, error) {
	if !b.busy.TryLock() {
		return Offer{}, ErrBusy
	}
	defer b.busy.Unlock()
	o := b.Offer()
	if o == nil || o.Version != version {
		return Offer{}, ErrGone
	}
	if err := os.Rename(b.path(inboxPart), b.path(inboxName)); err != nil {
		return Offer{}, err
	}
	b.set(nil)
	return *o, disk.SyncDir(filepath.Join(b.Data, inboxFolder))
}

// Waiting says whether an update lies there still or is being installed.
func (b *Inbox) Waiting() bool {
	for _, path := range []string{b.path(inboxName), filepath.Join(b.Dir, journalName)} {
		if _, err := os.Lstat(path); err == nil {
			return true
		}
	}
	return false
}

// Last returns what has become of the last update; nil if there was none.
func (b *Inbox) Last() (*Result, error) { return LastResult(b.Dir) }

// Take opens the update that lies at path, DATA/update/inbox.update, and takes it away
// from there, so that nobody is asked about it twice. Who owns the data folder leads it
// nowhere else: no link is followed, nothing but a plain file is opened. The error is
// [ErrNoUpdate] for another thing.
//
// Its owner may still write to the file. [Updater.Apply] installs root's copy of what
// it has verified.
func Take(path string) (*os.File, error) {
	const folder = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	data, err := unix.Open(filepath.Dir(filepath.Dir(path)), folder, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Dir(filepath.Dir(path)), Err: err}
	}
	defer func() { _ = unix.Close(data) }()
	dir, err := unix.Openat(data, filepath.Base(filepath.Dir(path)), folder, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	defer func() { _ = unix.Close(dir) }()
	name := filepath.Base(path)
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	gone := unix.Unlinkat(dir, name, 0)
	if gone != nil {
		gone = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrNoUpdate, err), gone)
	}
	f := os.NewFile(uintptr(fd), path)
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is no plain file", ErrNoUpdate)
	}
	if err = errors.Join(err, gone); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Refuse notes in the folder of updates why one was not begun, for [LastResult].
func Refuse(dir string, why error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	r := Result{State: Refused, At: time.Now().UTC(), Why: why.Error()}
	if key, more := Sentence(why); key != "" {
		r.Reason, r.Why = key, more
	}
	return writeJSON(filepath.Join(dir, resultName), r, 0o644)
}
