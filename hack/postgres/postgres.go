// Package postgres starts Debian's PostgreSQL for tests and simulations.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sentrybox/hack/spawn"
)

const programs = "/usr/lib/postgresql/*/bin"

// Server is a running PostgreSQL on the loopback, whose data are gone with its folder.
type Server struct {
	// DSN is the address of an empty database, without a password.
	DSN string

	bin, data string
	as        []string // runs a command as somebody whom PostgreSQL runs as
}

// Start makes a database in dir and serves it. PostgreSQL does not run as root: it becomes the user
// postgres then, and dir can be entered by everybody.
func Start(ctx context.Context, dir string) (*Server, error) {
	found, err := filepath.Glob(programs)
	if err != nil || len(found) == 0 {
		return nil, errors.New("PostgreSQL is not installed")
	}
	s := &Server{bin: found[len(found)-1], data: filepath.Join(dir, "pg")}
	if err := os.Mkdir(s.data, 0o700); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 {
		s.as = []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}
		if err := os.Chmod(dir, 0o755); err != nil { // the folder's own files stay shut
			return nil, err
		}
		if out, err := exec.CommandContext(ctx, "chown", "postgres", s.data).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
	}
	if err := s.run(ctx, "initdb", "-D", s.data, "-U", "duty", "-A", "trust", "-E", "UTF8", "--no-sync"); err != nil {
		return nil, err
	}
	port, err := spawn.FreePort()
	if err != nil {
		return nil, err
	}
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", port)
	if err := s.run(ctx, "pg_ctl", "-D", s.data, "-l", s.data+"/log", "-w", "-o", options, "start"); err != nil {
		return nil, err
	}
	s.DSN = fmt.Sprintf("postgres://duty@127.0.0.1:%d/postgres", port)
	return s, nil
}

func (s *Server) run(ctx context.Context, program string, args ...string) error {
	line := append(append(append([]string{}, s.as...), filepath.Join(s.bin, program)), args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}

// Stop stops the server, without waiting for those who are connected.
func (s *Server) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return s.run(ctx, "pg_ctl", "-D", s.data, "-m", "immediate", "stop")
}
