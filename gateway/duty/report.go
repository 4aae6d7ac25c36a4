package duty

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/text"
)

// period is what a report is about: of this quarter unless from and to (both included) say otherwise.
func (c *Console) period(r *http.Request) (from, to time.Time) {
	in := c.Config.Location()
	now := c.Now().In(in)
	from = time.Date(now.Year(), (now.Month()-1)/3*3+1, 1, 0, 0, 0, 0, in)
	to = time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, in)
	f := c.filter(r)
	if !f.From.IsZero() {
		from = f.From
	}
	if !f.To.IsZero() {
		to = f.To
	}
	return from, to
}

// sheet is a report in words.
type sheet struct {
	Room, From, To, Last, Made string
	Total, Open                int
	Severity                   [4]int
	Kinds, Places, False       []bar
	Shares                     []share
	Times                      []spread
	Days                       []day
	Hours                      []int
}

type bar struct {
	Name    string
	Count   int
	Percent int // of the longest, for the length of a bar
	Of      int
}

type share struct{ Name, Value, Detail string }

type spread struct {
	Name, Median, P90 string
	Count             int
}

type day struct {
	Name  string
	Cells []cell
}

// cell is an hour of the heat map: how many, and how dark from 0 to 5.
type cell struct{ Count, Shade int }

func (c *Console) sheet(rep *ledger.Report, l text.Lang) *sheet {
	in := c.Config.Location()
	s := &sheet{
		Room: c.Config.Name, From: rep.From.In(in).Format(time.DateOnly), To: rep.To.In(in).Format(time.DateOnly),
		Last: rep.To.In(in).AddDate(0, 0, -1).Format(time.DateOnly), Made: c.Now().In(in).Format("2006-01-02 15:04"),
		Total: rep.Total, Open: rep.Open, Severity: rep.Severity,
	}
	s.Kinds, s.Places, s.False = bars(rep.Kinds), bars(rep.Places), bars(rep.FalseAlarms)
	for i := range s.Kinds {
		s.Kinds[i].Name = text.Kind(l, s.Kinds[i].Name)
	}
	for _, all := range [][]bar{s.Places, s.False} {
		for i := range all {
			all[i].Name = c.placed(all[i].Name)
		}
	}
	for _, x := range []struct {
		key text.Key
		v   ledger.Share
	}{{"duty.report.responded", rep.Responded}, {"duty.report.handled", rep.HandledIn}, {"duty.report.passed", rep.PassedIn}} {
		value := "–"
		if p, ok := x.v.Percent(); ok {
			value = strconv.FormatFloat(p, 'f', 1, 64) + " %"
		}
		s.Shares = append(s.Shares, share{text.T(l, x.key), value, fmt.Sprintf("%d / %d", x.v.In, x.v.Of)})
	}
	for _, x := range []struct {
		key text.Key
		v   ledger.Spread
	}{{"duty.report.response", rep.Response}, {"duty.report.handling", rep.Handling}, {"duty.report.passing", rep.Passed}} {
		s.Times = append(s.Times, spread{text.T(l, x.key), lasting(x.v.Median, x.v.Count), lasting(x.v.P90, x.v.Count), x.v.Count})
	}
	s.heat(rep, l)
	return s
}

// placed names a device and where it is in people's words. The ledger writes street/community/gateway, a space and
// the device.
func (c *Console) placed(name string) string {
	n := strings.LastIndexByte(name, ' ')
	if n < 0 {
		return name
	}
	g := ledger.Gateway(c.Config.Prefix + "/" + name[:n])
	return c.place(g) + " · " + c.nameOf(g, name[n+1:])
}

func bars(all []ledger.Count) (out []bar) {
	for _, c := range all {
		out = append(out, bar{c.Name, c.Count, 100 * c.Count / max(all[0].Count, 1), c.Of})
	}
	return out
}

func lasting(d time.Duration, count int) string {
	if count == 0 {
		return "–"
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

func (s *sheet) heat(rep *ledger.Report, l text.Lang) {
	most := 1
	for _, d := range rep.Hours {
		for _, n := range d {
			most = max(most, n)
		}
	}
	for h := range 24 {
		s.Hours = append(s.Hours, h)
	}
	for i, name := range strings.Split(text.T(l, "duty.report.days"), " ") {
		d := day{Name: name}
		for _, n := range rep.Hours[i%7] {
			shade := 0
			if n > 0 {
				shade = 1 + 4*n/most
			}
			d.Cells = append(d.Cells, cell{n, min(shade, 5)})
		}
		s.Days = append(s.Days, d)
	}
}

func (c *Console) reportPage(w http.ResponseWriter, r *http.Request, a *asker) error {
	from, to := c.period(r)
	rep, err := c.ledger.Report(r.Context(), from, to, c.Config.Location())
	if err != nil {
		return err
	}
	c.show(w, r, a, http.StatusOK, "report", c.sheet(rep, a.lang))
	return nil
}

// mostRows bounds a CSV file.
const mostRows = 100_000

// reportCSV writes one line for each alert, as spreadsheets read it (RFC 4180, with a byte order mark,
// without which Chinese becomes garbage there).
func (c *Console) reportCSV(w http.ResponseWriter, r *http.Request, a *asker) error {
	f := ledger.Filter{Limit: 500}
	f.From, f.To = c.period(r)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="alerts.csv"`)
	_, _ = w.Write([]byte("\xEF\xBB\xBF")) // nobody is left to tell, here and below
	out := csv.NewWriter(w)
	defer out.Flush()
	_ = out.Write(strings.Split(text.T(a.lang, "duty.csv.head"), ","))
	for n := 0; n < mostRows; {
		cards, err := c.ledger.Past(r.Context(), f)
		if err != nil || len(cards) == 0 {
			return err
		}
		for i := range cards {
			_ = out.Write(c.csvRow(&cards[i], a.lang))
		}
		n += len(cards)
		f.Before = cards[len(cards)-1].ID
	}
	return nil
}

func (c *Console) csvRow(x *ledger.Card, l text.Lang) []string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(c.Config.Location()).Format("2006-01-02 15:04:05")
	}
	row := []string{
		x.ID, x.Street, x.Community, x.Gateway, x.Grid, x.Device, strings.Join(strings.Fields(x.Zone+" "+x.Place+" "+x.Caller), " "), what(x, l), strconv.Itoa(x.Severity),
		text.T(l, text.Key("alert."+string(x.State))), at(x.DetectedAt.Time), at(x.Heard), at(x.AcknowledgedAt.Time), at(x.HandledAt.Time), x.By, x.Note,
	}
	for i, v := range row {
		// A spreadsheet would take it for a formula.
		if v != "" && strings.ContainsAny(v[:1], "=+-@\t\r") {
			row[i] = "'" + v
		}
	}
	return row
}

// auditPage shows the newest lines of the audit log.
func (c *Console) auditPage(w http.ResponseWriter, r *http.Request, a *asker) error {
	entries, err := c.ledger.Log(r.Context(), 500)
	if err != nil {
		return err
	}
	type line struct{ At, Who, What, Alert, Detail string }
	var all []line
	for _, e := range entries {
		if said := text.Key("duty.said." + e.Detail); text.Has(said) {
			e.Detail = text.T(a.lang, said)
		}
		all = append(all, line{e.At.In(c.Config.Location()).Format("2006-01-02 15:04:05"), e.Who, text.T(a.lang, text.Key("duty.audit."+e.What)), e.Alert, e.Detail})
	}
	c.show(w, r, a, http.StatusOK, "audit", all)
	return nil
}
