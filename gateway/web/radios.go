package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/radio"
	"sentrybox/gateway/text"
)

// Waves is the radios and intercoms of the box.
type Waves interface {
	// Radios returns how each is, and the newest calls and other events, the newest first.
	Radios() ([]radio.State, []radio.Entry)
}

// radiosView is the page of radios and intercoms as JSON.
type radiosView struct {
	At     time.Time   `json:"at"`
	Radios []radioView `json:"radios"`
	Heard  []callView  `json:"heard"` // the newest first
}

type radioView struct {
	ID       string        `json:"id"`
	Name     string        `json:"name,omitempty"`
	Grid     string        `json:"grid,omitempty"`
	Driver   string        `json:"driver"`
	Text     string        `json:"driver_text"`
	State    Line          `json:"state"`
	Heard    time.Time     `json:"heard,omitzero"`
	Stations []stationView `json:"stations"` // repeaters, door stations
	Units    []unitView    `json:"units"`    // who calls
	Rules    []string      `json:"rules"`    // what is an alert, in sentences
}

type stationView struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	State Line   `json:"state"`
}

type unitView struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Grid  string `json:"grid,omitempty"`
	Place string `json:"place,omitempty"`
}

// callView is a call or another event with its words.
type callView struct {
	radio.Entry
	Says    string `json:"says"`
	Unknown bool   `json:"unknown"` // nobody has named who it was
}

// mostCalls bounds the calls of one answer.
const mostCalls = 100

func (s *Server) radiosPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "radios", driversOfRadios())
}

func (s *Server) listRadios(r *http.Request) (any, error) { return s.radios(from(r).lang), nil }

func (s *Server) radios(l text.Lang) radiosView {
	states, heard := s.Waves.Radios()
	cfg := s.Running()
	byID := map[string]*config.Radio{}
	v := radiosView{At: s.Now().UTC(), Radios: []radioView{}, Heard: []callView{}}
	for i := range cfg.Radios {
		byID[cfg.Radios[i].ID] = &cfg.Radios[i]
	}
	for i := range states {
		if c := byID[states[i].ID]; c != nil {
			v.Radios = append(v.Radios, newRadioView(c, &states[i], l))
		}
	}
	for _, e := range heard[:min(len(heard), mostCalls)] {
		v.Heard = append(v.Heard, newCallView(byID[e.System], e, l))
	}
	return v
}

func newRadioView(c *config.Radio, st *radio.State, l text.Lang) radioView {
	line := deviceLine(&Device{ID: c.ID, Name: c.Name, Type: "radio", Phase: string(st.Phase), Since: st.Since, Reason: st.Reason}, l)
	line.Link = "/radios#" + c.ID
	v := radioView{
		ID: c.ID, Name: c.Name, Grid: c.Grid, Driver: c.Driver(), Text: text.T(l, text.Key("radio.driver."+c.Driver())), State: line, Heard: st.Heard,
		Stations: []stationView{}, Units: []unitView{}, Rules: callRules(c, l),
	}
	for _, x := range st.Stations {
		v.Stations = append(v.Stations, stationView{x.ID, x.Name, deviceLine(&Device{
			ID: x.ID, Name: x.Name, Type: "station", Phase: string(x.State), Since: x.Since, Reason: x.Reason,
		}, l)})
	}
	for id, u := range c.Units {
		v.Units = append(v.Units, unitView{id, u.Name, u.Grid, u.Place})
	}
	slices.SortFunc(v.Units, func(a, b unitView) int { return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID)) })
	return v
}

// callRules says what of a radio is an alert.
func callRules(c *config.Radio, l text.Lang) []string {
	all := []string{}
	who := func(id string) string {
		if u := c.Units[id]; u.Name != "" {
			return u.Name
		}
		if g := c.Groups[id]; g != "" {
			return g
		}
		return id
	}
	for _, r := range c.Emergency {
		when := text.T(l, text.Key("radio.on."+r.On))
		if r.Code != "" {
			when += " " + r.Code
		}
		if r.From != "" {
			when = text.T(l, "radio.from", who(r.From), when)
		}
		if r.To != "" {
			when = text.T(l, "radio.to", when, who(r.To))
		}
		if r.Off {
			all = append(all, text.T(l, "radio.off", when))
			continue
		}
		all = append(all, text.T(l, "sn.raises", when, text.Kind(l, r.Kind), r.Severity))
	}
	return all
}

// newCallView says what was heard; names are those of now, also of what was heard before.
func newCallView(c *config.Radio, e radio.Entry, l text.Lang) callView {
	v := callView{Entry: e}
	if c != nil {
		if u, known := c.Units[e.From]; known {
			v.FromName, v.Place = u.Name, u.Place
		}
	}
	v.Unknown = e.From != "" && v.FromName == ""
	v.Says = text.T(l, text.Key("radio.on."+string(e.Kind)))
	for _, more := range []string{e.Digits, e.Input, e.Text} {
		if more != "" {
			v.Says += " " + more
		}
	}
	if e.Alert != "" {
		v.Says = text.T(l, "radio.alerted", v.Says, text.Kind(l, e.Alert))
	}
	return v
}

// radioEvents is the stream of the page of radios: everything when it has changed.
func (s *Server) radioEvents(w http.ResponseWriter, r *http.Request) {
	l := from(r).lang
	s.stream(w, r, &ears{}, func() (time.Time, any) {
		v := s.radios(l)
		at := v.At
		v.At = time.Time{}
		return at, v
	})
}
