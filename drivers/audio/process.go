package audio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

// raw is a stream of bytes: samples of 16 bits, little-endian.
type raw interface {
	io.ReadCloser
	SetReadDeadline(t time.Time) error
}

// command starts a program whose output is the sound. Its group is killed on Close. Should this
// process die first, the program's next write fails.
func command(line []string) func(context.Context) (raw, error) {
	return func(ctx context.Context) (raw, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := exec.LookPath(line[0]); err != nil {
			return nil, driver.Skip(fmt.Sprintf("there is no program %s", line[0]))
		}
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("make a pipe: %w", err)
		}
		p := &process{out: r, cmd: exec.Command(line[0], line[1:]...), name: line[0]} // the configuration's
		p.cmd.Stdout, p.cmd.Stderr = w, &p.said
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		p.cmd.WaitDelay = time.Second
		err = p.cmd.Start()
		_ = w.Close()
		if err != nil {
			_ = r.Close()
			return nil, fmt.Errorf("start %s: %w", line[0], err)
		}
		return p, nil
	}
}

// process is a program that runs.
type process struct {
	cmd  *exec.Cmd
	name string
	out  *os.File
	said tail

	once sync.Once
	err  error // how it ended; set by end
}

func (p *process) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if errors.Is(err, io.EOF) {
		return n, fmt.Errorf("%w: %w", port.ErrUnplugged, p.end(false))
	}
	return n, err
}

func (p *process) SetReadDeadline(t time.Time) error { return p.out.SetReadDeadline(t) }

func (p *process) Close() error {
	_ = p.end(true)
	return p.out.Close()
}

// end waits for the program, and says how it ended. One that has closed its output and
// goes on is not waited for long.
func (p *process) end(kill bool) error {
	p.once.Do(func() {
		timer := time.AfterFunc(time.Second, p.kill)
		if kill {
			p.kill()
		}
		err := p.cmd.Wait()
		timer.Stop()
		// Its children, if it left some.
		p.kill()
		last := p.said.last()
		switch {
		case last != "":
			p.err = fmt.Errorf("%s: %s", p.name, last)
		case err != nil:
			p.err = fmt.Errorf("%s: %w", p.name, err)
		default:
			p.err = fmt.Errorf("%s ended", p.name)
		}
	})
	return p.err
}

func (p *process) kill() { _ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL) }

// tail keeps the end of what a program says on its standard error.
type tail struct {
	mu  sync.Mutex
	end []byte // guarded by mu
}

const tailMost = 512

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b[max(0, len(b)-tailMost):]...)
	t.end = t.end[max(0, len(t.end)-tailMost):]
	return len(b), nil
}

// last returns the last line that is not empty, printable.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.end), []byte("\n"))
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return '?'
		}
		return r
	}, string(lines[len(lines)-1]))
}

// pipe opens a named pipe. It is opened for writing too, so that a writer that goes away is silence, and
// another may come.
func pipe(path string) func(context.Context) (raw, error) {
	return func(ctx context.Context) (raw, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, fmt.Errorf("open %s: %w: there is no such pipe", path, port.ErrUnplugged)
		case err != nil:
			return nil, fmt.Errorf("open a named pipe: %w", err)
		case info.Mode()&os.ModeNamedPipe == 0:
			return nil, driver.Permanent(fmt.Errorf("%s is no named pipe", path))
		}
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, fmt.Errorf("open a named pipe: %w", err)
		}
		return f, nil
	}
}
