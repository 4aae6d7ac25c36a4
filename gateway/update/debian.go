package update

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/gateway/control"
)

const (
	packageName = "sentrybox"
	unit        = "sentrybox.service"
	lockWait    = 2 * time.Minute // for another program that installs something
	lockPoll    = 2 * time.Second
	commandTime = 15 * time.Minute
)

// Debian is dpkg. It rather than a swap of two files installs an update, since units,
// rules, scripts and what the package depends on belong to a version too, and since
// its notes then say what is there. It replaces each file in one step and takes up a
// package that a cut has left half unpacked; the journal does the rest.
type Debian struct{}

// command runs a program and returns what it has said.
func command(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(errOut.String())
		return "", fmt.Errorf("%s %s: %w: %.600s", name, args[0], err, said)
	}
	return strings.TrimSpace(out.String()), nil
}

// Installed asks dpkg. See [Packages], as for the others.
func (Debian) Installed(ctx context.Context) (Manifest, error) {
	said, err := command(ctx, "dpkg-query", "-W", "-f", "${Version} ${Architecture}", packageName)
	m := Manifest{}
	m.Version, m.Arch, _ = strings.Cut(said, " ")
	if err == nil && m.Arch == "" {
		err = errors.New("sentrybox is not installed as a package")
	}
	return m, err
}

// Inspect reads a package's control file.
func (Debian) Inspect(ctx context.Context, deb string) (Manifest, error) {
	said, err := command(ctx, "dpkg-deb", "--show", "--showformat=${Package} ${Version} ${Architecture}", deb)
	if err != nil {
		return Manifest{}, err
	}
	f := strings.Fields(said)
	if len(f) != 3 || f[0] != packageName {
		return Manifest{}, fmt.Errorf("the package is %.80q", said)
	}
	return Manifest{Version: f[1], Arch: f[2]}, nil
}

// Newer compares as dpkg does.
func (Debian) Newer(ctx context.Context, a, b string) (bool, error) {
	_, err := command(ctx, "dpkg", "--compare-versions", a, "gt", b)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}

// Install waits for others to end who install something.
func (Debian) Install(ctx context.Context, deb string) error {
	for until := time.Now().Add(lockWait); ; {
		_, err := command(ctx, "dpkg", "--force-downgrade", "--force-confold", "--install", deb)
		if err == nil {
			unix.Sync() // scripts may have written something, too
			return nil
		}
		if !strings.Contains(err.Error(), "lock") || time.Now().After(until) {
			return err
		}
		time.Sleep(lockPoll)
	}
}

// Keep packs what is installed: the package that it came from is seldom still there.
func (Debian) Keep(ctx context.Context, deb string) error {
	tree, err := os.MkdirTemp(filepath.Dir(deb), keepForm)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree) }()
	if err := os.Chmod(tree, 0o755); err != nil {
		return err
	}
	if err := keepFiles(ctx, tree); err != nil {
		return err
	}
	if err := keepControl(ctx, filepath.Join(tree, "DEBIAN")); err != nil {
		return err
	}
	part := filepath.Join(tree, "..", filepath.Base(tree)+".deb")
	defer func() { _ = os.Remove(part) }()
	if _, err := command(ctx, "dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, part); err != nil {
		return err
	}
	return replace(deb, 0o600, func(f *os.File) error { return copyInto(f, part) })
}

func keepFiles(ctx context.Context, tree string) error {
	list, err := command(ctx, "dpkg-query", "--listfiles", packageName)
	if err != nil {
		return err
	}
	for path := range strings.Lines(list) {
		path = strings.TrimSpace(path)
		if !strings.HasPrefix(path, "/") {
			continue
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(path, "/usr/share/doc/") {
			continue // boxes that keep no documents
		}
		if err != nil {
			return err
		}
		to := filepath.Join(tree, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		switch {
		case info.Mode().IsRegular():
			err = copyFile(to, path, info.Mode().Perm())
		case info.Mode()&fs.ModeSymlink != 0 && !isFolder(path):
			err = copyLink(to, path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func copyLink(to, from string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(target, to)
}

func keepControl(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	status, err := command(ctx, "dpkg-query", "--status", packageName)
	if err != nil {
		return err
	}
	var control strings.Builder
	skip := false
	for line := range strings.Lines(status + "\n") {
		if !strings.HasPrefix(line, " ") {
			skip = strings.HasPrefix(line, "Status:") || strings.HasPrefix(line, "Conffiles:")
		}
		if !skip {
			control.WriteString(line)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "control"), []byte(control.String()), 0o644); err != nil {
		return err
	}
	names, err := command(ctx, "dpkg-query", "--control-list", packageName)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(names) {
		path, err := command(ctx, "dpkg-query", "--control-path", packageName, name)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o755)
		if strings.HasSuffix(name, "sums") || name == "conffiles" {
			mode = 0o644
		}
		if err := copyFile(filepath.Join(dir, name), path, mode); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string, mode fs.FileMode) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return errors.Join(copyInto(f, from), f.Chmod(mode), f.Close())
}

func copyInto(to *os.File, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(to, f)
	return err
}

// Systemd is the service under systemd.
type Systemd struct {
	Folder string // the data folder, where its socket is
}

// Stop leaves alone what does not run: at boot a start waits for us, which it would cancel.
func (Systemd) Stop(ctx context.Context) error {
	state, err := command(ctx, "systemctl", "show", "--property=ActiveState", "--value", unit)
	if err != nil || state == "inactive" || state == "failed" {
		return err
	}
	_, err = command(ctx, "systemctl", "stop", unit)
	return err
}

// Start is for [Service].
func (Systemd) Start(ctx context.Context) error {
	_, err := command(ctx, "systemctl", "start", "--no-block", unit)
	return err
}

// Stuck asks the gateway itself, not the new version's command line: who does nothing
// but exit well has not come up.
func (s Systemd) Stuck(ctx context.Context) ([]string, error) {
	state, err := control.Health(ctx, s.Folder)
	return state.Stuck, err
}
