package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/text"
	"sentrybox/gateway/tryout"
)

// Tryer tries a camera's rules on what is kept of its last minutes.
type Tryer interface {
	// Begin tries the rules of c, which need not be saved. It returns ErrNoCamera,
	// tryout.ErrBusy or tryout.ErrNothing.
	Begin(c *config.Camera) (id string, err error)
	// Held returns from when to when something is kept, zero if nothing is, and whether it would
	// be more if there were room for it.
	Held(camera string) (from, to time.Time, short bool)
	Look(id string) (tryout.Report, bool)
	Stop(id string) bool
	Picture(id string, event int) []byte
	// Clip returns an MP4 file of a moment; tryout.ErrNothing if that is not kept any more.
	Clip(id string, at time.Time) ([]byte, error)
}

// tryView is how a try stands.
type tryView struct {
	ID       string       `json:"id"`
	State    tryout.State `json:"state"`
	Text     string       `json:"text"`
	From     time.Time    `json:"from"`
	Until    time.Time    `json:"until"`
	To       time.Time    `json:"to"`
	Seconds  float64      `json:"seconds"` // from From to Until
	Part     float64      `json:"part"`    // of what is kept, 0 to 1
	Pictures uint64       `json:"pictures"`
	People   int          `json:"people"`
	Raised   int          `json:"raised"` // alerts that there would have been
	Events   []triedEvent `json:"events"`
	More     int          `json:"more,omitempty"`
	Misses   []triedMiss  `json:"misses"`
}

type triedEvent struct {
	Rule       sceneRule `json:"rule"`
	At         time.Time `json:"at"`
	Start      time.Time `json:"start"`
	Seconds    float64   `json:"seconds,omitempty"` // how long it lasted
	Box        wire.Box  `json:"box"`
	Confidence float64   `json:"confidence"`
	Floor      string    `json:"floor,omitempty"`
	Agitated   bool      `json:"agitated,omitempty"`
	Alert      bool      `json:"alert"`           // it would have been an alert of its own
	Note       string    `json:"note,omitempty"`  // why not
	Again      int       `json:"again,omitempty"` // later events that count to this alert and are not listed
	Last       time.Time `json:"last,omitzero"`   // when the last of those was
	Picture    string    `json:"picture,omitempty"`
	Clip       string    `json:"clip"`
}

type triedMiss struct {
	Rule sceneRule `json:"rule"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	Clip string    `json:"clip"`
}

// heldView is what is kept of a camera.
type heldView struct {
	Seconds float64 `json:"seconds"`
	Short   bool    `json:"short"` // there is no room for more
}

func (s *Server) getHeld(r *http.Request) (any, error) {
	from, to, short := s.Tryer.Held(r.PathValue("id"))
	return heldView{to.Sub(from).Seconds(), short}, nil
}

// beginTry tries the scene that came, as it would be if it were saved.
func (s *Server) beginTry(r *http.Request) (any, error) {
	var in scene
	if err := read(r, &in); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	_, body, err := s.Care.Current(r.Context())
	if err != nil {
		return nil, err
	}
	old, err := cameraOf(body, id)
	if err != nil {
		return nil, err
	}
	if body, err = revision.Put(body, id, in.into(old)); err != nil {
		return nil, err
	}
	c, err := s.Care.Check(body)
	if err != nil {
		return nil, err
	}
	for i := range c.Cameras {
		if c.Cameras[i].ID != id {
			continue
		}
		try, err := s.Tryer.Begin(&c.Cameras[i])
		switch {
		case errors.Is(err, ErrNoCamera):
			return nil, problem(http.StatusNotFound, "web.error.nocamera")
		case errors.Is(err, tryout.ErrBusy):
			return nil, problem(http.StatusConflict, "web.error.trying")
		case errors.Is(err, tryout.ErrNothing):
			return nil, problem(http.StatusConflict, "web.error.nothingkept")
		case err != nil:
			return nil, err
		}
		return s.tried(r, try)
	}
	return nil, problem(http.StatusNotFound, "web.error.nocamera")
}

func (s *Server) getTry(r *http.Request) (any, error) { return s.tried(r, r.PathValue("try")) }

// tried says how a try stands.
func (s *Server) tried(r *http.Request, id string) (any, error) {
	rep, ok := s.Tryer.Look(id)
	if !ok {
		return nil, problem(http.StatusNotFound, "web.error.notry")
	}
	l := from(r).lang
	v := tryView{ID: id, State: rep.State, From: rep.From.UTC(), Until: rep.Until.UTC(), To: rep.To.UTC(), Seconds: rep.Until.Sub(rep.From).Seconds(),
		Part: rep.Part, Pictures: rep.Pictures, People: rep.People, Events: []triedEvent{}, More: rep.More, Misses: []triedMiss{}}
	v.Text = text.T(l, text.Key("try."+string(rep.State)))
	path := "/api/v1/tries/" + id
	for i := range rep.Events {
		if rep.Events[i].Folded && again(v.Events, rep.Rules[rep.Events[i].Rule], rep.Events[i].Detected) {
			continue
		}
		e := tryEvent(l, &rep, &rep.Events[i])
		if e.Alert {
			v.Raised++
		}
		if rep.Events[i].HasPicture() {
			e.Picture = path + "/picture/" + strconv.Itoa(i)
		}
		e.Clip = clipOf(path, rep.Events[i].Detected)
		v.Events = append(v.Events, e)
	}
	for _, m := range rep.Misses {
		o := wire.Overlay{}
		if m.Track != nil {
			o.Tracks = []wire.Followed{*m.Track}
		}
		v.Misses = append(v.Misses, triedMiss{ruleOf(rep.Rules[m.Rule]), m.At.UTC(), missWords(l, &o, &m), clipOf(path, m.At)})
	}
	return v, nil
}

// again counts an event to the newest alert of its kind and zone, and reports whether there is one.
func again(all []triedEvent, rule config.Rule, at time.Time) bool {
	r := ruleOf(rule)
	for i := len(all) - 1; i >= 0; i-- {
		if e := &all[i]; e.Alert && e.Rule.Kind == r.Kind && e.Rule.Zone == r.Zone {
			e.Again++
			e.Last = at.UTC()
			return true
		}
	}
	return false
}

func clipOf(path string, at time.Time) string {
	return path + "/clip/" + strconv.FormatInt(at.UnixMilli(), 10) + ".mp4"
}

func tryEvent(l text.Lang, rep *tryout.Report, e *tryout.Event) triedEvent {
	rule := rep.Rules[e.Rule]
	v := triedEvent{Rule: ruleOf(rule), At: e.Detected.UTC(), Start: e.Start.UTC(), Box: e.Box, Confidence: e.Confidence, Floor: e.Floor, Agitated: e.Agitated, Alert: !e.Unarmed && !e.Folded}
	if !e.End.IsZero() {
		v.Seconds = e.End.Sub(e.Start).Seconds()
	}
	if e.Unarmed {
		v.Note = text.T(l, "try.unarmed", rule.Schedule.String())
	}
	return v
}

// missWords says why something was not decided on.
func missWords(l text.Lang, o *wire.Overlay, m *tryout.Miss) string {
	n := m.Note
	if n.Why == wire.Disarmed { // all are armed; what is left is that it was decided a moment later
		n.Why = ""
	}
	return noteWords(l, o, &n)
}

func (s *Server) stopTry(r *http.Request) (any, error) {
	if !s.Tryer.Stop(r.PathValue("try")) {
		return nil, problem(http.StatusNotFound, "web.error.notry")
	}
	return done{}, nil
}

func (s *Server) tryPicture(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("event"))
	var jpeg []byte
	if err == nil {
		jpeg = s.Tryer.Picture(r.PathValue("try"), n)
	}
	if jpeg == nil {
		s.fail(w, r, problem(http.StatusNotFound, "web.error.notry"))
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(jpeg) // nobody is left to tell
}

// tryClip is the video of a moment, cut out of what is kept. It is not painted over, as the live
// picture is not.
func (s *Server) tryClip(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.ParseInt(strings.TrimSuffix(r.PathValue("at"), ".mp4"), 10, 64)
	var clip []byte
	if err == nil {
		clip, err = s.Tryer.Clip(r.PathValue("try"), time.UnixMilli(ms))
	}
	if err != nil {
		s.fail(w, r, problem(http.StatusNotFound, "web.error.clipgone"))
		return
	}
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(clip)))
}
