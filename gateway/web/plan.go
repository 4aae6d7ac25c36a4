package web

import (
	"net/http"
	"slices"

	"sentrybox/gateway/revision"
)

// forms is everything on the page of sensors as forms have it.
type forms struct {
	Base    string       `json:"base"`
	Buses   []busForm    `json:"buses"`
	Sensors []sensorForm `json:"sensors"`
	Outputs []outputForm `json:"outputs"`
	Rules   []ruleForm   `json:"rules"`
	ByHand  []string     `json:"by_hand"` // lists that are written so that forms cannot change them
	Local   bool         `json:"local"`   // the gateway has a broker of its own, for sensors without a bus
}

func (s *Server) getForms(r *http.Request) (any, error) {
	now, body, err := s.Care.Current(r.Context())
	if err != nil {
		return nil, err
	}
	out := forms{Base: now.Sum, ByHand: []string{}, Local: s.Running().Broker.Listen != ""}
	out.Buses = readForms[busForm](body, "buses", &out.ByHand)
	out.Sensors = readForms[sensorForm](body, "sensors", &out.ByHand)
	out.Outputs = readForms[outputForm](body, "outputs", &out.ByHand)
	out.Rules = readForms[ruleForm](body, "rules", &out.ByHand)
	return out, nil
}

// formOf is a pointer to a form.
type formOf[F any] interface {
	*F
	from(f revision.Fields)
	into(f revision.Fields) revision.Fields
}

func readForms[F any, P formOf[F]](body []byte, list string, byHand *[]string) []F {
	items, err := revision.Items(body, list)
	if err != nil {
		*byHand = append(*byHand, list)
	}
	all := make([]F, len(items))
	for i, f := range items {
		P(&all[i]).from(f)
	}
	return all
}

// itemChange is a change of an entry of a list.
type itemChange[F any] struct {
	Old  string `json:"old"`  // id of the one to change, empty for a new one
	Item *F     `json:"item"` // null to take it out
}

// The changes, by list, for who reads of them.
type (
	busChange    itemChange[busForm]
	sensorChange itemChange[sensorForm]
	outputChange itemChange[outputForm]
	ruleChange   itemChange[ruleForm]
)

// planItem makes a handler that answers with what the file becomes when an entry of a list is
// added, changed or removed: it is saved as any other change is, once somebody has seen it.
func planItem[F any, P formOf[F]](list string) func(*Server, *http.Request) (any, error) {
	return func(s *Server, r *http.Request) (any, error) {
		var in itemChange[F]
		if err := read(r, &in); err != nil {
			return nil, err
		}
		_, body, err := s.Care.Current(r.Context())
		if err != nil {
			return nil, err
		}
		var fields revision.Fields
		if in.Item != nil {
			old, err := itemOf(body, list, in.Old)
			if err != nil {
				return nil, err
			}
			fields = P(in.Item).into(old)
		} else if in.Old == "" {
			return nil, problem(http.StatusBadRequest, "web.error.json")
		}
		if body, err = revision.PutItem(body, list, in.Old, fields); err != nil {
			return nil, err
		}
		out, err := s.plan(r, body)
		if list == "buses" && in.Old == "" && len(out.Problems) > 0 {
			if settled, ok := s.settle(body); ok {
				return s.plan(r, settled)
			}
		}
		return out, err
	}
}

// itemOf returns an entry of a list, an empty one for no id.
func itemOf(body []byte, list, id string) (revision.Fields, error) {
	if id == "" {
		return nil, nil
	}
	all, err := revision.Items(body, list)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(f revision.Fields) bool { return f.Text("id") == id })
	if i < 0 {
		return nil, revision.ErrUnknown
	}
	return all[i], nil
}

// settle writes the buses of sensors and outputs that have left them out, since but one fitted: with
// another bus more may.
func (s *Server) settle(body []byte) ([]byte, bool) {
	buses, cfg := map[string]string{}, s.Running()
	for _, x := range cfg.Sensors {
		buses[x.ID] = x.Bus
	}
	for _, o := range cfg.Outputs {
		buses[o.ID] = o.Bus
	}
	changed := false
	for _, list := range []string{"sensors", "outputs"} {
		items, err := revision.Items(body, list)
		if err != nil {
			return nil, false
		}
		for _, f := range items {
			id := f.Text("id")
			if f.Text("bus") != "" || buses[id] == "" {
				continue
			}
			if body, err = revision.PutItem(body, list, id, f.Set("bus", buses[id])); err != nil {
				return nil, false
			}
			changed = true
		}
	}
	return body, changed
}
