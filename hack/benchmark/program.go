package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sentrybox/hack/spawn"
)

// program is one that runs beside others, with what it says.
type program struct {
	name string
	cmd  *exec.Cmd
	said *tail
	done chan struct{} // closed when it has ended
}

// start starts a program in a process group of its own.
func start(name string, args ...string) (*program, error) {
	p := &program{name: name, cmd: exec.Command(args[0], args[1:]...), said: &tail{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "LANG=C.UTF-8", "HOME=/"}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // alive tells of an early end
		close(p.done)
	}()
	return p, nil
}

// alive returns an error if the program has ended.
func (p *program) alive() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %v\n%s", p.name, p.cmd.ProcessState, p.said)
	default:
		return nil
	}
}

// stop ends the program and all that it has started.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// tail keeps the end of what a program says.
type tail struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

const tailBytes = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf = append(t.buf, b...); len(t.buf) > 2*tailBytes {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailBytes:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Clone(t.buf))
}

// mosquitto starts a broker and returns its address.
func (b *bench) mosquitto() (*program, string, error) {
	port, err := spawn.FreePort()
	if err != nil {
		return nil, "", err
	}
	conf := filepath.Join(b.work, "mosquitto.conf")
	lines := []string{fmt.Sprintf("listener %d 127.0.0.1", port), "allow_anonymous true", "persistence false"}
	if os.Getuid() == 0 {
		lines = append(lines, "user root") // it could not read its file otherwise
	}
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, "", err
	}
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	p, err := start("mosquitto", path, "-c", conf)
	if err != nil {
		return nil, "", err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	for range 100 {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			return p, addr, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.stop()
	return nil, "", errors.New("mosquitto does not listen: " + p.said.String())
}
