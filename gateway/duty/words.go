package duty

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/text"
)

// shown is an alert in words, as the page gets it. Times are Unix milliseconds.
type shown struct {
	ID       string   `json:"id"`
	Rev      int      `json:"rev"`
	Seq      int64    `json:"seq"`
	Incident string   `json:"incident"` // by which alerts belong together
	Kind     string   `json:"kind"`
	What     string   `json:"what"`
	Where    string   `json:"where"`
	Source   string   `json:"source"` // gateway and device
	Severity int      `json:"severity"`
	State    string   `json:"state"`
	Stands   string   `json:"stands"` // the state in words
	Open     bool     `json:"open"`
	Detected int64    `json:"detected"`
	Respond  int64    `json:"respond"`
	Handle   int64    `json:"handle"`
	Facts    []string `json:"facts"`
	Count    int      `json:"count"`  // how many times it was seen
	Raised   string   `json:"raised"` // why it went to the level above, in words
	Test     bool     `json:"test"`
	Gateway  string   `json:"gateway"` // its id, where the place does not tell
	By       string   `json:"by"`
	Note     string   `json:"note"`
	Thumb    bool     `json:"thumb"` // a picture is here
	Picture  *job     `json:"picture,omitempty"`
	CanPic   bool     `json:"canPicture,omitempty"`
	Clip     *job     `json:"clip,omitempty"`
	CanClip  bool     `json:"canClip"`
	Voice    *job     `json:"voice,omitempty"`
	CanVoice bool     `json:"canVoice,omitempty"`
	Pending  []said   `json:"pending"`
	Plan     *plan    `json:"plan,omitempty"`
	Offline  bool     `json:"offline"` // its gateway is not to be reached
}

// said is an answer that its gateway has not taken yet, or that came too late.
type said struct {
	ID     string `json:"id"`
	Action string `json:"action"`
	Text   string `json:"text"`
	At     int64  `json:"at"`
	Undo   int64  `json:"undo"` // until when it can be taken back
	Late   bool   `json:"late"`
}

type plan struct {
	Call  []config.Contact `json:"call"`
	Steps []string         `json:"steps"`
}

func (c *Console) words(card *ledger.Card, l text.Lang, gateways map[ledger.Gateway]ledger.State) shown {
	s := shown{
		ID: card.ID, Rev: card.Rev, Seq: card.Seq, Kind: card.Kind, What: what(card, l), Where: where(card, c.nameOf(card.Where, card.Device), l),
		Source: string(card.Where) + " " + card.Device, Severity: card.Severity, State: string(card.State),
		Stands: text.T(l, text.Key("alert."+string(card.State))), Open: card.Open() && card.State != "lost",
		Facts: facts(card, l), Count: card.Count, Test: card.Kind == "test", By: card.By, Note: card.Note, Thumb: card.Picture, Clip: c.clips.told(item{card.ID, video}, l),
		Pending: []said{},
	}
	if card.Escalated != "" {
		s.Raised = text.T(l, text.Key("duty.fact."+string(card.Escalated)))
	}
	if len(gateways) > 1 || card.Device == card.Gateway {
		s.Gateway = card.Gateway
	}
	s.Incident = incident(card)
	s.Detected, s.Respond, s.Handle = times(card)
	s.CanClip, s.CanVoice = slices.Contains(card.Evidence, video), slices.Contains(card.Evidence, voice)
	if s.CanVoice {
		s.Voice = c.clips.told(item{card.ID, voice}, l)
	}
	if s.CanPic = !card.Picture && slices.Contains(card.Evidence, picture); s.CanPic {
		s.Picture = c.clips.told(item{card.ID, picture}, l)
	}
	for _, a := range card.Answers {
		p := said{ID: a.ID, Action: a.Action, Text: text.T(l, text.Key("duty.said."+a.Action)), At: a.At.UnixMilli(), Late: a.Status == "late"}
		if a.Tries == 0 && (a.Action == "handled" || a.Action == "false") {
			p.Undo = a.At.Add(ledger.UndoWithin).UnixMilli()
		}
		s.Pending = append(s.Pending, p)
	}
	g, known := gateways[card.Where]
	s.Offline = known && g.State == "offline"
	s.Plan = planFor(g.Plans, card.Kind)
	return s
}

// clockWrong is how far a gateway that does not trust its clock may be from ours before ours is taken.
const clockWrong = 2 * time.Minute

// times says when an alert was detected and when its clocks run out, in Unix milliseconds. Those of a gateway
// whose clock is wrong are counted from when its alert was heard, since no countdown can go by them.
func times(card *ledger.Card) (detected, respond, handle int64) {
	move := time.Duration(0)
	if off := card.Heard.Sub(card.DetectedAt.Time); !card.ClockSynced && off.Abs() > clockWrong {
		move = off
	}
	at := func(t alert.Time, otherwise time.Duration) int64 {
		if t.IsZero() { // not said
			t.Time = card.DetectedAt.Add(otherwise)
		}
		return t.Add(move).UnixMilli()
	}
	return at(card.DetectedAt, 0), at(card.RespondBy, 5*time.Minute), at(card.HandleBy, 30*time.Minute)
}

// incident names what an alert belongs to. A gateway can only join alerts of its own.
func incident(card *ledger.Card) string {
	first := card.Incident
	if _, err := ulid.ParseStrict(first); err != nil {
		first = card.ID
	}
	return string(card.Where) + "/" + first
}

// what says in plain words what has happened.
func what(card *ledger.Card, l text.Lang) string {
	if card.Code != "" {
		return text.T(l, text.Key("system."+card.Code))
	}
	return text.Kind(l, card.Kind)
}

// where names the place from the large to the small, with what people call the device.
func where(card *ledger.Card, device string, l text.Lang) string {
	parts := []string{card.Community}
	if card.Grid != "" {
		parts = append(parts, text.T(l, "duty.grid", card.Grid))
	}
	for _, p := range []string{device, card.Zone, card.Place, card.Caller} {
		if p != "" && p != config.AllZones && (p != card.Gateway || card.Community == "") {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " · ")
}

// facts are what else is worth a word.
func facts(card *ledger.Card, l text.Lang) []string {
	all := []string{}
	add := func(yes bool, key text.Key, args ...any) {
		if yes {
			all = append(all, text.T(l, key, args...))
		}
	}
	add(card.Floor != "", "duty.fact.floor", card.Floor)
	add(card.Agitated, "duty.fact.agitated")
	if p := card.Position; p != nil {
		add(true, "duty.fact.position", p.Lat, p.Lon)
	}
	add(!card.ClockSynced, "duty.fact.clock")
	if card.Value != nil {
		add(true, "duty.fact.value", strings.TrimSpace(strconv.FormatFloat(*card.Value, 'g', 6, 64)+" "+card.Unit))
	}
	add(card.Text != "", "duty.fact.value", card.Text)
	add(!card.EndedAt.IsZero(), "duty.fact.ended")
	return all
}

// planFor returns what is to be done about a kind of alerts, nil if nobody has said.
func planFor(raw json.RawMessage, kind string) *plan {
	var all map[string]plan
	if len(raw) == 0 || json.Unmarshal(raw, &all) != nil {
		return nil
	}
	p, ok := all[kind]
	if !ok {
		p, ok = all["any"]
	}
	if !ok {
		return nil
	}
	return &p
}
