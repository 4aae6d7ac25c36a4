package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"sentrybox/gateway/revision"
)

// settings is what a site needs besides its cameras, as a form has it.
type settings struct {
	ID        string           `json:"id"`
	Street    string           `json:"street"`
	Community string           `json:"community"`
	Timezone  string           `json:"timezone"`
	Uplinks   []uplinkSettings `json:"uplinks"`
}

// uplinkSettings is a broker. The password is never sent to a browser.
type uplinkSettings struct {
	Old         int    `json:"old"` // which of the file it is, from 1; 0 for a new one
	Name        string `json:"name"`
	Address     string `json:"address"` // mqtt:// or mqtts:// without user and password
	User        string `json:"user"`
	Password    string `json:"password"` // empty: as it was
	HasPassword bool   `json:"has_password,omitempty"`
	CA          string `json:"ca"`
	// Cert and Key are the gateway's own certificate and its key; null or absent in a change: as they were.
	Cert *string `json:"cert,omitempty"`
	Key  *string `json:"key,omitempty"`
	// CAText and CertText say what they are; passed over in a change.
	CAText   string `json:"ca_text,omitempty"`
	CertText string `json:"cert_text,omitempty"`
	Month    string `json:"month"`           // bytes a month, such as 2GiB; empty: as many as it takes
	State    *Line  `json:"state,omitempty"` // whether it answers; passed over in a change
}

func uplinksOf(body []byte) (section revision.Fields, all []revision.Fields, err error) {
	if section, err = revision.Section(body, "uplink"); err != nil {
		return nil, nil, err
	}
	list, ok := section.Get("mqtt").([]any)
	if !ok && section.Get("mqtt") != nil {
		return nil, nil, revision.ErrByHand
	}
	for _, e := range list {
		m, ok := e.(yaml.MapSlice)
		if !ok {
			return nil, nil, revision.ErrByHand
		}
		all = append(all, revision.Fields(m))
	}
	return section, all, nil
}

func (s *Server) getSettings(r *http.Request) (any, error) {
	body, err := s.current(r)
	if err != nil {
		return nil, err
	}
	g, err := revision.Section(body, "gateway")
	if err != nil {
		return nil, err
	}
	out := settings{ID: g.Text("id"), Street: g.Text("street"), Community: g.Text("community"), Timezone: g.Text("timezone"), Uplinks: []uplinkSettings{}}
	_, uplinks, err := uplinksOf(body)
	if err != nil {
		return nil, err
	}
	st, err := s.look(r.Context())
	if err != nil {
		return nil, err
	}
	states := uplinkLines(&st, from(r).lang)
	for i, u := range uplinks {
		v := uplinkSettings{Old: i + 1, Name: u.Text("name")}
		s.certificatesOf(r, u, &v)
		var user, password string
		v.Address, user, password = apart(u.Text("url"))
		v.User, v.HasPassword = unescape(user), password != "" || u.Text("password") != "" || u.Text("password_file") != ""
		if v.User == "" {
			v.User = u.Text("username")
		}
		if b, ok := u.Get("budget").(yaml.MapSlice); ok {
			v.Month = revision.Fields(b).Text("month")
		}
		name := cmp.Or(v.Name, fmt.Sprintf("mqtt-%d", i+1)) // as config.Uplink.NameOf
		if at := slices.IndexFunc(states, func(l Line) bool { return l.ID == name }); at >= 0 {
			v.State = &states[at]
		}
		out.Uplinks = append(out.Uplinks, v)
	}
	return out, err
}

// planSettings answers with what the file becomes with other settings.
func (s *Server) planSettings(r *http.Request) (any, error) {
	var in settings
	if err := read(r, &in); err != nil {
		return nil, err
	}
	body, err := s.current(r)
	if err != nil {
		return nil, err
	}
	g, err := revision.Section(body, "gateway")
	if err != nil {
		return nil, err
	}
	trim := strings.TrimSpace
	same := g.Text("id") == trim(in.ID) && g.Text("street") == trim(in.Street) && g.Text("community") == trim(in.Community) && g.Text("timezone") == trim(in.Timezone)
	if !same {
		g = g.Set("id", trim(in.ID)).Set("street", trim(in.Street)).Set("community", trim(in.Community)).Set("timezone", trim(in.Timezone))
		if body, err = revision.PutSection(body, "gateway", g); err != nil {
			return nil, err
		}
	}
	section, uplinks, err := uplinksOf(body)
	if err != nil {
		return nil, err
	}
	var list []any
	for i := range in.Uplinks {
		u, old := &in.Uplinks[i], revision.Fields(nil)
		if u.Old > len(uplinks) || u.Old < 0 {
			return nil, problem(http.StatusBadRequest, "web.error.json")
		}
		if u.Old > 0 {
			old = uplinks[u.Old-1]
		}
		list = append(list, yaml.MapSlice(u.into(old)))
	}
	section = section.Set("mqtt", list)
	if len(list) == 0 {
		section = section.Set("mqtt", []any{})
	}
	if body, err = revision.PutSection(body, "uplink", section); err != nil {
		return nil, err
	}
	return s.plan(r, body)
}

// into puts a form into a broker's entry. A user and password that stand in the
// address move to fields of their own when they change.
func (u *uplinkSettings) into(f revision.Fields) revision.Fields {
	_, user, password := apart(f.Text("url"))
	trim := strings.TrimSpace
	f = f.Set("name", trim(u.Name)).Set("ca", trim(u.CA))
	if u.Cert != nil {
		f = f.Set("cert", trim(*u.Cert))
	}
	if u.Key != nil {
		f = f.Set("key", trim(*u.Key))
	}
	budget, _ := f.Get("budget").(yaml.MapSlice)
	b := revision.Fields(budget).Set("month", trim(u.Month))
	if f = f.Set("budget", nil); len(b) > 0 {
		f = f.Set("budget", yaml.MapSlice(b))
	}
	if u.Password == "" && user != "" && unescape(user) == trim(u.User) {
		return f.Set("url", together(trim(u.Address), user, password))
	}
	f = f.Set("url", trim(u.Address)).Set("username", trim(u.User))
	switch {
	case u.Password != "":
		f = f.Set("password", strings.ReplaceAll(u.Password, "${", "$${")).Set("password_file", nil)
	case trim(u.User) == "":
		f = f.Set("password", nil).Set("password_file", nil)
	case password != "":
		f = f.Set("password", unescape(password))
	}
	return f
}
