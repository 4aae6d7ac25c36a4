// Package support gathers what an engineer from afar needs to know of a box: in one
// zip, without secrets.
//
// What has a secret by its type is struck by it: the configuration is written as it was
// read, where passwords are of a type that never shows them. All that is text is looked
// through besides for every secret that the box knows, whatever it stands in, and for
// what looks like one.
package support

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/sys/unix"

	"sentrybox/gateway/config"
	"sentrybox/gateway/recent"
)

// Source is where it comes from.
type Source struct {
	Config  *config.Config
	Path    string // of its file
	Version string
	Recent  *recent.Log // nil for none
	DB      *sql.DB
	State   func(context.Context) (any, error) // how everything is, for JSON
	Metrics func(io.Writer) error              // in Prometheus's form
	Now     func() time.Time
}

// most bounds a file of the bundle, in bytes.
const most = 8 << 20

// Write writes the bundle. A part that cannot be had says why in its place.
func (s *Source) Write(ctx context.Context, w io.Writer) error {
	hide := s.scrubber(ctx)
	out := zip.NewWriter(w)
	for _, part := range []struct {
		name string
		fill func(context.Context, io.Writer) error
	}{
		{"about.txt", s.about}, {"config.yaml", s.config}, {"log.txt", s.log}, {"state.json", s.state}, {"metrics.txt", s.metrics},
		{"goroutines.txt", goroutines}, {"database.txt", s.database}, {"disk.txt", s.disk}, {"network.txt", network},
	} {
		var text bytes.Buffer
		if err := part.fill(ctx, &text); err != nil {
			fmt.Fprintf(&text, "\nfailed: %v\n", err)
		}
		if text.Len() > most {
			text.Truncate(most)
		}
		f, err := out.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: s.Now().UTC()})
		if err == nil {
			_, err = io.WriteString(f, hide.text(text.String()))
		}
		if err != nil {
			return fmt.Errorf("write the support bundle: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write the support bundle: %w", err)
	}
	return nil
}

func (s *Source) about(_ context.Context, w io.Writer) error {
	host, _ := os.Hostname()
	fmt.Fprintf(w, "sentrybox %s, %s %s/%s, %d cores\nmade %s on %s\n", s.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), s.Now().UTC().Format(time.RFC3339), host)
	for _, path := range []string{"/etc/os-release", "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/meminfo", "/proc/device-tree/model"} {
		if b, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(w, "\n%s\n%s\n", path, strings.TrimRight(string(b), "\x00\n"))
		}
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintf(w, "\n%s", b)
	}
	return nil
}

// config writes the configuration as it was read: with the environment put in, where
// secrets are ***, and without comments.
func (s *Source) config(_ context.Context, w io.Writer) error {
	b, err := yaml.Marshal(s.Config)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

func (s *Source) log(_ context.Context, w io.Writer) error {
	if s.Recent == nil {
		return errors.New("no log is kept")
	}
	lines := s.Recent.Find(recent.Filter{Least: slog.LevelDebug, Most: recent.Keep})
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		fmt.Fprintf(w, "%s %s [%s] %s\n", l.At.UTC().Format(time.RFC3339Nano), l.Level, l.Part, l.Text)
	}
	return nil
}

func (s *Source) state(ctx context.Context, w io.Writer) error {
	st, err := s.State(ctx)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(st)
}

func (s *Source) metrics(_ context.Context, w io.Writer) error { return s.Metrics(w) }

// goroutines writes every goroutine's stack. runtime/pprof would group them, but linking it has
// the runtime keep a profile of the heap, which costs more than a megabyte.
func goroutines(_ context.Context, w io.Writer) error {
	b := make([]byte, 64<<10)
	for n := runtime.Stack(b, true); ; n = runtime.Stack(b, true) {
		if n < len(b) || len(b) >= most {
			_, err := w.Write(b[:n])
			return err
		}
		b = make([]byte, 2*len(b))
	}
}

// database writes whether it is sound, and how many rows there are.
func (s *Source) database(ctx context.Context, w io.Writer) error {
	for _, pragma := range []string{"integrity_check(20)", "foreign_key_check", "journal_mode", "page_count", "page_size", "freelist_count"} {
		if err := rows(ctx, s.DB, w, pragma, `PRAGMA `+pragma); err != nil {
			return err
		}
	}
	if err := rows(ctx, s.DB, w, "versions", `SELECT component || ' ' || version FROM schema_version ORDER BY component`); err != nil {
		return err
	}
	names, err := tables(ctx, s.DB)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := rows(ctx, s.DB, w, name, `SELECT count(*) FROM "`+strings.ReplaceAll(name, `"`, `""`)+`"`); err != nil {
			return err
		}
	}
	return nil
}

func tables(ctx context.Context, db *sql.DB) (names []string, err error) {
	all, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = all.Close() }()
	for all.Next() {
		var name string
		if err := all.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, all.Err()
}

// rows writes the first column of what a query finds.
func rows(ctx context.Context, db *sql.DB, w io.Writer, label, query string) error {
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		return err
	}
	for found.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.NullString)
		}
		if err := found.Scan(values...); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %s\n", label, values[0].(*sql.NullString).String)
	}
	return found.Err()
}

// disk writes how full it is, and what is in the data folder.
func (s *Source) disk(_ context.Context, w io.Writer) error {
	for _, path := range []string{"/", s.Config.Data} {
		var fs unix.Statfs_t
		if err := unix.Statfs(path, &fs); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %d of %d bytes free, %d of %d inodes, type %#x, flags %#x\n", path, fs.Bavail*uint64(fs.Bsize), fs.Blocks*uint64(fs.Bsize), fs.Ffree, fs.Files, fs.Type, fs.Flags)
	}
	if b, err := os.ReadFile("/proc/mounts"); err == nil {
		fmt.Fprintf(w, "\n%s\n", b)
	}
	return filepath.WalkDir(s.Config.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			fmt.Fprintf(w, "%s: %v\n", path, err)
			return nil
		}
		if info, err := d.Info(); err == nil {
			rel, _ := filepath.Rel(s.Config.Data, path)
			fmt.Fprintf(w, "%s %10d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.RFC3339), rel)
		}
		return nil
	})
}

func network(_ context.Context, w io.Writer) error {
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range all {
		addrs, _ := i.Addrs()
		fmt.Fprintf(w, "%s mtu %d %s %s: %v\n", i.Name, i.MTU, i.Flags, i.HardwareAddr, addrs)
	}
	return nil
}
