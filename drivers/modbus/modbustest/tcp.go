package modbustest

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// Server speaks Modbus TCP for the units of a Bus, whose line it does not use.
type Server struct {
	bus      *Bus
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	refuse bool
}

// Listen starts a server on loopback.
func Listen(b *Bus) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{bus: b, listener: l, conns: map[net.Conn]bool{}}
	s.wg.Go(s.accept)
	return s, nil
}

// Address returns host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Refuse stops or starts to take connections. Those that are there are closed.
func (s *Server) Refuse(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
	for c := range s.conns {
		c.Close()
	}
}

// Inject writes bytes on every connection.
func (s *Server) Inject(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Write(b) //nolint:errcheck // whoever is gone has not earned it
	}
}

// Close ends it.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.Refuse(true)
	s.wg.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.refuse {
			c.Close()
		} else {
			s.conns[c] = true
			s.wg.Go(func() { s.serve(c) })
		}
		s.mu.Unlock()
	}
}

func (s *Server) serve(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	header := make([]byte, 7)
	for {
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(header[4:])) - 1
		if n < 1 || n > 253 {
			return
		}
		pdu := make([]byte, n)
		if _, err := io.ReadFull(c, pdu); err != nil {
			return
		}
		s.bus.mu.Lock()
		s.bus.asked[header[6]]++
		u := s.bus.units[header[6]]
		s.bus.mu.Unlock()
		answer := []byte{pdu[0] | 0x80, 11}
		if u != nil {
			answer = u.answer(pdu)
		}
		binary.BigEndian.PutUint16(header[4:], uint16(1+len(answer)))
		if _, err := c.Write(append(header[:7:7], answer...)); err != nil {
			return
		}
	}
}
