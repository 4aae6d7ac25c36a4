package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/text"
)

// unitForm names who calls by a radio.
type unitForm struct {
	Unit  string `json:"unit"` // what it is on the air or the line
	Name  string `json:"name"` // empty: it is forgotten
	Grid  string `json:"grid"`
	Place string `json:"place"`
}

// radioListOf returns the list of the file that a radio is in, which are two, and its entry.
func radioListOf(body []byte, id string) (list string, f revision.Fields, err error) {
	for _, list := range []string{"radios", "intercoms"} {
		if f, err = itemOf(body, list, id); err == nil {
			return list, f, nil
		}
	}
	return "", nil, err
}

// planUnit answers with what the file becomes when a unit of a radio is named.
func (s *Server) planUnit(r *http.Request) (any, error) {
	var in unitForm
	if err := read(r, &in); err != nil {
		return nil, err
	}
	_, body, err := s.Care.Current(r.Context())
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	list, f, err := radioListOf(body, id)
	if err != nil {
		return nil, err
	}
	trim := strings.TrimSpace
	if trim(in.Unit) == "" {
		return nil, problem(http.StatusBadRequest, "web.error.json")
	}
	units, ok := f.Get("units").(yaml.MapSlice)
	if !ok && f.Get("units") != nil {
		return nil, revision.ErrByHand
	}
	entry := revision.Fields(nil).Set("name", trim(in.Name)).Set("grid", trim(in.Grid)).Set("place", trim(in.Place))
	f = setMember(f, "units", units, trim(in.Unit), entry, trim(in.Name) == "")
	return s.planFields(r, body, list, id, f)
}

// setMember puts an entry into a mapping within another, or takes it out.
func setMember(f revision.Fields, key string, all yaml.MapSlice, name string, entry revision.Fields, gone bool) revision.Fields {
	all = slices.Clone(all)
	i := slices.IndexFunc(all, func(m yaml.MapItem) bool { return fmt.Sprint(m.Key) == name })
	switch {
	case gone && i >= 0:
		all = slices.Delete(all, i, i+1)
	case gone:
	case i >= 0:
		all[i].Value = yaml.MapSlice(entry)
	default:
		all = append(all, yaml.MapItem{Key: name, Value: yaml.MapSlice(entry)})
	}
	if len(all) == 0 {
		return f.Set(key, nil)
	}
	return f.Set(key, all)
}

// planFields answers with what the file becomes with an entry of a list written anew.
func (s *Server) planFields(r *http.Request, body []byte, list, old string, f revision.Fields) (any, error) {
	body, err := revision.PutItem(body, list, old, f)
	if err != nil {
		return nil, err
	}
	return s.plan(r, body)
}

// radioForm is a new radio or intercom, as far as a form goes: what is rare is written as YAML.
type radioForm struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Grid     string `json:"grid"`
	Driver   string `json:"driver"`   // homebrew, mmdvm, analogue, sip, isapi or onvif
	Where    string `json:"where"`    // where it listens, its broker, its sound card, or its address without user and password
	User     string `json:"user"`     // mmdvm, isapi, onvif
	Password string `json:"password"` // of the repeater, the broker, the device or the station
	Station  string `json:"station"`  // homebrew: id of the repeater; sip: user of the station; mmdvm: the name of MMDVMHost
	Title    string `json:"title"`    // sip and homebrew: what people call the station
	Place    string `json:"place"`    // sip, isapi and onvif
	Tones    string `json:"tones"`    // analogue: dtmf, mdc1200, zvei1 and so on, with commas
	Codes    string `json:"codes"`    // analogue: digits that are alerts, with commas
	Phone    string `json:"phone"`    // sip: the duty room's, number@address
}

// driversOfRadios are the kinds that the form knows.
func driversOfRadios() []string {
	return []string{"homebrew", "mmdvm", "analogue", "sip", "isapi", "onvif"}
}

// planRadio answers with what the file becomes with a radio or an intercom added, or removed.
func (s *Server) planRadio(r *http.Request) (any, error) {
	var in radioChange
	if err := read(r, &in); err != nil {
		return nil, err
	}
	_, body, err := s.Care.Current(r.Context())
	if err != nil {
		return nil, err
	}
	if in.YAML != "" {
		return s.planYAML(r, body, in.YAML)
	}
	if in.Item == nil {
		list, _, err := radioListOf(body, in.Old)
		if err != nil || in.Old == "" {
			return nil, problem(http.StatusNotFound, "web.error.missing")
		}
		return s.planFields(r, body, list, in.Old, nil)
	}
	list := "radios"
	if slices.Contains([]string{"sip", "isapi", "onvif"}, in.Item.Driver) {
		list = "intercoms"
	}
	return s.planFields(r, body, list, "", in.Item.fields())
}

// radioChange is a new radio, by a form or as YAML, or the id of one to take out.
type radioChange struct {
	Old  string     `json:"old"`
	Item *radioForm `json:"item"` // null to take it out
	YAML string     `json:"yaml"` // in its place: a list as it stands below radios
}

// guideView is a guide to a radio or an intercom.
type guideView struct {
	ID     string   `json:"id"`
	ZH     string   `json:"zh"`
	EN     string   `json:"en"`
	Kind   string   `json:"kind"` // hotspot, repeater, base, set or intercom
	Models []string `json:"models"`
	Steps  []string `json:"steps"`
	YAML   string   `json:"yaml"` // what stands below radios for it
}

type guideList struct {
	Guides []guideView `json:"guides"`
}

// listGuides answers with how radios and intercoms are set up.
func (s *Server) listGuides(r *http.Request) (any, error) {
	ids, err := profile.GuideIDs()
	if err != nil {
		return nil, err
	}
	l, all := from(r).lang, []guideView{}
	for _, id := range ids {
		g, err := profile.GetGuide(id)
		if err != nil {
			s.Log.Warn("a guide cannot be used", "guide", id, "error", err)
			continue
		}
		v := guideView{ID: g.ID, ZH: g.Name.In(text.Chinese), EN: g.Name.In(text.English), Kind: g.Kind, Models: g.Models, Steps: []string{}, YAML: g.Config}
		for _, step := range g.Steps {
			v.Steps = append(v.Steps, step.In(l))
		}
		all = append(all, v)
	}
	return guideList{all}, nil
}

// planYAML answers with what the file becomes with radios that are written as YAML.
func (s *Server) planYAML(r *http.Request, body []byte, written string) (any, error) {
	var lines strings.Builder
	lines.WriteString("radios:\n")
	for line := range strings.Lines(written) {
		lines.WriteString("  " + line)
	}
	items, err := revision.Items([]byte(lines.String()), "radios")
	if err != nil || len(items) == 0 {
		return nil, problem(http.StatusUnprocessableEntity, "rd.error.yaml")
	}
	for _, f := range items[:len(items)-1] {
		if body, err = revision.PutItem(body, "radios", "", f); err != nil {
			return nil, err
		}
	}
	return s.planFields(r, body, "radios", "", items[len(items)-1])
}

// fields is the entry of a new radio.
func (x *radioForm) fields() revision.Fields {
	for _, s := range []*string{&x.ID, &x.Name, &x.Grid, &x.Where, &x.User, &x.Station, &x.Title, &x.Place, &x.Phone} {
		*s = strings.TrimSpace(*s)
	}
	f := revision.Fields(nil).Set("id", x.ID).Set("name", x.Name).Set("grid", x.Grid)
	password := strings.ReplaceAll(x.Password, "${", "$${")
	var d revision.Fields
	switch x.Driver {
	case "homebrew":
		d = setMember(d.Set("listen", x.Where), "repeaters", nil, x.Station, revision.Fields(nil).Set("name", x.Title).Set("password", password), x.Station == "")
	case "mmdvm":
		d = d.Set("broker", x.Where).Set("name", x.Station).Set("username", x.User).Set("password", password)
	case "analogue":
		d = d.Set("alsa", x.Where)
		d = set(d, "tones", split(x.Tones), len(split(x.Tones)))
		d = set(d, "codes", split(x.Codes), len(split(x.Codes)))
	case "sip":
		station := revision.Fields(nil).Set("name", x.Title).Set("place", x.Place).Set("grid", x.Grid).Set("password", password)
		d = setMember(d.Set("listen", x.Where), "stations", nil, x.Station, station, x.Station == "")
		if number, address, ok := strings.Cut(x.Phone, "@"); ok {
			d = d.Set("phones", []any{yaml.MapSlice{{Key: "number", Value: number}, {Key: "address", Value: address}}})
		}
	case "isapi", "onvif":
		d = d.Set("url", together(x.Where, escape(x.User), escape(x.Password))).Set("place", x.Place)
	default:
		return f // the check says what is needed
	}
	if d == nil {
		d = revision.Fields{}
	}
	return f.Set(x.Driver, yaml.MapSlice(d))
}

func split(s string) (all []any) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
