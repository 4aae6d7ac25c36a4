package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/text"
)

// Searcher looks for what is at a serial line or a Modbus bus that nobody uses.
type Searcher interface {
	// Search listens at a line (serial), or asks the addresses of a bus (modbus), until it is done or
	// ctx ends, and returns what it found. tell hears what is tried, from one goroutine.
	Search(ctx context.Context, ask Search, tell func(line profile.Line, unit int)) ([]Found, error)
}

// Search says where to look.
type Search struct {
	Kind     string       // modbus or serial
	Where    string       // as a bus has it
	Line     profile.Line // of which Baud is 0 if nobody knows
	Last     int          // of the addresses of a bus, from 1
	Profiles []*profile.Profile
}

// Found is a device on a line.
type Found struct {
	Line profile.Line
	Unit int // its address on a bus; 0 of a line without
	Fits []Fit
	// Sample is the beginning of what a line said.
	Sample []byte
}

// Fit is a profile that makes sense of a device.
type Fit struct {
	Profile *profile.Profile
	Values  []profile.Value
}

const (
	searchFor   = 10 * time.Minute
	mostUnits   = 247
	usualUnits  = 32
	searchEvery = 300 * time.Millisecond // what is tried is told so often
)

// searchRequest is what a form asks.
type searchRequest struct {
	Kind   string `json:"kind"`
	Where  string `json:"where"`
	Baud   int    `json:"baud"` // 0: try the usual ones
	Parity string `json:"parity"`
	Last   int    `json:"last"` // of the addresses; 0: 32
}

// searchLine is a line of the answer. One with Done is the last.
type searchLine struct {
	Trying string      `json:"trying,omitempty"` // the settings of the line
	Unit   int         `json:"unit,omitempty"`   // that is asked
	Found  []foundLine `json:"found,omitempty"`
	Error  string      `json:"error,omitempty"`
	Done   bool        `json:"done,omitempty"`
}

type foundLine struct {
	Line   string    `json:"line"` // such as 9600 8N1
	Baud   int       `json:"baud"`
	Parity string    `json:"parity"`
	Unit   int       `json:"unit,omitempty"`
	Hex    string    `json:"hex,omitempty"`
	Fits   []fitView `json:"fits"`
}

// searchDevices answers with lines of JSON while it searches. It ends when nobody reads them.
func (s *Server) searchDevices(w http.ResponseWriter, r *http.Request) {
	var in searchRequest
	if err := read(r, &in); err != nil {
		s.fail(w, r, err)
		return
	}
	if in.Last == 0 {
		in.Last = usualUnits
	}
	if in.Kind != "modbus" && in.Kind != "serial" || in.Last < 1 || in.Last > mostUnits || in.Where == "" {
		s.fail(w, r, problem(http.StatusBadRequest, "web.error.json"))
		return
	}
	cfg := s.Running()
	for i := range cfg.Buses {
		if b := &cfg.Buses[i]; b.Where() == in.Where && (in.Kind == "serial" || used(cfg, b.ID)) {
			s.fail(w, r, problem(http.StatusConflict, "sn.error.used", b.ID))
			return
		}
	}
	select {
	case s.searching <- struct{}{}:
		defer func() { <-s.searching }()
	default:
		s.fail(w, r, problem(http.StatusServiceUnavailable, "sn.error.searching"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), searchFor)
	defer cancel()
	ask := Search{Kind: in.Kind, Where: in.Where, Last: in.Last, Profiles: s.models(), Line: profile.Line{Baud: in.Baud, Parity: in.Parity, DataBits: 8, StopBits: 1}}
	if in.Parity == "" {
		ask.Line.Parity = "none"
	}
	l := from(r).lang
	w.Header().Set("Content-Type", "application/x-ndjson")
	send := s.lines(w, cancel)
	var told time.Time
	found, err := s.Searcher.Search(ctx, ask, func(line profile.Line, unit int) {
		if now := time.Now(); now.Sub(told) >= searchEvery {
			told = now
			send(searchLine{Trying: lineText(line), Unit: unit})
		}
	})
	last := searchLine{Done: true, Found: foundLines(found, l)}
	if err != nil && !errors.Is(err, context.Canceled) {
		last.Error = text.T(l, "sn.error.line", err)
	}
	send(last)
}

// lines returns what writes lines of JSON, one at a time, and calls gone when nobody reads.
func (s *Server) lines(w http.ResponseWriter, gone func()) func(searchLine) {
	var mu sync.Mutex
	out := http.NewResponseController(w)
	return func(line searchLine) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.SetWriteDeadline(time.Now().Add(eventWritten))
		if json.NewEncoder(w).Encode(line) != nil || out.Flush() != nil {
			gone()
		}
	}
}

func foundLines(found []Found, l text.Lang) []foundLine {
	var all []foundLine
	for _, f := range found {
		v := foundLine{Line: lineText(f.Line), Baud: f.Line.Baud, Parity: f.Line.Parity, Unit: f.Unit, Hex: hexed(f.Sample), Fits: []fitView{}}
		for _, x := range f.Fits[:min(len(f.Fits), mostFits)] {
			v.Fits = append(v.Fits, fitView{x.Profile.ID, x.Profile.Name.In(l), valueViews(x.Profile, x.Values, l)})
		}
		all = append(all, v)
	}
	return all
}
