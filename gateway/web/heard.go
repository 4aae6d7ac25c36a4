package web

import (
	"bytes"

	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/text"
)

const (
	heardEvery = 300 * time.Millisecond // what was heard is sent so often
	estateAt   = time.Second            // and how everything is
	mostHeard  = 60                     // of what comes between two of them: the rest is counted
	mostBytes  = 256                    // of a message or a piece of a line that are shown
	wireJoin   = 60 * time.Millisecond  // bytes of a line that come within it are shown together
	mostNames  = 32                     // values of what a codec decoded that are shown
)

// heardView is what came by a bus, as a page shows it.
type heardView struct {
	At      time.Time  `json:"at"`
	Bus     string     `json:"bus,omitempty"`
	Kind    string     `json:"kind"` // message, or received or sent of a line's bytes
	Address string     `json:"address,omitempty"`
	Section string     `json:"section,omitempty"` // the topic, or what was asked
	Port    int        `json:"port,omitempty"`    // LoRaWAN's FPort
	Hex     string     `json:"hex,omitempty"`
	ASCII   string     `json:"ascii,omitempty"`
	More    int        `json:"more_bytes,omitempty"` // that are not shown
	Codec   []string   `json:"codec,omitempty"`      // what a network server decoded
	RSSI    *float64   `json:"rssi,omitempty"`
	SNR     *float64   `json:"snr,omitempty"`
	Read    []readView `json:"read"` // by each sensor with the address
}

type readView struct {
	Sensor string      `json:"sensor"`
	Name   string      `json:"name,omitempty"`
	Values []valueView `json:"values"`
	Why    string      `json:"why,omitempty"` // it means nothing
}

// hexed writes the first bytes of a payload in hexadecimal.
func hexed(b []byte) string { return strings.ToUpper(fmt.Sprintf("% x", b[:min(len(b), mostBytes)])) }

// printable writes a payload as text, if it looks like one.
func printable(b []byte) string {
	b = bytes.TrimSpace(b[:min(len(b), mostBytes)])
	if len(b) < 2 {
		return ""
	}
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			return ""
		}
	}
	return string(b)
}

// ears collects what was heard for one page.
type ears struct {
	bus, sensor string // what is looked at; both empty for nothing

	mu      sync.Mutex
	list    []Heard // guarded by mu
	dropped int     // guarded by mu
}

// hear takes what was heard, if it is looked at.
func (e *ears) hear(h Heard) {
	if e.sensor != "" {
		if !slices.ContainsFunc(h.Read, func(r ReadState) bool { return r.Sensor == e.sensor }) {
			return
		}
	} else if h.Bus != e.bus {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.list); h.Wire != nil && n > 0 {
		if last := &e.list[n-1]; last.Wire != nil && last.Sent == h.Sent && h.At.Sub(last.At) < wireJoin && len(last.Wire) < mostBytes {
			last.Wire = append(last.Wire, h.Wire...)
			return
		}
	}
	if len(e.list) >= mostHeard {
		e.dropped++
		return
	}
	e.list = append(e.list, h)
}

// take returns what was heard since the last time.
func (e *ears) take() (list []Heard, dropped int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list, dropped = e.list, e.dropped
	e.list, e.dropped = nil, 0
	return list, dropped
}

// words says what was heard.
func (h *Heard) words(cfg *config.Config, l text.Lang) heardView {
	v := heardView{At: h.At.UTC(), Bus: h.Bus, Kind: "message", Read: []readView{}}
	data := h.Payload.Data
	if h.Wire != nil {
		data, v.Kind = h.Wire, "received"
		if h.Sent {
			v.Kind = "sent"
		}
	}
	v.Hex, v.ASCII, v.More = hexed(data), printable(data), max(len(data)-mostBytes, 0)
	v.Address, v.Section, v.Port, v.RSSI, v.SNR = h.Address, h.Payload.Section, h.Payload.Port, h.Payload.RSSI, h.Payload.SNR
	for name, x := range h.Payload.Values {
		v.Codec = append(v.Codec, fmt.Sprint(name, " = ", x))
	}
	slices.Sort(v.Codec)
	v.Codec = v.Codec[:min(len(v.Codec), mostNames)]
	for i := range h.Read {
		v.Read = append(v.Read, h.Read[i].words(cfg, l))
	}
	return v
}

func (r *ReadState) words(cfg *config.Config, l text.Lang) readView {
	v := readView{Sensor: r.Sensor, Values: []valueView{}}
	var p *profile.Profile
	if i := slices.IndexFunc(cfg.Sensors, func(s config.Sensor) bool { return s.ID == r.Sensor }); i >= 0 {
		v.Name, p = cfg.Sensors[i].Name, cfg.Sensors[i].Model()
	}
	for _, x := range r.Values {
		var value any = x.Number
		if x.Text != "" {
			value = x.Text
		}
		one := say(p, x.Quantity, value, l)
		if x.Impossible {
			one.Says = text.T(l, "sn.impossible", one.Says)
		}
		v.Values = append(v.Values, one)
	}
	switch {
	case r.Err != nil:
		v.Why = profile.Reason(l, r.Err)
	case len(r.Values) == 0:
		v.Why = text.T(l, "sn.nothing")
	}
	return v
}

// sensorEvents is the stream of the page of sensors: how everything is, when it has changed.
func (s *Server) sensorEvents(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, &ears{}, s.estateOf(from(r).lang))
}

// estateOf makes the look of a stream.
func (s *Server) estateOf(l text.Lang) func() (time.Time, any) {
	return func() (time.Time, any) {
		v := s.estate(l)
		at := v.At
		v.At = time.Time{}
		return at, v
	}
}

// sensorHeard is the same, and what comes by the bus or of the sensor that is asked for. Keys
// are not in it: drivers hand on what is free of them.
func (s *Server) sensorHeard(w http.ResponseWriter, r *http.Request) {
	e := &ears{bus: r.URL.Query().Get("bus"), sensor: r.URL.Query().Get("sensor")}
	if e.bus == "" && e.sensor == "" {
		s.fail(w, r, problem(http.StatusBadRequest, "web.error.json"))
		return
	}
	defer s.Field.Look(e.hear)()
	s.stream(w, r, e, s.estateOf(from(r).lang))
}

// now is how everything is, in an event.
type now struct {
	At time.Time `json:"at"`
	Is any       `json:"is,omitempty"` // what has changed; nothing if nothing has
}

// stream sends events until the session ends: what look returns when it has changed, each second
// the time, and what was heard.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, e *ears, look func() (at time.Time, is any)) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.fail(w, r, problem(http.StatusServiceUnavailable, "web.error.busy"))
		return
	}
	q, out := from(r), http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(event string, v any) error {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_ = out.SetWriteDeadline(time.Now().Add(eventWritten))
		if _, err := fmt.Fprintf(w, "retry: 2000\nevent: %s\ndata: %s\n\n", event, data); err != nil {
			return err
		}
		return out.Flush()
	}
	tick := time.NewTicker(heardEvery)
	defer tick.Stop()
	var told []byte
	var last time.Time
	for {
		if at := time.Now(); at.Sub(last) >= estateAt {
			if _, ok := s.Accounts.Session(r.Context(), q.token); !ok {
				return
			}
			last = at
			n := now{}
			n.At, n.Is = look()
			if b, err := json.Marshal(n.Is); err != nil || bytes.Equal(b, told) {
				n.Is = nil
			} else {
				told = b
			}
			if send("now", n) != nil {
				return
			}
		}
		if err := s.sendHeard(e, q.lang, send); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) sendHeard(e *ears, l text.Lang, send func(string, any) error) error {
	list, dropped := e.take()
	if len(list) == 0 && dropped == 0 {
		return nil
	}
	views := make([]heardView, len(list))
	for i := range list {
		views[i] = list[i].words(s.Running(), l)
	}
	return send("heard", map[string]any{"heard": views, "dropped": dropped})
}
