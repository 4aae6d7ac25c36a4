package config

import (
	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
)

const maxFloors = 256 // the vision process has that limit too

// Floor says where a floor of a facade lies in the picture.
type Floor struct {
	Name string   `yaml:"name"`
	Y    Fraction `yaml:"y"` // from the top
}

// Fraction is a part of the picture's width or height, 0 to 1.
type Fraction float64

// DecodeNode reads a number from 0 to 1.
func (f *Fraction) DecodeNode(d *strict.Document, n ast.Node, path string) {
	v, ok := strict.Number(n)
	if !ok || v < 0 || v > 1 {
		d.Fault(path, "config.fraction")
		return
	}
	*f = Fraction(v)
}

// finishFloors checks that no two floors have a name or a height in common.
func (d *document) finishFloors(floors []Floor, path string) {
	if len(floors) > maxFloors {
		d.Fault(path, "config.many", len(floors), maxFloors)
		return
	}
	named, placed := map[string]string{}, map[Fraction]string{}
	for i, f := range floors {
		at := strict.Element(path, i)
		d.name(at+".name", f.Name, false)
		d.Required(at+".y", !d.Given(at+".y"))
		if !d.Sound(at+".name") || !d.Sound(at+".y") {
			continue
		}
		if other, twice := named[f.Name]; twice {
			d.Fault(at+".name", "config.floor.twice", d.Shown(at+".name", f.Name), other)
		}
		if other, twice := placed[f.Y]; twice {
			d.Fault(at+".y", "config.floor.same", other)
		}
		named[f.Name], placed[f.Y] = at, at
	}
}
