package config

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
		at := element(path, i)
		d.required(at+".head", !d.given(at+".head"))
		d.required(at+".foot", !d.given(at+".foot"))
		if d.sound(at+".head") && d.sound(at+".foot") && p.Head >= p.Foot {
			d.fault(at+".head", "config.height.upright")
		}
	}
	switch {
	case len(people) != 2:
		d.fault(path, "config.heights.two", len(people))
	case d.sound(path) && people[0].Foot == people[1].Foot:
		d.fault(path, "config.heights.same")
	}
}
