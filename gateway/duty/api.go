package duty

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/text"
)

// overview is all that the page shows of the present.
type overview struct {
	Now     int64      `json:"now"`
	Seq     int64      `json:"seq"`
	Brokers []standing `json:"brokers"`
	Lost    []standing `json:"lost"`   // gateways that are not to be reached
	Broken  []broken   `json:"broken"` // devices that have failed
	Known   int        `json:"known"`
	Open    int        `json:"open"` // all that are open, shown or not
	Person  string     `json:"person"`
	Cards   []shown    `json:"cards"`
}

// standing is how it stands with a broker or a gateway.
type standing struct {
	Name  string `json:"name"`
	Up    bool   `json:"up"`
	Since int64  `json:"since"`
	Why   string `json:"why,omitempty"`
}

func (c *Console) standings(ctx context.Context) (brokers, lost []standing, known map[ledger.Gateway]ledger.State, err error) {
	brokers, lost = []standing{}, []standing{}
	for _, f := range c.feeds {
		st := f.State()
		brokers = append(brokers, standing{st.Broker, st.Online, st.Since.UnixMilli(), st.Err})
	}
	all, err := c.ledger.Gateways(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	known = map[ledger.Gateway]ledger.State{}
	for _, g := range all {
		known[g.Path] = g
		if g.State == "offline" {
			lost = append(lost, standing{Name: c.place(g.Path), Since: g.Since.UnixMilli()})
		}
	}
	return brokers, lost, known, nil
}

// place names a gateway by where it is, from the large to the small, and its id.
func (c *Console) place(g ledger.Gateway) string {
	parts := strings.Split(strings.TrimPrefix(string(g), c.Config.Prefix+"/"), "/")
	last := len(parts) - 1
	return cleaned(strings.Join(parts[:last], " · ")+" ("+parts[last]+")", 3*maxName)
}

func (c *Console) look(ctx context.Context, a *asker) (*overview, error) {
	brokers, lost, known, err := c.standings(ctx)
	if err != nil {
		return nil, err
	}
	cards, open, seq, err := c.ledger.Open(ctx)
	if err != nil {
		return nil, err
	}
	o := &overview{Now: c.Now().UnixMilli(), Seq: seq, Brokers: brokers, Lost: lost, Broken: c.broken(known, a.lang), Known: len(known), Open: open, Person: a.Person, Cards: []shown{}}
	for i := range cards {
		o.Cards = append(o.Cards, c.words(&cards[i], a.lang, known))
	}
	return o, nil
}

func (c *Console) state(w http.ResponseWriter, r *http.Request, a *asker) error {
	o, err := c.look(r.Context(), a)
	if err != nil {
		return err
	}
	pages.WriteJSON(w, http.StatusOK, o)
	return nil
}

// cleaned makes what somebody has typed fit for a table and a page.
func cleaned(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return strings.TrimSpace(s)
}

func (c *Console) shift(w http.ResponseWriter, r *http.Request, a *asker) error {
	var ask struct {
		Person string `json:"person"`
	}
	if err := read(r, &ask); err != nil {
		return err
	}
	if !slices.Contains(c.Config.People, ask.Person) && ask.Person != a.Account {
		return &failure{http.StatusUnprocessableEntity, "duty.error.person"}
	}
	if err := c.ledger.Shift(r.Context(), a.Session, ask.Person); err != nil {
		return err
	}
	c.heard(0)
	pages.WriteJSON(w, http.StatusOK, map[string]string{"person": ask.Person})
	return nil
}

const (
	mostAnswers = 50 // alerts of one incident
	mostNote    = 200
)

// answer takes down what somebody says of an incident's alerts.
func (c *Console) answer(w http.ResponseWriter, r *http.Request, a *asker) error {
	var ask struct {
		Alerts []string `json:"alerts"`
		Action string   `json:"action"`
		Note   string   `json:"note"`
	}
	if err := read(r, &ask); err != nil {
		return err
	}
	if !slices.Contains([]string{"ack", "dispatch", "handled", "false", "note"}, ask.Action) || len(ask.Alerts) == 0 || len(ask.Alerts) > mostAnswers {
		return &failure{http.StatusBadRequest, "duty.error.request"}
	}
	ids := []string{}
	for _, id := range ask.Alerts {
		got, err := c.ledger.Say(r.Context(), ledger.Answer{Alert: id, Action: ask.Action, Who: a.who(), Note: cleaned(ask.Note, mostNote)})
		if err != nil {
			return err
		}
		if got != "" {
			ids = append(ids, got)
		}
	}
	if len(ids) == 0 { // one line, whatever the number of alerts
		if err := c.ledger.Audit(r.Context(), a.who(), "moot", ask.Alerts[0], ask.Action); err != nil {
			return err
		}
	}
	c.heard(0)
	pages.WriteJSON(w, http.StatusOK, map[string]any{"answers": ids})
	return nil
}

// undo takes answers back that have not been sent yet.
func (c *Console) undo(w http.ResponseWriter, r *http.Request, a *asker) error {
	var ask struct {
		Answers []string `json:"answers"`
	}
	if err := read(r, &ask); err != nil {
		return err
	}
	if len(ask.Answers) == 0 || len(ask.Answers) > mostAnswers {
		return &failure{http.StatusBadRequest, "duty.error.request"}
	}
	undone := 0
	for _, id := range ask.Answers {
		ok, err := c.ledger.Undo(r.Context(), id, a.who())
		if err != nil {
			return err
		}
		if ok {
			undone++
		}
	}
	c.heard(0)
	if undone == 0 {
		return &failure{http.StatusConflict, "duty.error.undo"}
	}
	pages.WriteJSON(w, http.StatusOK, map[string]int{"undone": undone})
	return nil
}

// filter reads what the page of the past asks for. Days are of the room's time zone.
func (c *Console) filter(r *http.Request) (f ledger.Filter) {
	q := r.URL.Query()
	f = ledger.Filter{Kind: q.Get("kind"), Device: q.Get("device"), State: q.Get("state"), Before: q.Get("before")}
	if g := q.Get("gateway"); g != "" {
		f.Gateway = ledger.Gateway(c.Config.Prefix + "/" + g)
	}
	if t, err := time.ParseInLocation(time.DateOnly, q.Get("from"), c.Config.Location()); err == nil {
		f.From = t
	}
	if t, err := time.ParseInLocation(time.DateOnly, q.Get("to"), c.Config.Location()); err == nil {
		f.To = t.AddDate(0, 0, 1)
	}
	f.Limit, _ = strconv.Atoi(q.Get("limit")) // none is the usual many
	return f
}

func (c *Console) past(w http.ResponseWriter, r *http.Request, a *asker) error {
	cards, err := c.ledger.Past(r.Context(), c.filter(r))
	if err != nil {
		return err
	}
	_, _, known, err := c.standings(r.Context())
	if err != nil {
		return err
	}
	all := []shown{}
	for i := range cards {
		all = append(all, c.words(&cards[i], a.lang, known))
	}
	pages.WriteJSON(w, http.StatusOK, map[string]any{"alerts": all})
	return nil
}

// event is a line of what has become of an alert, or several that follow each other and say the same.
// Times are Unix milliseconds.
type event struct {
	At    int64  `json:"at"`
	Last  int64  `json:"last"`  // when it was so for the last time
	Times int    `json:"times"` // how many there were, from 1
	What  string `json:"what"`
	Who   string `json:"who"`
	Note  string `json:"note"`
}

// inOrder sorts lines by time and makes one of those that follow each other and say the same: an alert
// that is seen again and again is told each time.
func inOrder(all []event) []event {
	slices.SortStableFunc(all, func(x, y event) int { return cmp.Compare(x.At, y.At) })
	out := []event{}
	for _, e := range all {
		e.Last, e.Times = e.At, 1
		if n := len(out) - 1; n >= 0 && out[n].What == e.What && out[n].Who == e.Who && out[n].Note == e.Note {
			out[n].Last = e.At
			out[n].Times++
			continue
		}
		out = append(out, e)
	}
	return out
}

func (c *Console) history(w http.ResponseWriter, r *http.Request, a *asker) error {
	id := r.PathValue("id")
	card, err := c.ledger.Alert(r.Context(), id)
	if err != nil {
		return err
	}
	steps, answers, err := c.ledger.History(r.Context(), id)
	if err != nil {
		return err
	}
	all := []event{}
	for _, s := range steps {
		what := text.T(a.lang, text.Key("alert."+string(s.State)))
		if s.Late != "" {
			what += " · " + text.T(a.lang, text.Key("duty.fact."+string(s.Late)))
		}
		all = append(all, event{At: s.At.UnixMilli(), What: what, Who: s.Who, Note: s.Note})
	}
	for _, s := range answers {
		all = append(all, event{At: s.At.UnixMilli(), What: text.T(a.lang, text.Key("duty.said."+s.Action)) + " · " + text.T(a.lang, text.Key("duty.answer."+s.Status)), Who: s.Who, Note: s.Note})
	}
	_, _, known, err := c.standings(r.Context())
	if err != nil {
		return err
	}
	pages.WriteJSON(w, http.StatusOK, map[string]any{"alert": c.words(&card, a.lang, known), "events": inOrder(all)})
	return nil
}

func (c *Console) thumb(w http.ResponseWriter, r *http.Request, _ *asker) error {
	jpeg, err := c.ledger.Picture(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Cache-Control", "private, max-age=86400, immutable")
	_, _ = w.Write(jpeg) // nobody is left to tell
	return nil
}
