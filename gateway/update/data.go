package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"sentrybox/gateway/disk"
)

const (
	databaseName = "sentrybox.db"
	asideName    = "newer" // in the data folder, what a version that was taken back has written
	movedName    = "moved" // beside the copy: what the newer version has written is aside
)

// Folder is the database in a data folder that belongs to an unprivileged user. No
// path in it is followed out of it, and only a process of that user opens the database.
type Folder struct {
	Path    string
	Program string // that has the command [SchemaCommand]
}

// SchemaCommand prints the form of the tables of the data folder that is its argument.
const SchemaCommand = "update-schema"

// open opens the folder and says whose it is: of what was opened, whatever takes its name meanwhile.
func (d Folder) open() (*os.Root, *syscall.Credential, error) {
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return nil, nil, err
	}
	info, err := root.Stat(".")
	if err != nil {
		return nil, nil, errors.Join(err, root.Close())
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || s.Uid == 0 && os.Geteuid() == 0 {
		return nil, nil, errors.Join(fmt.Errorf("%s belongs to root: an update expects the service's user", d.Path), root.Close())
	}
	return root, &syscall.Credential{Uid: s.Uid, Gid: s.Gid}, nil
}

func (d Folder) schema(ctx context.Context, who *syscall.Credential) (string, error) {
	cmd := exec.CommandContext(ctx, d.Program, SchemaCommand, d.Path)
	cmd.Env = []string{}
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	}
	said, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("look at the database: %w", err)
	}
	return strings.TrimSpace(string(said)), nil
}

// Keep is for [Data].
func (d Folder) Keep(ctx context.Context, dir string) (string, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return "", err
	}
	root, who, err := d.open()
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	if _, err := root.Lstat(databaseName); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	schema, err := d.schema(ctx, who)
	if err != nil {
		return "", err
	}
	for _, name := range []string{databaseName, databaseName + "-wal"} {
		err := keepOne(root, name, filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return schema, nil
}

func keepOne(root *os.Root, name, to string) error {
	// A pipe in its place does not hold us up.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no plain file: %w", name, err)
	}
	return replace(to, 0o600, func(out *os.File) error {
		_, err := io.Copy(out, f)
		return err
	})
}

// Return is for [Data]. An old program does not open a newer one's tables; what the
// newer one has written goes to newer/ in the data folder, where an engineer finds it.
func (d Folder) Return(ctx context.Context, dir, schema string) error {
	if schema == "" {
		return nil
	}
	root, who, err := d.open()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if now, err := d.schema(ctx, who); err == nil && now == schema {
		return nil
	}
	moved := filepath.Join(dir, movedName)
	if _, err := os.Stat(moved); errors.Is(err, fs.ErrNotExist) {
		if err := d.moveAside(root, who); err != nil {
			return err
		}
		if err := replace(moved, 0o600, func(*os.File) error { return nil }); err != nil {
			return err
		}
	}
	// The database last: without it the next try does all of this again.
	for _, name := range []string{databaseName + "-wal", databaseName} {
		if err := returnOne(root, name, filepath.Join(dir, name), who); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return disk.SyncDir(d.Path)
}

// moveAside puts what the newer version has written into a folder, where nothing of an earlier one is left that
// SQLite would take for a part of it.
func (d Folder) moveAside(root *os.Root, who *syscall.Credential) error {
	if err := root.Mkdir(asideName, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := root.Lchown(asideName, int(who.Uid), int(who.Gid)); err != nil {
		return err
	}
	all := []string{databaseName, databaseName + "-wal", databaseName + "-shm"}
	if _, err := root.Lstat(databaseName); err == nil { // the first to go: nothing has
		for _, name := range all {
			if err := root.Remove(filepath.Join(asideName, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	for _, name := range all {
		if err := root.Rename(name, filepath.Join(asideName, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return disk.SyncDir(d.Path)
}

func returnOne(root *os.Root, name, from string, who *syscall.Credential) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	part := name + ".part"
	if err := root.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(copyInto(f, from), f.Chown(int(who.Uid), int(who.Gid)), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return root.Rename(part, name)
}
