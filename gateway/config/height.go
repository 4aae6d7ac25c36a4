package config

import "sentrybox/gateway/strict"

// Height is somebody drawn into the picture: how high their head and their feet
// are, from the top.
type Height struct {
	Head Fraction `yaml:"head"`
	Foot Fraction `yaml:"foot"`
}

// finishHeights checks that there are two people or none, at different heights.
func (d *document) finishHeights(people []Height, path string) {
	if len(people) == 0 {
		return
	}
	for i, p := range people {
		at := strict.Element(path, i)
		d.Required(at+".head", !d.Given(at+".head"))
		d.Required(at+".foot", !d.Given(at+".foot"))
		if d.Sound(at+".head") && d.Sound(at+".foot") && p.Head >= p.Foot {
			d.Fault(at+".head", "config.height.upright")
		}
	}
	switch {
	case len(people) != 2:
		d.Fault(path, "config.heights.two", len(people))
	case d.Sound(path) && people[0].Foot == people[1].Foot:
		d.Fault(path, "config.heights.same")
	}
}
