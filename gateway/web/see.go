package web

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
)

// Sight is what the detectors made of one picture.
type Sight struct {
	At time.Duration // media time of the picture, in that of Live.Watch
	*wire.Overlay
}

const (
	mostSeers   = 12
	shownTracks = 32 // in one picture
)

// sightBegin is the first message: the rules that the others speak of.
type sightBegin struct {
	Rules []sightRule `json:"rules"`
}

// sightRule is a rule in use.
type sightRule struct {
	sceneRule
	Note string `json:"note,omitempty"` // what keeps it from ever seeing all of its zone
}

// sightView is what is drawn over one picture.
type sightView struct {
	At       float64      `json:"at"` // media time, seconds
	Settling string       `json:"settling,omitempty"`
	Tracks   []trackView  `json:"tracks"`
	Things   []thingView  `json:"things"` // that are no tracks
	Rules    []ruleStance `json:"rules"`  // one for each
}

type trackView struct {
	ID     uint64      `json:"id"`
	Box    wire.Box    `json:"box"`
	Nature wire.Nature `json:"nature"`
	Hidden bool        `json:"hidden,omitempty"`
	Alarm  bool        `json:"alarm,omitempty"` // a rule raises an alert for it
	Text   string      `json:"text"`
}

type thingView struct {
	Box    wire.Box    `json:"box"`
	Stance wire.Stance `json:"stance"`
	Text   string      `json:"text"`
}

// ruleStance is how far a rule is.
type ruleStance struct {
	State string `json:"state"` // off, quiet, or a wire.Stance
	Text  string `json:"text"`
}

// see tells what the detectors see over a WebSocket, as long as somebody looks: first the
// rules, and then a message for each picture that is analysed.
func (s *Server) see(w http.ResponseWriter, r *http.Request) {
	l, id := from(r).lang, r.PathValue("id")
	cam, err := s.running(id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.socket(w, r, s.seers, func(ctx context.Context, c *websocket.Conn) error {
		if err := sendJSON(ctx, c, sightBegin{sightRules(cam, l)}); err != nil {
			return err
		}
		return s.Live.See(ctx, id, func(st Sight) error { return sendJSON(ctx, c, viewOf(l, cam, st)) })
	})
}

// sightRules returns the rules that overlays speak of, in their order.
func sightRules(c *config.Camera, l text.Lang) []sightRule {
	all := []sightRule{}
	for _, rule := range seenRules(c) {
		all = append(all, sightRule{ruleOf(rule), privateNote(l, c, rule.Zone)})
	}
	return all
}

// viewOf says in words what there is to draw.
func viewOf(l text.Lang, c *config.Camera, st Sight) sightView {
	o := st.Overlay
	v := sightView{At: st.At.Seconds(), Tracks: []trackView{}, Things: []thingView{}, Rules: []ruleStance{}}
	if o.Settling {
		v.Settling = text.T(l, "see.settling")
	}
	alarm := map[uint64]bool{}
	for i := range o.Notes {
		n := &o.Notes[i]
		if n.Track != 0 {
			alarm[n.Track] = alarm[n.Track] || n.Stance == wire.Decided
		} else if n.Box != nil && len(v.Things) < shownTracks {
			v.Things = append(v.Things, thingView{*n.Box, n.Stance, noteWords(l, o, n)})
		}
	}
	for i := range o.Tracks[:min(len(o.Tracks), shownTracks)] {
		t := &o.Tracks[i]
		v.Tracks = append(v.Tracks, trackView{t.ID, t.Box, t.Nature, t.Hidden, alarm[t.ID], trackWords(l, t)})
	}
	for i, rule := range seenRules(c) {
		if i < len(o.Armed) {
			v.Rules = append(v.Rules, stanceOf(l, o, i, rule.Schedule.String()))
		}
	}
	return v
}
