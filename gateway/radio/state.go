package radio

import (
	"maps"
	"slices"
	"time"

	"sentrybox/drivers/driver"
)

// Phase is how a system or one of its stations is doing.
type Phase string

// The phases.
const (
	Waiting Phase = "waiting" // nothing was heard since the start
	Online  Phase = "online"
	Silent  Phase = "silent"
	Refused Phase = "refused" // the password is wrong, on one side or the other
	Faulty  Phase = "fault"
	Away    Phase = "unplugged" // what it is heard by is away
)

// State is a system as it is now.
type State struct {
	ID, Name, Grid, Driver string
	Phase                  Phase
	Reason                 string
	Since, Heard           time.Time
	Stations               []Station // in the order of their ids
}

// Station is a repeater, a door station or the like.
type Station struct {
	ID     string    `json:"id"`
	Name   string    `json:"name,omitempty"`
	State  Phase     `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"-"`
	Heard  time.Time `json:"-"`
}

// maxStations bounds the stations of a state: it is one message.
const maxStations = 64

func phaseOf(p driver.Phase) Phase {
	switch p {
	case driver.Online:
		return Online
	case driver.Silent:
		return Silent
	case driver.Refused:
		return Refused
	case driver.Failed, driver.Skipped:
		return Faulty
	case driver.Unplugged:
		return Away
	}
	return Waiting
}

// state makes a State of what a source says.
func (s *system) state(d driver.State) State {
	st := State{
		ID: s.ID, Name: s.Name, Grid: s.Grid, Driver: s.Driver, Phase: phaseOf(d.Phase), Reason: d.Reason, Since: d.Since, Heard: d.Heard,
	}
	if st.Phase == Waiting {
		st.Reason = ""
	}
	for _, id := range slices.Sorted(maps.Keys(d.Devices)) {
		if len(st.Stations) >= maxStations {
			break
		}
		x := d.Devices[id]
		st.Stations = append(st.Stations, Station{ID: id, Name: s.Units[id].Name, State: phaseOf(x.Phase), Reason: x.Reason, Since: x.Since, Heard: x.Heard})
	}
	return st
}

// differs says whether more than times differ.
func (a *State) differs(b *State) bool {
	return a.Phase != b.Phase || a.Reason != b.Reason || !slices.EqualFunc(a.Stations, b.Stations, func(x, y Station) bool {
		return x.ID == y.ID && x.State == y.State && x.Reason == y.Reason
	})
}

// Tell tells the state of every system, as if each had changed.
func (h *Hub) Tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.systems {
		if s.told.ID != "" && h.OnState != nil {
			h.OnState(s.told)
		}
	}
}

// States returns every system as it is now.
func (h *Hub) States() []State {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]State, 0, len(h.systems))
	for _, s := range h.systems {
		all = append(all, s.state(s.Source.State()))
	}
	return all
}

// Counts is what has been counted of a system.
type Counts struct {
	driver.Counts
	Events  map[string]uint64 // by kind
	Alerts  uint64
	Folded  uint64 // events that were part of an alert already
	Joined  uint64 // of too many unknown callers
	Dropped uint64 // alerts given up before they were durable
}

// Counts returns what has been counted, by system.
func (h *Hub) Counts() map[string]Counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[string]Counts, len(h.systems))
	for _, s := range h.systems {
		c := s.counts
		c.Events = maps.Clone(c.Events)
		c.Counts = s.Source.State().Counts
		c.Dropped = h.deliver.lostOf(s.ID)
		all[s.ID] = c
	}
	return all
}
