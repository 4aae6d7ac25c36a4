package camera

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/analytics/wire"
	"sentrybox/sandbox"
)

// ErrHung means that a vision process had work and said nothing.
var ErrHung = errors.New("the vision process stopped answering")

const (
	helloTimeout  = 30 * time.Second // from start to Hello, on a slow and busy board
	answerTimeout = 5 * time.Second  // without an answer while there is work
	pingAfter     = time.Second
	pipeSize      = 1 << 20
	queuedEvents  = 64
	maxLogLine    = 512
	maxLogLines   = 20 // a process; the last one is in its error
)

// ProcessConfig says how to run a vision process.
type ProcessConfig struct {
	Path   string // of the program sentrybox-vision
	Config *wire.Config
	// Models are the files of Config.Detector's network, see config.Camera.SecondOpinion.
	Models []string
	Log    *slog.Logger
	// Legacy is what the process begins with and leaves to the next, if Config.Legacy says that there is any.
	Legacy *Legacy
	// Nice is the process's niceness, from 0 to 19: how much it gives way to others.
	Nice int
	// Yields is for one whose forerunner was ended for want of memory: it is to go before the others.
	Yields bool
	// Overlay and Video are handed what the config or Show asks for, checked, one after the
	// other. They hold up the process until they return, and must not keep the video's data.
	Overlay func(*wire.Overlay)
	Video   func(*wire.Video)
	// Attention, if not nil, hears how closely the process watches, when that changes. It
	// must return at once.
	Attention func(wire.Attention)
	// Buffers, if not nil, are shared by all processes for what they are sent.
	Buffers *wire.Buffers
}

// Process is a running vision process. What it says is checked before it is
// believed; one that breaks the protocol is killed.
type Process struct {
	cfg   ProcessConfig
	cmd   *exec.Cmd
	in    *os.File
	out   *os.File
	w     *wire.Writer
	hello wire.Hello
	// noDetector is why the detector that was asked for is not used, before the
	// process was asked.
	noDetector error

	detections chan wire.Detection
	album      *album
	lost       atomic.Uint64 // detections that nobody took in time
	sent       atomic.Uint64 // the last access unit written
	sending    atomic.Bool   // a write is under way
	waiting    atomic.Bool   // a replay's reader of detections is slow
	stills     atomic.Uint64 // pictures that were asked for
	asked      atomic.Bool   // Show has asked for overlays, now or before
	overlays   perSecond     // the reader's
	current    *wire.Config  // the reader's: what it looks for
	greeted    chan struct{} // closed at Hello
	done       chan struct{} // closed when the process is gone and all is read

	mu       sync.Mutex
	progress wire.Progress // guarded by mu, as is all that follows
	queue    []handed      // that it has not said to have handled
	// revisions are those that it has not answered.
	revisions []*wire.Revision
	answered  time.Time
	summary   bool
	peak      int64 // bytes
	err       error
	said      string // the last line on stderr, in brackets

	kills uint64 // that the kernel had made for want of memory, before it was started
}

// handed is a batch of access units that a process was given.
type handed struct {
	last uint64 // the newest of them
	at   time.Time
}

// start is StartProcess without a second try.
func start(ctx context.Context, cfg ProcessConfig) (*Process, error) {
	p := &Process{
		cfg: cfg, detections: make(chan wire.Detection, queuedEvents), album: newAlbum(),
		greeted: make(chan struct{}), done: make(chan struct{}), answered: time.Now(),
	}
	models, err := openModels(cfg.Models)
	if err != nil {
		p.cfg.Config, p.noDetector = withoutDetector(cfg.Config), err
	}
	stderr, err := p.spawn(models)
	closeAll(models)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Path, err)
	}
	go p.supervise(stderr)
	_ = p.in.SetWriteDeadline(time.Now().Add(helloTimeout)) // it may not read
	err = p.w.JSON(wire.TypeConfig, p.cfg.Config)
	_ = p.in.SetWriteDeadline(time.Time{})
	if err != nil {
		p.kill(fmt.Errorf("hand over the config: %w", err))
	}
	timer := time.NewTimer(helloTimeout)
	defer timer.Stop()
	select {
	case <-p.greeted:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("start %s: %w", cfg.Path, p.Err())
	case <-timer.C:
		p.kill(fmt.Errorf("no greeting within %v: %w", helloTimeout, ErrHung))
	case <-ctx.Done():
		p.kill(ctx.Err())
	}
	<-p.done
	return nil, fmt.Errorf("start %s: %w", cfg.Path, p.Err())
}

func (p *Process) spawn(models []*os.File) (stderr io.Reader, err error) {
	var files []*os.File
	defer func() {
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
		}
	}()
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
	if err != nil {
		return nil, err
	}
	// A larger pipe carries a whole keyframe without a wake-up in between. That
	// is a favour the kernel may refuse.
	_, _ = unix.FcntlInt(inW.Fd(), unix.F_SETPIPE_SZ, pipeSize)
	if err := unix.SetNonblock(int(inW.Fd()), true); err != nil { // Fd has made it blocking
		return nil, err
	}
	p.cmd = exec.Command(p.cfg.Path) // the path is the administrator's
	p.cmd.Env = []string{}           // nothing of ours, least of all the passwords in it
	p.cmd.Dir = "/"
	p.cmd.Stderr = errW
	p.cmd.ExtraFiles = p.inherited(inR, outW, models) // file descriptors 3, 4 and on
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p.kills = memoryKills("/")
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	score := sandbox.Expendable
	if p.cfg.Yields {
		score = sandbox.MostExpendable
	}
	sandbox.Offer(p.cmd.Process.Pid, score)
	for _, f := range []*os.File{inR, outW, errW} {
		_ = f.Close()
	}
	if p.cfg.Nice > 0 { // the group is its threads: a process's niceness is only its first thread's
		if err := unix.Setpriority(unix.PRIO_PGRP, p.cmd.Process.Pid, p.cfg.Nice); err != nil {
			p.cfg.Log.Warn("a vision process does not give way to others", "error", err)
		}
	}
	p.in, p.out = inW, outR
	p.w = wire.NewWriter(inW, wire.MaxToVision)
	if p.cfg.Buffers != nil {
		p.w.Share(p.cfg.Buffers)
	}
	return errR, nil
}

// supervise owns the process's other goroutines and ends with the process.
func (p *Process) supervise(stderr io.Reader) {
	var wg sync.WaitGroup
	wg.Go(func() { p.kill(p.read()) })
	wg.Go(func() { p.log(stderr) })
	stop := make(chan struct{})
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		p.watch(stop)
	}()
	wg.Wait() // both pipes are closed: nobody holds the other ends any more
	err := p.cmd.Wait()
	close(stop)
	<-watch
	_ = p.in.Close()
	_ = p.out.Close()
	p.conclude(err)
	close(p.detections)
	close(p.done)
}

// conclude settles why the process ended, from how it exited and from why we
// may have killed it.
func (p *Process) conclude(exit error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	killed := status.Signaled() && status.Signal() == syscall.SIGKILL
	vague := p.err == nil || errors.Is(p.err, io.EOF) || errors.Is(p.err, context.Canceled)
	switch {
	case p.summary && exit == nil:
		p.err = nil
	case vague && killed && memoryKills("/") > p.kills:
		p.err = ErrNoMemory
	case !vague || killed && p.err != nil && !errors.Is(p.err, io.EOF):
		// We know better than the exit status.
	case exit == nil:
		p.err = errors.New("the vision process ended before it was told to")
	default:
		p.err = fmt.Errorf("the vision process ended: %w%s", exit, p.said)
	}
}

// kill ends the process for the reason err, unless it has ended by itself after
// its summary. The first reason stays.
func (p *Process) kill(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.summary && errors.Is(err, io.EOF) {
		return
	}
	if p.err == nil {
		p.err = err
	}
	_ = p.cmd.Process.Kill()
}

// Kill ends the process at once and waits until it is gone.
func (p *Process) Kill() {
	p.kill(context.Canceled)
	<-p.done
}

// Send hands over access units. It waits while the pipe is full; once the process is
// gone it fails.
func (p *Process) Send(list ...wire.AccessUnit) error {
	p.sending.Store(true)
	defer p.sending.Store(false)
	last := list[len(list)-1].Seq
	p.sent.Store(last)
	p.mu.Lock()
	p.queue = append(p.queue, handed{last, time.Now()})
	p.mu.Unlock()
	return p.w.AccessUnits(list)
}

// Behind returns for how long the process has had the oldest access unit that it has
// not said to have handled, 0 if there is none. Half a second is nothing: it
// reports no more often.
func (p *Process) Behind() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return 0
	}
	return time.Since(p.queue[0].at)
}

// Arm says which rules are armed from here on.
func (p *Process) Arm(armed []bool) error {
	return p.w.JSON(wire.TypeArm, wire.Arm{Armed: armed})
}

// Finish asks the process to end behind what it was sent and waits for that.
func (p *Process) Finish(ctx context.Context) error {
	if err := p.w.End(); err != nil {
		p.kill(fmt.Errorf("ask the vision process to finish: %w", err))
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill(ctx.Err())
		<-p.done
	}
	return p.Err()
}

// Detections is where checked detections come out. It is closed when the process
// is gone. One that is not taken while 64 others wait is dropped and counted.
func (p *Process) Detections() <-chan wire.Detection { return p.detections }

// Done is closed when the process is gone.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns why the process ended, nil if it was told to.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Progress returns the newest count of what the process has done.
func (p *Process) Progress() wire.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.progress
}

// Hello returns how the process introduced itself.
func (p *Process) Hello() wire.Hello { return p.hello }

// Usage returns the CPU time and the peak resident memory, in bytes, of a
// process that is gone.
func (p *Process) Usage() (cpu time.Duration, peak int64) {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), p.peak
}

func (p *Process) log(stderr io.Reader) {
	r := bufio.NewReaderSize(stderr, maxLogLine)
	for n := 0; ; {
		line, more, err := r.ReadLine()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.said = " (" + string(line) + ")"
		p.mu.Unlock()
		if n++; n <= maxLogLines {
			p.cfg.Log.Debug("vision process", "says", string(line))
		}
		for more && err == nil {
			_, more, err = r.ReadLine()
		}
	}
}
