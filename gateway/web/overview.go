package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/text"
)

// Level is how bad something is.
type Level string

// The levels, from the worst.
const (
	Bad  Level = "bad"
	Warn Level = "warn"
	Good Level = "good"
)

// Line is one thing and how it is, in words that a person can act on.
type Line struct {
	Level Level     `json:"level"`
	Text  string    `json:"text"`
	Hint  string    `json:"hint,omitempty"`   // what to do
	Why   string    `json:"why,omitempty"`    // for engineers, in English
	Since time.Time `json:"since,omitzero"`   // when it became so
	Link  string    `json:"link,omitempty"`   // where it is mended
	About string    `json:"about,omitempty"`  // camera, device, uplink or box
	ID    string    `json:"id,omitempty"`     // of the camera or uplink
	Note  string    `json:"detail,omitempty"` // what it is, such as the stream's size
}

// Overview is the first page as JSON.
type Overview struct {
	At         time.Time   `json:"at"`
	Gateway    string      `json:"gateway"`
	Version    string      `json:"version"`
	Started    time.Time   `json:"started"`
	Lines      []Line      `json:"lines"`
	Alerts     []AlertView `json:"alerts"`
	OpenAlerts int         `json:"open_alerts"`
	Vitals     []Vital     `json:"vitals"`
	Lanes      []LaneView  `json:"lanes"`
}

// AlertView is an open alert with its words.
type AlertView struct {
	alert.Alert
	DeviceText string `json:"device_text"` // its name, or its id
	KindText   string `json:"kind_text"`
	StateText  string `json:"state_text"`
	Picture    string `json:"picture,omitempty"` // its address
	// Group is the same for those that belong together, which stand one after the other, and GroupText what
	// people call that.
	Group     string `json:"group"`
	GroupText string `json:"group_text"`
}

// Vital is a figure of the box.
type Vital struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Value string `json:"value"`
	Level Level  `json:"level"`
	Hint  string `json:"hint,omitempty"` // what to do
}

// LaneView is what waits for the uplink, with its words.
type LaneView struct {
	Name    string  `json:"name"`
	Label   string  `json:"label"`
	Depth   int     `json:"depth"`
	Bytes   int64   `json:"bytes"`
	Oldest  float64 `json:"oldest_seconds"`
	Dropped uint64  `json:"dropped"`
}

// fresh is how old a state may be that several look at.
const fresh = time.Second

// look returns the state, which many streams share.
func (s *Server) look(ctx context.Context) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if since := s.Now().Sub(s.asked); since < 0 || since >= fresh || s.failed != nil {
		s.state, s.failed = s.Gateway.State(ctx)
		s.asked = s.Now()
	}
	return s.state, s.failed
}

func (s *Server) overview(r *http.Request) (any, error) {
	st, err := s.look(r.Context())
	if err != nil {
		return nil, err
	}
	return s.words(&st, from(r).lang), nil
}

// words makes an overview of a state.
func (s *Server) words(st *State, l text.Lang) Overview {
	cfg := s.Running()
	models, names := map[string]*profile.Profile{}, namesOf(cfg)
	for i := range cfg.Sensors {
		models[cfg.Sensors[i].ID] = cfg.Sensors[i].Model()
	}
	o := Overview{
		At: st.At.UTC(), Gateway: st.Gateway, Version: s.Version, Started: st.Started.UTC(), OpenAlerts: st.OpenAlerts,
		Lines: lines(st, models, l), Alerts: []AlertView{}, Vitals: vitals(st, l), Lanes: []LaneView{},
	}
	for _, a := range byGroup(gravest(st.Alerts)) {
		v := AlertView{Alert: a.Alert, Group: a.group, GroupText: groupWords(&a, names, l), DeviceText: cmp.Or(names[a.Device], a.Device), KindText: text.Kind(l, a.Kind), StateText: text.T(l, text.Key("alert."+string(a.State)))}
		if a.Code != "" {
			v.KindText = text.T(l, text.Key("system."+a.Code))
		}
		if slices.Contains(a.Evidence, "picture") {
			v.Picture = "/api/v1/alerts/" + a.ID + "/picture"
		}
		o.Alerts = append(o.Alerts, v)
	}
	for _, lane := range st.Lanes {
		v := LaneView{Name: lane.Name, Label: text.T(l, text.Key("lane."+lane.Name)), Depth: lane.Depth, Bytes: lane.Bytes, Dropped: lane.Dropped}
		if !lane.Oldest.IsZero() {
			v.Oldest = max(st.At.Sub(lane.Oldest), 0).Round(time.Second).Seconds()
		}
		o.Lanes = append(o.Lanes, v)
	}
	return o
}

// namesOf returns what people call devices, by their ids.
func namesOf(cfg *config.Config) map[string]string {
	names := map[string]string{}
	for _, x := range cfg.Buses {
		names[x.ID] = x.Name
	}
	for i := range cfg.Sensors {
		names[cfg.Sensors[i].ID] = cfg.Sensors[i].Name
	}
	for _, x := range cfg.Outputs {
		names[x.ID] = x.Name
	}
	for _, x := range cfg.Radios {
		names[x.ID] = x.Name
	}
	for _, x := range cfg.Intercoms {
		names[x.ID] = x.Name
	}
	return names
}

// measured says what a device measured last.
func measured(d *Device, p *profile.Profile, l text.Lang) string {
	var all []string
	for _, name := range ordered(p, d.Readings) {
		v := say(p, name, d.Readings[name], l)
		unit := ""
		if p == nil {
			unit = d.Units[name]
		}
		all = append(all, strings.TrimSpace(v.Text+" "+v.Says+" "+unit))
	}
	return strings.Join(all, " · ")
}

// gravest orders open alerts: what nobody has answered first, the gravest of it, the newest of that.
func gravest(all []alert.Alert) []alert.Alert {
	answered := func(a *alert.Alert) int {
		if a.State == alert.Raised {
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b alert.Alert) int {
		return cmp.Or(cmp.Compare(answered(&a), answered(&b)), cmp.Compare(a.Severity, b.Severity), b.DetectedAt.Compare(a.DetectedAt.Time))
	})
}

// lines returns what there is, the worst first. models are the profiles of sensors by their ids.
func lines(st *State, models map[string]*profile.Profile, l text.Lang) []Line {
	var all []Line
	for _, c := range st.Cameras {
		all = append(all, cameraLine(&c, l))
	}
	for _, d := range st.Devices {
		line := deviceLine(&d, l)
		line.Note = measured(&d, models[d.ID], l)
		all = append(all, line)
	}
	all = append(all, uplinkLines(st, l)...)
	all = append(all, boxLines(st, l)...)
	order := map[Level]int{Bad: 0, Warn: 1, Good: 2}
	slices.SortStableFunc(all, func(a, b Line) int { return cmp.Compare(order[a.Level], order[b.Level]) })
	return all
}

// answerRequest is what somebody says of an alert.
type answerRequest struct {
	Action string `json:"action"`
	Note   string `json:"note"`
}

func (s *Server) answerAlert(r *http.Request) (any, error) {
	var in answerRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	id, q := r.PathValue("id"), from(r)
	if !slices.Contains([]string{"ack", "dispatch", "handled", "false", "note"}, in.Action) || len([]rune(in.Note)) > 500 {
		return nil, problem(http.StatusBadRequest, "web.error.json")
	}
	err := s.Gateway.Answer(r.Context(), id, alert.Answer{Action: in.Action, By: q.User, Note: in.Note})
	if errors.Is(err, alert.ErrInvalid) {
		return nil, problem(http.StatusNotFound, "web.error.noalert")
	}
	if err != nil {
		return nil, err
	}
	s.Accounts.Audit(r.Context(), q.actor(), "alert."+in.Action, id)
	return done{}, nil
}

func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	jpeg, err := s.Gateway.Picture(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		s.fail(w, r, err)
	case len(jpeg) == 0:
		s.notFound(w, r)
	default:
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Cache-Control", "private, max-age=86400")
		_, _ = w.Write(jpeg) // nobody is left to tell
	}
}
