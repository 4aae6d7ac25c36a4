package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/disk"

	"golang.org/x/sys/unix"
)

// Packages is the box's package manager.
type Packages interface {
	// Installed returns what is installed now.
	Installed(ctx context.Context) (Manifest, error)
	// Inspect returns what a package says of itself; it must be Sentrybox's.
	Inspect(ctx context.Context, deb string) (Manifest, error)
	// Newer says whether version a comes after b.
	Newer(ctx context.Context, a, b string) (bool, error)
	// Keep makes a package of what is installed now.
	Keep(ctx context.Context, deb string) error
	// Install brings every file of a package to its place, and the package manager's
	// notes with them, whatever a cut has left of an earlier one.
	Install(ctx context.Context, deb string) error
}

// Service is the gateway as the box runs it.
type Service interface {
	Stop(ctx context.Context) error
	// Start begins to start it, and does not wait.
	Start(ctx context.Context) error
	// Stuck returns what of the main job does not work; an error if it does not run.
	Stuck(ctx context.Context) ([]string, error)
}

// Data is the gateway's database. It is asked only while the service is stopped.
type Data interface {
	// Keep copies the database to a folder and returns a name of its tables' form,
	// empty where there is no database.
	Keep(ctx context.Context, dir string) (schema string, err error)
	// Return puts the copy back if the tables' form is another than schema.
	Return(ctx context.Context, dir, schema string) error
}

// Updater updates the programs of a box. Set the fields.
type Updater struct {
	Dir      string // root's alone to write
	Keys     Keys
	Packages Packages
	Service  Service
	Data     Data
	Home     string        // the gateway's data folder, noted for [Home]
	Program  string        // the program that runs
	Within   time.Duration // in which a new version must come up
	Steady   time.Duration // for how long it must then be well without a break
	Poll     time.Duration
	Log      *slog.Logger

	// cut is called before every step that changes something, by tests.
	cut func(string)
}

func (u *Updater) step(name string) {
	if u.cut != nil {
		u.cut(name)
	}
}

// Apply reads an update, installs it, and returns what has become of it: with
// ErrReturned if the old version had to come back. Older versions need downgrade.
func (u *Updater) Apply(ctx context.Context, r io.Reader, downgrade bool) (Result, error) {
	unlock, err := u.lock()
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	if _, err := u.resume(ctx); err != nil {
		return Result{}, err
	}
	j, err := u.prepare(ctx, r, downgrade)
	if err != nil {
		return Result{}, err
	}
	// From here on who asked may go: it ends, one way or the other.
	ctx = context.WithoutCancel(ctx)
	if err := u.change(ctx, j); err != nil {
		u.Log.Error("the update is taken back", "error", err)
		j.Why = err.Error()
		if back := u.back(ctx, j); back != nil {
			return j.Result, errors.Join(err, back)
		}
		return j.Result, fmt.Errorf("%w: %w", ErrReturned, err)
	}
	return j.Result, u.finish(j)
}

// Resume takes back what a power cut has left unproven, and returns what has become
// of it; nil if there was nothing. It is called before the service starts.
func (u *Updater) Resume(ctx context.Context) (*Result, error) {
	unlock, err := u.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return u.resume(ctx)
}

func (u *Updater) resume(ctx context.Context) (*Result, error) {
	var j journal
	if ok, err := readJSON(filepath.Join(u.Dir, journalName), &j); !ok {
		return nil, err
	}
	if j.State == Proven || j.State == Returned || j.State == Unchanged {
		return &j.Result, u.finish(&j)
	}
	if j.Why == "" {
		j.Why = "cut off while " + string(j.State)
	}
	return &j.Result, u.back(ctx, &j)
}

func (u *Updater) lock() (unlock func(), err error) {
	if err := os.MkdirAll(u.Dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(u.Dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, ErrBusy
	}
	return func() { _ = f.Close() }, nil
}

// prepare checks an update and puts all that the way there and back needs on the disk. It leaves
// nothing there if it fails.
func (u *Updater) prepare(ctx context.Context, r io.Reader, downgrade bool) (j *journal, err error) {
	if err := u.tidy(); err != nil { // what a cut has left before there was a journal
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, u.tidy())
		}
	}()
	path := filepath.Join(u.Dir, newName)
	var m Manifest
	u.step("keep the new package")
	err = replace(path, 0o600, func(f *os.File) (err error) {
		m, err = u.Keys.Read(r, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	here, err := u.Packages.Installed(ctx)
	if err != nil {
		return nil, err
	}
	if err := u.check(ctx, path, m, here, downgrade); err != nil {
		return nil, err
	}
	u.step("keep the old package")
	if err := u.Packages.Keep(ctx, filepath.Join(u.Dir, oldName)); err != nil {
		return nil, fmt.Errorf("keep the old version: %w", err)
	}
	u.step("keep the program")
	if err := u.keepProgram(); err != nil {
		return nil, fmt.Errorf("keep the program: %w", err)
	}
	return &journal{Result: Result{From: here.Version, To: m.Version}, Home: u.Home}, nil
}

// check holds what an update says of itself against what it is and what is here.
func (u *Updater) check(ctx context.Context, deb string, m, here Manifest, downgrade bool) error {
	is, err := u.Packages.Inspect(ctx, deb)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoUpdate, err)
	}
	if is != m {
		return fmt.Errorf("%w: its comment says %s %s, and it is %s %s", ErrNoUpdate, m.Version, m.Arch, is.Version, is.Arch)
	}
	return compare(ctx, u.Packages, m, here, downgrade)
}

// compare holds what an update says of itself against what is here.
func compare(ctx context.Context, p Packages, m, here Manifest, downgrade bool) error {
	if m.Arch != here.Arch {
		return fmt.Errorf("%w: %s, this is %s", ErrArch, m.Arch, here.Arch)
	}
	newer, err := p.Newer(ctx, m.Version, here.Version)
	if err == nil && !newer && !downgrade {
		err = fmt.Errorf("%w: %s, %s is installed", ErrOlder, m.Version, here.Version)
	}
	return err
}

func (u *Updater) keepProgram() error {
	from, err := os.Open(u.Program)
	if err != nil {
		return err
	}
	defer from.Close()
	return replace(filepath.Join(u.Dir, ProgramName), 0o755, func(f *os.File) error {
		_, err := io.Copy(f, from)
		return err
	})
}

// change installs the new version and waits until it has proven itself.
func (u *Updater) change(ctx context.Context, j *journal) (err error) {
	if err := u.note(j, Prepared); err != nil {
		return err
	}
	before, _ := u.Service.Stuck(ctx) // what does not work now is not the new version's fault
	u.step("stop")
	if err := u.Service.Stop(ctx); err != nil {
		return err
	}
	u.step("keep the data")
	if j.Schema, err = u.Data.Keep(ctx, filepath.Join(u.Dir, dataName)); err != nil {
		return fmt.Errorf("keep the database: %w", err)
	}
	if err := u.note(j, Installing); err != nil {
		return err
	}
	u.step("install")
	if err := u.Packages.Install(ctx, filepath.Join(u.Dir, newName)); err != nil {
		return fmt.Errorf("install %s: %w", j.To, err)
	}
	if err := u.note(j, Proving); err != nil {
		return err
	}
	u.step("start")
	if err := u.Service.Start(ctx); err != nil {
		return err
	}
	if err := u.prove(ctx, before); err != nil {
		return err
	}
	return u.note(j, Proven)
}

// part returns the name of a part of the main job that does not work, without why.
func part(stuck string) string {
	name, _, _ := strings.Cut(stuck, ":")
	return name
}

// newly returns what of stuck is another part than those before.
func newly(stuck, before []string) (all []string) {
	for _, s := range stuck {
		if !slices.ContainsFunc(before, func(b string) bool { return part(b) == part(s) }) {
			all = append(all, s)
		}
	}
	return all
}

// prove waits until nothing is stuck that was not before, and then that it stays so.
func (u *Updater) prove(ctx context.Context, before []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, u.Within+u.Steady, fmt.Errorf("not well within %s", u.Within))
	defer cancel()
	var since time.Time
	for {
		stuck, err := u.Service.Stuck(ctx)
		if news := newly(stuck, before); err == nil && len(news) > 0 {
			err = fmt.Errorf("it does not work: %s", strings.Join(news, "; "))
		}
		switch now := time.Now(); {
		case err != nil:
			since = time.Time{}
		case since.IsZero():
			since = now
		case now.Sub(since) >= u.Steady:
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(u.Poll):
		}
	}
}

// back has the old version take its place again. Each step may be done again. A full disk is no
// reason to stay with the new one: what is noted already leads back at the next boot, too.
func (u *Updater) back(ctx context.Context, j *journal) error {
	if j.State == Prepared { // nothing is installed
		u.step("start the old one")
		if err := u.Service.Start(ctx); err != nil {
			return err
		}
		if err := u.note(j, Unchanged); err != nil {
			u.Log.Error("update", "error", err)
		}
		return u.finish(j)
	}
	u.step("give up the new package")
	if err := os.Remove(filepath.Join(u.Dir, newName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	proven := j.State == Proven // it may be what is noted
	if err := u.note(j, Returning); err != nil {
		if proven {
			return err
		}
		u.Log.Error("update", "error", err)
	}
	u.step("stop the new one")
	if err := u.Service.Stop(ctx); err != nil {
		return err
	}
	u.step("install the old one")
	if err := u.Packages.Install(ctx, filepath.Join(u.Dir, oldName)); err != nil {
		// Better a mixture that runs than none; the next boot tries again.
		return errors.Join(fmt.Errorf("go back to %s: %w", j.From, err), u.Service.Start(ctx))
	}
	u.step("return the data")
	if err := u.Data.Return(ctx, filepath.Join(u.Dir, dataName), j.Schema); err != nil {
		return fmt.Errorf("return the database: %w", err)
	}
	u.step("start the old one")
	if err := u.Service.Start(ctx); err != nil {
		return err
	}
	if err := u.note(j, Returned); err != nil {
		return err
	}
	return u.finish(j)
}

func (u *Updater) note(j *journal, to State) error {
	u.step("note " + string(to))
	j.State, j.At = to, time.Now().UTC()
	u.Log.Info("update", "state", to, "from", j.From, "to", j.To)
	if err := writeJSON(filepath.Join(u.Dir, journalName), j, 0o600); err != nil {
		return fmt.Errorf("note how far the update has come: %w", err)
	}
	return nil
}

// finish tidies up and tells the result, and that it has ended last: where the disk is full there is room then.
func (u *Updater) finish(j *journal) error {
	if err := u.tidy(); err != nil {
		return err
	}
	u.step("tell the result")
	if err := writeJSON(filepath.Join(u.Dir, resultName), j.Result, 0o644); err != nil {
		return err
	}
	u.step("tidy up the journal")
	if err := os.Remove(filepath.Join(u.Dir, journalName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return disk.SyncDir(u.Dir)
}

// tidy removes what the way there and back has needed.
func (u *Updater) tidy() error {
	left, err := filepath.Glob(filepath.Join(u.Dir, keepForm))
	for _, name := range []string{newName, oldName, dataName} {
		left = append(left, filepath.Join(u.Dir, name), filepath.Join(u.Dir, name+".part"))
	}
	for _, path := range left {
		if _, gone := os.Lstat(path); gone == nil {
			u.step("tidy up")
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}
