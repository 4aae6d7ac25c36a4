package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is a program that can be killed and started again. It ends with this one.
type process struct {
	path    string
	args    []string
	logPath string
	env     []string

	mu   sync.Mutex // one at a time begins or ends it
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{} // closed when cmd has ended
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.path, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
	}()
	p.cmd, p.in, p.done = cmd, in, done
	return nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// tell writes a line to its standard input.
func (p *process) tell(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.in, line+"\n") // of one that is down nobody hears it
}

func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Signal(s) // it may have ended
}

// kill is kill -9.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	p.signal(syscall.SIGKILL)
	<-p.done
}

// end ends it in order.
func (p *process) end(within time.Duration) error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(within):
		p.kill()
		return fmt.Errorf("%s did not end within %v", p.path, within)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %s", p.path, p.cmd.ProcessState)
	}
	return nil
}

// listening waits until somebody listens at a port of this machine.
func listening(port int, within time.Duration) error {
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			return err
		}
	}
}
