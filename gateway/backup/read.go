package backup

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// sink takes an entry whose name and size are within bounds.
type sink func(name string, size int64, r io.Reader) error

// read goes through a backup. Everything in it is hostile until the last byte has been
// authenticated, and bounded all the same: whoever made the file knew the passphrase.
func read(r io.Reader, passphrase string, room int64, take sink) (m Manifest, err error) {
	plain, err := decrypt(r, passphrase)
	if err != nil {
		return m, err
	}
	return readPlain(plain, room, take)
}

func readPlain(plain io.Reader, room int64, take sink) (m Manifest, err error) {
	unpacked, err := gzip.NewReader(plain)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	unpacked.Multistream(false)
	in := tar.NewReader(unpacked)
	seen, total := map[string]bool{}, int64(0)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		limit, ok := limitOf(h.Name)
		total += h.Size
		switch {
		case !ok || h.Typeflag != tar.TypeReg || seen[h.Name] || len(seen) >= maxEntries:
			return m, fmt.Errorf("%w: the entry %.80q", ErrNoBackup, h.Name)
		case h.Size < 0 || h.Size > limit || total > room:
			return m, fmt.Errorf("%w: %.80q has %d bytes", ErrDamaged, h.Name, h.Size)
		case (len(seen) == 0) != (h.Name == manifestName):
			return m, fmt.Errorf("%w: no manifest at its begin", ErrNoBackup)
		}
		seen[h.Name] = true
		body := &counted{r: io.LimitReader(in, h.Size)}
		if h.Name == manifestName {
			if m, err = readManifest(body); err != nil {
				return m, err
			}
		} else if err := take(h.Name, h.Size, body); err != nil {
			return m, err
		}
		if body.n != h.Size {
			return m, fmt.Errorf("%w: %.80q is short", ErrDamaged, h.Name)
		}
	}
	if !seen[configName] || !seen[databaseName] {
		return m, fmt.Errorf("%w: no configuration or no database", ErrNoBackup)
	}
	// The rest: what the tar is padded with, the sum of gzip, the end of age.
	for _, rest := range []io.Reader{unpacked, plain} {
		n, err := io.Copy(io.Discard, io.LimitReader(rest, maxSmall))
		if err != nil || n == maxSmall {
			return m, fmt.Errorf("%w: its end: %w", ErrDamaged, errors.Join(err))
		}
	}
	return m, nil
}

type counted struct {
	r io.Reader
	n int64
}

// Read counts what is read.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func readManifest(r io.Reader) (m Manifest, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%w: its manifest: %w", ErrNoBackup, err)
	}
	switch {
	case strings.HasPrefix(m.Format, "sentrybox-backup/") && m.Format != format:
		return m, fmt.Errorf("%w: %.40q", ErrNewer, m.Format)
	case m.Format != format:
		return m, fmt.Errorf("%w: the format %.40q", ErrNoBackup, m.Format)
	}
	return m, nil
}

// into returns a sink that writes entries below a folder, and has them on the disk.
func into(dir string, written func(int64)) sink {
	return func(name string, _ int64, r io.Reader) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("unpack the backup: %w", err)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("unpack the backup: %w", err)
		}
		n, err := io.Copy(f, r)
		written(n)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("unpack %.80q: %w", name, classify(err))
		}
		return nil
	}
}

// classify tells a disk's error, which has a path, from that of a file that is not what it says.
func classify(err error) error {
	var disk *os.PathError
	if errors.As(err, &disk) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// validText says whether a text may be shown and put into a file.
func validText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
