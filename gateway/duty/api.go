package duty

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/pages"
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
