package web

import (
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/text"
)

// scene is what is drawn into a camera's picture, and what to look for there.
// Coordinates are fractions of the picture.
type scene struct {
	ID      string           `json:"id"`
	Zones   []sceneZone      `json:"zones"`
	Privacy [][]wire.Point   `json:"privacy"`
	Heights []sceneHeight    `json:"heights"` // none, or two people, near and far
	Rules   []sceneRule      `json:"rules"`
	State   *Line            `json:"state,omitempty"`
	Kinds   []map[string]any `json:"kinds,omitempty"` // what there is to look for
}

type sceneZone struct {
	Name      string       `json:"name"`
	Polygon   []wire.Point `json:"polygon,omitempty"`
	Line      []wire.Point `json:"line,omitempty"`
	Direction string       `json:"direction,omitempty"` // of a line
	Floors    []sceneFloor `json:"floors,omitempty"`    // of a facade
}

type sceneFloor struct {
	Name string  `json:"name"`
	Y    float64 `json:"y"`
}

type sceneHeight struct {
	Head float64 `json:"head"`
	Foot float64 `json:"foot"`
}

// sceneRule is a rule as a person writes it: what is left out is as it is by default.
type sceneRule struct {
	Kind     string `json:"kind"`
	Zone     string `json:"zone"`
	After    string `json:"after,omitempty"`
	People   int    `json:"people,omitempty"`
	Schedule string `json:"schedule,omitempty"`
	Severity int    `json:"severity,omitempty"`
}

// running returns a camera of the configuration in use.
func (s *Server) running(id string) (*config.Camera, error) {
	cameras := s.Running().Cameras
	i := slices.IndexFunc(cameras, func(c config.Camera) bool { return c.ID == id })
	if i < 0 {
		return nil, problem(http.StatusNotFound, "web.error.nocamera")
	}
	return &cameras[i], nil
}

func (s *Server) cameraPage(w http.ResponseWriter, r *http.Request) {
	c, err := s.running(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, "camera", map[string]any{"ID": c.ID, "Watch": s.mayWatch(from(r), c.ID)})
}

func (s *Server) getScene(r *http.Request) (any, error) {
	c, err := s.running(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	l := from(r).lang
	out := scene{ID: c.ID, Zones: []sceneZone{}, Privacy: [][]wire.Point{}, Heights: []sceneHeight{}, Rules: []sceneRule{}}
	for name, z := range c.Zones {
		v := sceneZone{Name: name, Polygon: z.Polygon, Line: z.Line, Direction: string(z.Direction)}
		for _, f := range z.Floors {
			v.Floors = append(v.Floors, sceneFloor{f.Name, float64(f.Y)})
		}
		out.Zones = append(out.Zones, v)
	}
	slices.SortFunc(out.Zones, func(a, b sceneZone) int { return strings.Compare(a.Name, b.Name) })
	for _, p := range c.Privacy {
		out.Privacy = append(out.Privacy, p)
	}
	for _, h := range c.Heights {
		out.Heights = append(out.Heights, sceneHeight{float64(h.Head), float64(h.Foot)})
	}
	for _, rule := range c.Detect {
		out.Rules = append(out.Rules, ruleOf(rule))
	}
	for _, k := range wire.Built() {
		out.Kinds = append(out.Kinds, map[string]any{"kind": k, "text": text.Kind(l, string(k))})
	}
	st, err := s.look(r.Context())
	if i := slices.IndexFunc(st.Cameras, func(v Camera) bool { return v.ID == c.ID }); i >= 0 {
		line := cameraLine(&st.Cameras[i], l)
		out.State = &line
	}
	return out, err
}

// ruleOf writes a rule as a person would.
func ruleOf(rule config.Rule) sceneRule {
	rule = rule.Spare()
	v := sceneRule{Kind: string(rule.Kind), Zone: rule.Zone, People: rule.People, Schedule: rule.Schedule.String(), Severity: rule.Severity}
	if rule.After != 0 {
		v.After = rule.After.String()
	}
	return v
}

// planScene answers with what the file becomes when a camera's scene is another.
func (s *Server) planScene(r *http.Request) (any, error) {
	var in scene
	if err := read(r, &in); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	body, err := s.current(r)
	if err != nil {
		return nil, err
	}
	old, err := cameraOf(body, id)
	if err != nil {
		return nil, err
	}
	body, err = revision.Put(body, id, in.into(old))
	if err != nil {
		return nil, err
	}
	return s.plan(r, body)
}

// into puts the scene into a camera's entry. What is empty is left out.
func (sc *scene) into(f revision.Fields) revision.Fields {
	var zones yaml.MapSlice
	for _, z := range sc.Zones {
		var v yaml.MapSlice
		if len(z.Polygon) > 0 {
			v = append(v, yaml.MapItem{Key: "polygon", Value: points(z.Polygon)})
		}
		if len(z.Line) > 0 {
			v = append(v, yaml.MapItem{Key: "line", Value: points(z.Line)})
			if z.Direction != "" && z.Direction != string(wire.BothWays) {
				v = append(v, yaml.MapItem{Key: "direction", Value: z.Direction})
			}
		}
		var floors []any
		for _, fl := range z.Floors {
			floors = append(floors, yaml.MapSlice{{Key: "name", Value: fl.Name}, {Key: "y", Value: short(fl.Y)}})
		}
		if len(floors) > 0 {
			v = append(v, yaml.MapItem{Key: "floors", Value: floors})
		}
		zones = append(zones, yaml.MapItem{Key: z.Name, Value: v})
	}
	var privacy, heights, rules []any
	for _, p := range sc.Privacy {
		privacy = append(privacy, points(p))
	}
	for _, h := range sc.Heights {
		heights = append(heights, yaml.MapSlice{{Key: "head", Value: short(h.Head)}, {Key: "foot", Value: short(h.Foot)}})
	}
	for i := range sc.Rules {
		rules = append(rules, sc.Rules[i].fields())
	}
	f = set(f, "privacy", privacy, len(privacy))
	f = set(f, "zones", zones, len(zones))
	f = set(f, "heights", heights, len(heights))
	return set(f, "detect", rules, len(rules))
}

func set(f revision.Fields, key string, v any, n int) revision.Fields {
	if n == 0 {
		return f.Set(key, nil)
	}
	return f.Set(key, v)
}

func (r *sceneRule) fields() yaml.MapSlice {
	v := yaml.MapSlice{{Key: "kind", Value: r.Kind}}
	add := func(key string, value any, given bool) {
		if given {
			v = append(v, yaml.MapItem{Key: key, Value: value})
		}
	}
	add("zone", r.Zone, r.Zone != "" && r.Zone != config.AllZones)
	add("after", r.After, r.After != "")
	add("people", r.People, r.People != 0)
	add("schedule", r.Schedule, r.Schedule != "")
	add("severity", r.Severity, r.Severity != 0)
	return v
}

func points(all []wire.Point) []any {
	out := make([]any, len(all))
	for i, p := range all {
		out[i] = []any{short(p[0]), short(p[1])}
	}
	return out
}

// short leaves four digits: a tenth of a pixel is enough.
func short(v float64) float64 { return math.Round(v*1e4) / 1e4 }
