package ptt

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	beatEvery = 250 * time.Millisecond
	startWait = 15 * time.Second // for the guard to key: a process begins
	upWait    = 2 * time.Second  // for it to let go, or it is killed
)

// ErrLetGo means that the guard let go before it was told to: the limit was over, or it was killed.
var ErrLetGo = errors.New("the key was let go")

// Press holds the key down while talk runs, and lets go. talk's context ends when the key is
// let go before: at the limit, or if the guard dies; Press then fails with ErrLetGo. With VOX
// there is nothing to hold, and the limit alone ends talk.
func Press(ctx context.Context, c Config, talk func(context.Context) error) error {
	if err := c.Check(); err != nil {
		return err
	}
	c = c.withDefaults()
	if c.VOX {
		ctx, cancel := context.WithTimeout(ctx, c.Limit)
		defer cancel()
		err := talk(ctx)
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("%w: %w", ErrLetGo, err)
		}
		return err
	}
	g, err := start(c)
	if err != nil {
		return fmt.Errorf("key the transmitter: %w", err)
	}
	talking, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- talk(talking) }()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	// Should the guard be stopped, it is killed.
	late := time.NewTimer(c.Limit + upWait)
	defer late.Stop()
	for {
		select {
		case err := <-done:
			return errors.Join(err, g.release())
		case <-g.ended:
			cancel()
			err := g.release()
			return errors.Join(ErrLetGo, <-done, err)
		case <-late.C:
			cancel()
			err := g.release()
			return errors.Join(ErrLetGo, <-done, err)
		case <-beat.C:
			_, _ = g.in.Write([]byte{'.'}) // a dead guard is seen by its end
		}
	}
}

// guard is the process that holds the key.
type guard struct {
	cfg   Config
	cmd   *exec.Cmd
	in    *os.File
	lines chan string   // what it says; closed at its end
	ended chan struct{} // closed when it lets go, or dies
	up    bool          // it said that it has let go; valid once ended is closed
	said  strings.Builder
}

func start(c Config) (*guard, error) {
	if len(c.Command) == 0 {
		return nil, errors.New("no guard to start")
	}
	order, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, inR.Close(), inW.Close())
	}
	g := &guard{cfg: c, cmd: exec.Command(c.Command[0], c.Command[1:]...), in: inW, ended: make(chan struct{}), lines: make(chan string, 4)} // ourselves
	g.cmd.Stdin, g.cmd.Stdout, g.cmd.Stderr = inR, outW, &g.said
	g.cmd.WaitDelay = time.Second
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us
	err = g.cmd.Start()
	_, _ = inR.Close(), outW.Close()
	if err != nil {
		return nil, errors.Join(err, inW.Close(), outR.Close())
	}
	go g.listen(outR)
	_ = inW.SetWriteDeadline(time.Now().Add(startWait))
	if _, err = inW.Write(append(order, '\n')); err == nil {
		select {
		case line := <-g.lines:
			if line == saidDown {
				_ = inW.SetWriteDeadline(time.Time{})
				return g, nil
			}
			err = fmt.Errorf("the guard says %q", line)
		case <-time.After(startWait):
			err = errors.New("the guard does not answer")
		}
	}
	release := g.release()
	if said := strings.TrimSpace(g.said.String()); said != "" {
		err = errors.New(said[:min(len(said), 300)])
	}
	return nil, errors.Join(err, release)
}

// listen reads what the guard says until its end.
func (g *guard) listen(out *os.File) {
	defer out.Close()
	defer close(g.ended)
	defer close(g.lines)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == saidUp {
			g.up = true
			return
		}
		select {
		case g.lines <- lines.Text():
		default:
		}
	}
}

// release has the guard let go, waits for it, and lets go itself of a pin if the guard did not.
func (g *guard) release() error {
	_, _ = g.in.Write([]byte{'\n'})
	_ = g.in.Close()
	select {
	case <-g.ended:
	case <-time.After(upWait):
	}
	_ = unix.Kill(g.cmd.Process.Pid, unix.SIGKILL)
	<-g.ended
	_ = g.cmd.Wait()
	if g.up || g.cfg.CM108 == "" {
		return nil // a port was closed with the process
	}
	l, err := openPin(g.cfg.CM108, g.cfg.Pin)
	if err != nil {
		return fmt.Errorf("let go of the key: %w", err)
	}
	return errors.Join(l.set(false), l.Close())
}
