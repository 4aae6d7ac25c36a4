package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// ErrNoDevice means that there is no such output or area.
var ErrNoDevice = errors.New("no such output or area")

const (
	tryLeast  = 1                // seconds that an output is tried
	tryMost   = 30               //
	tryWithin = 15 * time.Second // until its device has obeyed, or not
)

// trySeconds is how long an output is tried.
type trySeconds struct {
	Seconds int `json:"seconds"` // 0: off
}

// tryOutput turns an output on for some seconds, or off at once.
func (s *Server) tryOutput(r *http.Request) (any, error) {
	var in trySeconds
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Seconds != 0 && (in.Seconds < tryLeast || in.Seconds > tryMost) {
		return nil, problem(http.StatusUnprocessableEntity, "sn.error.seconds", tryLeast, tryMost)
	}
	id, q := r.PathValue("id"), from(r)
	ctx, cancel := context.WithTimeout(r.Context(), tryWithin)
	defer cancel()
	err := s.Field.Switch(ctx, id, in.Seconds > 0, time.Duration(in.Seconds)*time.Second, q.User)
	if errors.Is(err, ErrNoDevice) {
		return nil, problem(http.StatusNotFound, "sn.error.output")
	}
	s.Accounts.Audit(context.WithoutCancel(r.Context()), q.actor(), "output.try", id+" "+strconv.Itoa(in.Seconds)+" s")
	if err != nil {
		return nil, problem(http.StatusBadGateway, "sn.error.obey", err)
	}
	return done{}, nil
}

// armArea arms or disarms an area.
func (s *Server) armArea(r *http.Request) (any, error) {
	var in areaView
	if err := read(r, &in); err != nil {
		return nil, err
	}
	err := s.Field.Arm(r.Context(), in.Area, in.Armed)
	if errors.Is(err, ErrNoDevice) {
		return nil, problem(http.StatusNotFound, "sn.error.area")
	}
	if err != nil {
		return nil, err
	}
	action := "area.disarm"
	if in.Armed {
		action = "area.arm"
	}
	s.Accounts.Audit(context.WithoutCancel(r.Context()), from(r).actor(), action, in.Area)
	return done{}, nil
}

type portView struct {
	Port string `json:"port"`
	Bus  string `json:"bus,omitempty"` // that uses it
}

type portList struct {
	Ports []portView `json:"ports"`
}

// listPorts answers with the serial ports of the box, and which bus uses each.
func (s *Server) listPorts(*http.Request) (any, error) {
	all := []portView{}
	for _, name := range s.Field.Ports() {
		p := portView{Port: name}
		for _, b := range s.Running().Buses {
			if b.Where() == name {
				p.Bus = b.ID
			}
		}
		all = append(all, p)
	}
	return portList{all}, nil
}
