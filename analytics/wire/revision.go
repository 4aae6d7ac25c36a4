package wire

import "slices"

// Revision says what a process that runs looks for from here on. The answer is a message of the type
// TypeRevised: detections and overlays before it have indices into the rules of before.
type Revision struct {
	Zones   []Zone   `json:"zones"`
	Figures []Figure `json:"figures,omitempty"`
	Rules   []Rule   `json:"rules"`
	Armed   []bool   `json:"armed"` // a rule each
}

// Revision returns what of a configuration can change while a process runs.
func (c *Config) Revision() *Revision {
	return &Revision{Zones: c.Zones, Figures: c.Figures, Rules: c.Rules, Armed: c.Armed}
}

// Revised returns the configuration after a revision, for the caller to validate.
func (c *Config) Revised(r *Revision) *Config {
	to := *c
	to.Zones, to.Figures, to.Rules, to.Armed = r.Zones, r.Figures, r.Rules, r.Armed
	return &to
}

// Kept says of each rule which one of an older configuration it goes on with, -1 for none: one that looks
// for the same in the same place, whatever their After. No two go on with the same. Both configurations are valid.
func (c *Config) Kept(old *Config) []int {
	kept := make([]int, len(c.Rules))
	for i := range kept {
		kept[i] = -1
	}
	for _, alike := range []bool{true, false} { // those that are wholly alike first
		for i, r := range c.Rules {
			for j, o := range old.Rules {
				if kept[i] < 0 && !slices.Contains(kept, j) && (o.After == r.After || !alike) && c.goesOn(r, old, o) {
					kept[i] = j
				}
			}
		}
	}
	return kept
}

// goesOn says whether two rules differ in nothing but their After and a zone's floors, which what is going on does not
// depend on.
func (c *Config) goesOn(r Rule, old *Config, o Rule) bool {
	if o.Kind != r.Kind || o.Zone != r.Zone || o.People != r.People || o.Direction != r.Direction {
		return false
	}
	a, b := c.zone(r.Zone), old.zone(o.Zone)
	return slices.Equal(a.Polygon, b.Polygon) && slices.Equal(a.Line, b.Line)
}

// zone returns the zone of a name, an empty one if there is none.
func (c *Config) zone(name string) Zone {
	if i := slices.IndexFunc(c.Zones, func(z Zone) bool { return z.Name == name }); i >= 0 {
		return c.Zones[i]
	}
	return Zone{}
}
