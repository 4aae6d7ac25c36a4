package uart

import (
	"bytes"
	"context"
	"errors"
	"os"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/poll"
	"sentrybox/drivers/port"
)

// session is an open line. One goroutine steps it; any may wake it.
type session struct {
	d        *Driver
	p        port.Port
	emit     func(driver.Message)
	split    *Splitter
	schedule *poll.Schedule
	buf      []byte

	idleAt time.Time // when the line has been silent for the gap; zero if it was
	// asked is the poll whose answer is awaited, -1 if none is.
	asked        int
	began, until time.Time
	// quietFor is how long the line must be silent before the next question, and quietAt when it will have been.
	quietFor time.Duration
	quietAt  time.Time
	// doubtful are devices that missed an answer, which may still come.
	doubtful map[string]bool
}

func newSession(d *Driver, p port.Port, emit func(driver.Message)) (*session, error) {
	now := time.Now()
	var tasks []poll.Task
	for _, q := range d.config.Polls {
		tasks = append(tasks, poll.Task{Device: d.deviceOf(q), Every: q.Every})
	}
	schedule, err := poll.New(tasks, now)
	if err != nil {
		return nil, err
	}
	return &session{
		d: d, p: p, emit: emit, split: NewSplitter(d.config.Framing), schedule: schedule, asked: -1,
		buf: make([]byte, 1024), doubtful: map[string]bool{}, idleAt: now.Add(d.config.Framing.Gap),
	}, nil
}

func (d *Driver) deviceOf(q Poll) string {
	if q.Device == "" {
		return d.config.Device
	}
	return q.Device
}

func (q Poll) timeout() time.Duration {
	if q.Timeout == 0 {
		return defaultTimeout
	}
	return q.Timeout
}

// wake ends a read that waits.
func (s *session) wake() { _ = s.p.SetReadDeadline(time.Unix(1, 0)) }

// step does what is due, and reads once.
func (s *session) step(ctx context.Context) error {
	now := time.Now()
	if s.asked >= 0 && !now.Before(s.until) {
		s.miss(now)
	}
	if s.asked < 0 {
		if t := s.d.next(); t != nil {
			err := send(s.p, t.Do)
			t.Done(err)
			return err
		}
		if err := s.ask(now); err != nil {
			return err
		}
	}
	if err := s.p.SetReadDeadline(s.deadline()); err != nil {
		return err
	}
	// Whoever woke us before that set the deadline too early.
	if ctx.Err() != nil || s.asked < 0 && s.d.waiting() {
		return nil
	}
	n, err := s.p.Read(s.buf)
	now = time.Now()
	switch {
	case n > 0:
		s.idleAt = now.Add(s.d.config.Framing.Gap)
		s.quietAt = now.Add(s.quietFor)
		s.take(s.split.Push(s.buf[:n]), now)
	case errors.Is(err, os.ErrDeadlineExceeded):
		if !s.idleAt.IsZero() && !now.Before(s.idleAt) {
			s.idleAt = time.Time{}
			s.take(s.split.Idle(), now)
		}
	default:
		return err
	}
	s.count()
	return nil
}

// deadline is when something is to be done even if nothing is read; zero if never.
func (s *session) deadline() time.Time {
	at := s.idleAt
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if s.asked >= 0 {
		sooner(s.until)
	} else if i, due := s.schedule.Next(time.Now()); i >= 0 {
		if due.Before(s.quietAt) {
			due = s.quietAt
		}
		sooner(due)
	}
	return at
}

// ask sends the question that is due, if one is.
func (s *session) ask(now time.Time) error {
	i, due := s.schedule.Next(now)
	if i < 0 || due.After(now) || s.quietAt.After(now) {
		return nil
	}
	q := s.d.config.Polls[i]
	if !s.d.config.Listen {
		s.split.Reset()
		s.d.Count(func(c *driver.Counts) { c.Noise += uint64(port.Discard(s.p)) })
	}
	if err := send(s.p, q.Request); err != nil {
		return err
	}
	s.asked, s.began, s.until = i, now, now.Add(q.timeout())
	s.quietFor = 0
	return nil
}

// miss gives up waiting for an answer.
func (s *session) miss(now time.Time) {
	q := s.d.config.Polls[s.asked]
	device := s.d.deviceOf(q)
	s.d.missed(device, s.schedule.Missed(s.asked, s.began, now), q.timeout())
	s.asked = -1
	s.doubtful[device] = true
	s.quiet(q.timeout(), now)
	for _, q := range s.d.config.Polls {
		if !s.schedule.Dead(s.d.deviceOf(q)) {
			return
		}
	}
	if !s.d.config.Listen {
		s.d.Enter(driver.Silent, "no device answers")
	}
}

// quiet keeps the line free of questions until it has been silent for so long.
func (s *session) quiet(long time.Duration, now time.Time) {
	s.quietFor, s.quietAt = long, now.Add(long)
}

// take hands frames on.
func (s *session) take(frames []Frame, now time.Time) {
	for _, f := range frames {
		m := driver.Message{Device: f.Device, Data: f.Data, At: now}
		if s.asked >= 0 && s.answers(f) {
			q := s.d.config.Polls[s.asked]
			device := s.d.deviceOf(q)
			m.Section = q.Section
			if device != "" {
				m.Device = device
			}
			s.schedule.Answered(s.asked, now)
			asked := s.asked
			s.asked = -1
			if s.doubtful[device] {
				// This may be the answer to the question before. Ask again when no other can come.
				delete(s.doubtful, device)
				s.schedule.Again(asked, now)
				s.quiet(q.timeout(), now)
				s.d.Count(func(c *driver.Counts) { c.Discarded++ })
				continue
			}
		} else if s.late(f) {
			s.d.Count(func(c *driver.Counts) { c.Discarded++ })
			continue
		}
		if m.Device == "" {
			m.Device = s.d.config.Device
		}
		s.d.Heard(m.Device)
		s.emit(m)
	}
}

// answers tells whether a frame is the awaited answer.
func (s *session) answers(f Frame) bool {
	q := s.d.config.Polls[s.asked]
	if device := s.d.deviceOf(q); s.d.config.Framing.Address != nil && device != "" && f.Device != device {
		return false
	}
	return bytes.HasPrefix(f.Raw, q.Match)
}

// late tells whether a frame that answers no question of now is an answer all the same: on a line
// where devices only answer, after a question whose answer was missed, and if it looks like one.
func (s *session) late(f Frame) bool {
	polls := s.d.config.Polls
	if len(polls) == 0 {
		return false
	}
	if !s.d.config.Listen || s.quietFor > 0 {
		return true
	}
	for _, q := range polls {
		if len(q.Match) > 0 && bytes.HasPrefix(f.Raw, q.Match) {
			return true
		}
	}
	return false
}

// count moves the splitter's counts to the driver's.
func (s *session) count() {
	if s.split.Noise == 0 && s.split.Rejected == 0 {
		return
	}
	s.d.Count(func(c *driver.Counts) {
		c.Noise += s.split.Noise
		c.Rejected += s.split.Rejected
	})
	s.split.Noise, s.split.Rejected = 0, 0
}
