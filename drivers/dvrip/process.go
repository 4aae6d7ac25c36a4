package dvrip

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	orderWait  = 5 * time.Second // for the process to read its order
	pipeSize   = 1 << 20
	maxLogLine = 300
	maxLog     = 64 << 10 // bytes that a process may say on stderr before the rest is passed over
)

// process is a session's process, as its Source sees it.
type process struct {
	cmd  *exec.Cmd
	in   *os.File // its end ends the process
	out  *os.File
	read *bufio.Reader

	tasks sync.WaitGroup
	said  string // its panic, if it had one; set when tasks are done
}

// spawn starts a process with the connection to the device, and gives it its
// order. The password goes by the pipe: not in the arguments, not in the environment.
func spawn(command []string, device *net.TCPConn, o order) (*process, error) {
	conn, err := device.File()
	if err != nil {
		return nil, fmt.Errorf("hand over the connection: %w", err)
	}
	defer conn.Close()
	var files []*os.File
	pair := func() (r, w *os.File) {
		if err == nil {
			if r, w, err = os.Pipe(); err == nil {
				files = append(files, r, w)
			}
		}
		return r, w
	}
	inR, inW := pair()
	outR, outW := pair()
	errR, errW := pair()
	cmd := exec.Command(command[0], command[1:]...) // ourselves
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inR, outW, errW
	cmd.ExtraFiles = []*os.File{conn} // deviceFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err == nil {
		_, _ = unix.FcntlInt(outW.Fd(), unix.F_SETPIPE_SZ, pipeSize) // a favour
		err = cmd.Start()
	}
	if err != nil {
		for _, f := range files {
			_ = f.Close()
		}
		return nil, err
	}
	for _, f := range []*os.File{inR, outW, errW} {
		_ = f.Close()
	}
	p := &process{cmd: cmd, in: inW, out: outR, read: bufio.NewReaderSize(outR, 64<<10)}
	p.tasks.Go(func() { p.listen(errR) })
	_ = inW.SetWriteDeadline(time.Now().Add(orderWait))
	if err := json.NewEncoder(inW).Encode(o); err != nil {
		_ = p.close()
		return nil, fmt.Errorf("hand over the order: %w", err)
	}
	return p, nil
}

// listen keeps the line of a panic, and lets the rest of what the process says go.
func (p *process) listen(stderr *os.File) {
	defer stderr.Close()
	lines := bufio.NewScanner(io.LimitReader(stderr, maxLog))
	for lines.Scan() {
		line := printableLine(lines.Text())
		if p.said == "" && (strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") ||
			strings.HasPrefix(line, "SIG") || strings.HasPrefix(line, "sentrybox:")) {
			p.said = line
		}
	}
	_, _ = io.Copy(io.Discard, stderr)
}

// kill ends the process; what reads from it then fails.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// close ends the process and waits until it is gone. It returns how it ended: nil if it
// ended well before.
func (p *process) close() error {
	_ = p.in.Close()
	p.kill()
	p.tasks.Wait()
	err := p.cmd.Wait()
	_ = p.out.Close()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return nil // it was us, or memory ran out
		}
	}
	return err
}

func printableLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > maxLogLine {
		s = s[:maxLogLine]
	}
	return s
}
