package camera

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/beat"
	"sentrybox/sandbox"
)

// read takes the process's messages until it ends or breaks the protocol, and
// returns why. The process has parsed a stranger's video: nothing it says is
// believed unchecked.
func (p *Process) read() error {
	p.current = p.cfg.Config
	r := wire.NewReader(p.out, p.current.FromVision())
	for {
		typ, payload, err := r.Next()
		if err != nil {
			return err
		}
		if err := p.handle(typ, payload); err != nil {
			return fmt.Errorf("the vision process broke the protocol: %w", err)
		}
	}
}

func (p *Process) handle(typ wire.Type, payload []byte) error {
	if typ != wire.TypeHello && !p.hasGreeted() {
		return fmt.Errorf("message type %d before the greeting", typ)
	}
	switch typ {
	case wire.TypeHello:
		return p.handleHello(payload)
	case wire.TypeDetection:
		return p.handleDetection(payload)
	case wire.TypeOverlay, wire.TypeVideo:
		return p.show(typ, payload)
	case wire.TypePicture:
		var pic wire.Picture
		if err := wire.DecodePicture(payload, &pic); err != nil {
			return err
		}
		p.touch(nil)
		p.album.put(pic)
		return nil
	case wire.TypeRevised:
		p.touch(nil)
		return p.revised(payload)
	case wire.TypeProgress, wire.TypeSummary:
		var pr wire.Progress
		if err := wire.Decode(payload, &pr); err != nil {
			return err
		}
		if pr.Seq > p.sent.Load() {
			return fmt.Errorf("progress on access unit %d, but %d is the last", pr.Seq, p.sent.Load())
		}
		if err := pr.Attention.Validate(); err != nil {
			return err
		}
		p.touch(&pr)
		if typ == wire.TypeSummary {
			p.finish()
		}
		return nil
	}
	return fmt.Errorf("message type %d", typ)
}

func (p *Process) handleDetection(payload []byte) error {
	var d wire.Detection
	if err := wire.DecodeDetection(payload, &d); err != nil {
		return err
	}
	if err := d.Validate(p.current); err != nil {
		return err
	}
	d.Severity = p.current.Rules[d.Rule].Severity
	p.touch(nil)
	if p.cfg.Config.Replay {
		p.waiting.Store(true) // the file waits for who reads its lines
		p.detections <- d
		p.waiting.Store(false)
		p.touch(nil)
		return nil
	}
	select {
	case p.detections <- d:
	default:
		p.lost.Add(1)
	}
	return nil
}

// show hands on what is thought of the pictures, if that was asked for.
func (p *Process) show(typ wire.Type, payload []byte) error {
	p.touch(nil)
	if typ == wire.TypeOverlay && !p.cfg.Config.Replay && p.asked.Load() && !p.overlays.allow(time.Now()) {
		return nil
	}
	p.waiting.Store(true) // it waits for whoever takes this
	defer p.waiting.Store(false)
	switch cfg := p.current; {
	case typ == wire.TypeOverlay && (cfg.Overlay || p.asked.Load()) && p.cfg.Overlay != nil:
		var o wire.Overlay
		if err := wire.Decode(payload, &o); err != nil {
			return err
		}
		if err := o.Validate(cfg); err != nil {
			return err
		}
		p.cfg.Overlay(&o)
	case typ == wire.TypeVideo && cfg.Annotate && p.cfg.Video != nil:
		var v wire.Video
		if err := wire.DecodeVideo(payload, &v); err != nil {
			return err
		}
		p.cfg.Video(&v)
	default:
		return fmt.Errorf("message type %d that nobody asked for", typ)
	}
	p.touch(nil)
	return nil
}

func (p *Process) hasGreeted() bool {
	select {
	case <-p.greeted:
		return true
	default:
		return false
	}
}

func (p *Process) handleHello(payload []byte) error {
	if p.hasGreeted() {
		return fmt.Errorf("a second greeting")
	}
	if err := wire.Decode(payload, &p.hello); err != nil {
		return err
	}
	if p.hello.Version != wire.Version {
		return fmt.Errorf("it speaks version %d, this gateway %d: install both programs from one build", p.hello.Version, wire.Version)
	}
	if len(p.hello.Detector) > wire.MaxReason {
		return fmt.Errorf("%d bytes on its detector", len(p.hello.Detector))
	}
	if s := p.hello.Sandbox; !s.NoNewPrivs || !s.Seccomp && !sandbox.Emulated {
		return fmt.Errorf("its sandbox is open: %+v", s)
	}
	p.touch(nil)
	close(p.greeted)
	return nil
}

// touch notes that the process answered. It is the reader's.
func (p *Process) touch(pr *wire.Progress) {
	if p.note(pr) && p.cfg.Attention != nil {
		p.cfg.Attention(pr.Attention) // without mu: who hears may hold what those hold who ask for the progress
	}
}

// note reports whether the attention has changed.
func (p *Process) note(pr *wire.Progress) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = time.Now()
	if pr == nil {
		return false
	}
	changed := pr.Attention != p.progress.Attention
	p.progress = *pr
	n := 0
	for n < len(p.queue) && p.queue[n].last <= pr.Seq {
		n++
	}
	p.queue = append(p.queue[:0], p.queue[n:]...)
	return changed
}

// finish notes that the process is about to end as it was told to, and reads its
// peak memory while its entry under /proc is still there.
func (p *Process) finish() {
	peak := peakMemory(p.cmd.Process.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.summary, p.peak = true, peak
	_ = p.in.Close() // lets it go
}

// peakMemory returns VmHWM of proc(5) in bytes, 0 if it cannot be read. Unlike
// getrusage's ru_maxrss it does not count what the parent had at the fork.
func peakMemory(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// watch kills the process when it has work and does not answer.
func (p *Process) watch(stop <-chan struct{}) {
	due := time.Now().Add(beat.Until(time.Now(), pingAfter))
	tick := time.NewTimer(time.Until(due))
	defer tick.Stop()
	var since time.Time     // the process has had work since
	var stood time.Duration // for which the box stood still since then, and not the process alone
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		late := time.Since(due)
		due = time.Now().Add(beat.Until(time.Now(), pingAfter))
		tick.Reset(time.Until(due))
		p.mu.Lock()
		behind, answered := p.progress.Seq < p.sent.Load(), p.answered
		p.mu.Unlock()
		now := time.Now()
		if !behind || p.waiting.Load() {
			since = time.Time{}
			continue
		}
		if late > pingAfter {
			stood += late
		}
		if since.IsZero() {
			since, stood = now, 0
		}
		if answered.After(since) {
			since, stood = answered, 0
		}
		switch silent := now.Sub(since) - stood; {
		case silent > answerTimeout:
			p.kill(fmt.Errorf("no answer for %v: %w", silent.Round(100*time.Millisecond), ErrHung))
		case silent > pingAfter && !p.sending.Load():
			// The pipe has room, or the process reads it: this cannot block long.
			_ = p.in.SetWriteDeadline(now.Add(answerTimeout))
			_ = p.w.Ping()
			_ = p.in.SetWriteDeadline(time.Time{})
		}
	}
}
