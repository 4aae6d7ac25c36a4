package rtsptest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Stall keeps a camera's connections open and sends nothing more on them, as
// one whose encoder hangs. Other requests are answered.
func (s *Server) Stall(path string) error {
	return s.with(path, func(c *camera) { c.stalled = true })
}

// Resume ends Stall: the camera goes on with its next keyframe, at the present
// time. Sequence numbers go on as if nothing had been.
func (s *Server) Resume(path string) error {
	return s.with(path, func(c *camera) { c.waitKey = c.waitKey || c.stalled; c.stalled = false })
}

// DropConnections closes all connections and forgets their sessions, as a
// camera that restarts. New ones are welcome.
func (s *Server) DropConnections() {
	s.mutex.Lock()
	conns, sessions := slices.Collect(maps.Keys(s.conns)), slices.Collect(maps.Keys(s.sessions))
	s.mutex.Unlock()
	for _, v := range sessions {
		v.Close()
	}
	for _, v := range conns {
		v.Close()
	}
}

// RefuseConnections stops or starts to take new connections; existing ones
// stay. The port is closed meanwhile, so another program could take it, which is an error.
func (s *Server) RefuseConnections(refuse bool) error {
	if err := s.gate.shut(refuse); err != nil {
		return fmt.Errorf("rtsptest: %w", err)
	}
	return nil
}

// RefusePassword stops or starts to take the right password for what is wrong.
// Those who play already go on.
func (s *Server) RefusePassword(refuse bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.refuse = refuse
}

// PacketLoss drops a fraction of a camera's RTP packets, 0 to 1, by a random
// sequence that seed decides. It happens before the transport, so also over TCP.
func (s *Server) PacketLoss(path string, fraction float64, seed uint64) error {
	return s.with(path, func(c *camera) { c.loss, c.random = fraction, rand.New(rand.NewPCG(seed, 0)) })
}

// Corrupt lets f change each of a camera's access units before it is put into
// packets: an Annex B byte stream or a JPEG picture, which is f's to change. An
// empty result is not sent. f runs on the camera's goroutine; nil ends it.
func (s *Server) Corrupt(path string, f func(au []byte) []byte) error {
	return s.with(path, func(c *camera) { c.mangle = f })
}

// SwitchParameterSets lets a camera go on with another clip of its codec, and
// so with other parameter sets, in mid-stream: those who play learn of it from
// the next keyframe alone, new readers from DESCRIBE too. It returns once the
// camera has gone over to it, within a picture's time.
func (s *Server) SwitchParameterSets(path string, other Clip) error {
	done := make(chan error, 1)
	var busy bool
	err := s.with(path, func(c *camera) {
		if busy = c.switched != nil; !busy {
			c.other, c.switched = other, done
		}
	})
	switch {
	case err != nil:
		return err
	case busy:
		return fmt.Errorf("rtsptest: camera %q is just going over to another clip", path)
	}
	select {
	case err = <-done:
	case <-s.camera(path).ended:
		err = errors.New("it is closed")
	}
	if err != nil {
		return fmt.Errorf("rtsptest: camera %q: %w", path, err)
	}
	return nil
}

// with changes a camera's state under its lock.
func (s *Server) with(path string, change func(c *camera)) error {
	c := s.camera(path)
	if c == nil {
		return fmt.Errorf("rtsptest: no camera %q", path)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	change(c)
	return nil
}
