package duty

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/text"
)

// whence is a gateway that alerts may be looked for by.
type whence struct{ Path, Name string }

// historyPage shows the page of the past, which asks for alerts by itself.
func (c *Console) historyPage(w http.ResponseWriter, r *http.Request, a *asker) error {
	known, err := c.ledger.Gateways(r.Context())
	if err != nil {
		return err
	}
	all := []whence{}
	for _, g := range known {
		all = append(all, whence{strings.TrimPrefix(string(g.Path), c.Config.Prefix+"/"), c.place(g.Path)})
	}
	c.show(w, r, a, http.StatusOK, "history", all)
	return nil
}

// filter reads what the page of the past asks for. Days are of the room's time zone.
func (c *Console) filter(r *http.Request) (f ledger.Filter) {
	q := r.URL.Query()
	f = ledger.Filter{Kind: q.Get("kind"), Device: cleaned(q.Get("device"), maxName), State: q.Get("state"), Before: q.Get("before")}
	f.Named = c.named(f.Device)
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
