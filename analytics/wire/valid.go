package wire

import (
	"errors"
	"fmt"
	"slices"
)

// Validate checks what a vision process is asked to run.
func (c *Config) Validate() error {
	switch {
	case c.Version != Version:
		return fmt.Errorf("config: protocol version %d, this program speaks %d: install both programs from one build", c.Version, Version)
	case len(c.Zones) > maxZones:
		return fmt.Errorf("config: %d zones, at most %d", len(c.Zones), maxZones)
	case len(c.Rules) > maxRules:
		return fmt.Errorf("config: %d rules, at most %d", len(c.Rules), maxRules)
	case c.Thumbnail < 0 || c.Thumbnail > MaxThumbnail:
		return fmt.Errorf("config: thumbnails of %d bytes, at most %d", c.Thumbnail, MaxThumbnail)
	case len(c.Armed) != len(c.Rules):
		return fmt.Errorf("config: %d rules but %d armed", len(c.Rules), len(c.Armed))
	}
	names, lines := make(map[string]bool, len(c.Zones)), make(map[string]bool)
	for i, z := range c.Zones {
		if names[z.Name] {
			return fmt.Errorf("config: zone %q twice", z.Name)
		}
		names[z.Name] = true
		if err := z.validate(); err != nil {
			return fmt.Errorf("config: zones[%d]: %w", i, err)
		}
		if err := validFloors(z.Floors); err != nil {
			return fmt.Errorf("config: zones[%d]: %w", i, err)
		}
		lines[z.Name] = len(z.Line) > 0
	}
	for i, p := range c.Privacy {
		if err := validPolygon(p); err != nil {
			return fmt.Errorf("config: privacy[%d]: %w", i, err)
		}
	}
	if c.Detector != nil {
		if err := c.Detector.validate(); err != nil {
			return fmt.Errorf("config: detector: %w", err)
		}
	}
	if err := validFigures(c.Figures); err != nil {
		return fmt.Errorf("config: figures: %w", err)
	}
	for i, r := range c.Rules {
		if !names[r.Zone] {
			return fmt.Errorf("config: rules[%d]: no zone %q", i, r.Zone)
		}
		if lines[r.Zone] != (r.Kind == LineCrossing) {
			return fmt.Errorf("config: rules[%d]: %s in zone %q, which is drawn as a line: %v", i, r.Kind, r.Zone, lines[r.Zone])
		}
		if r.Direction != "" && (r.Kind != LineCrossing || !slices.Contains(Directions(), r.Direction)) {
			return fmt.Errorf("config: rules[%d]: direction %q", i, r.Direction)
		}
		if !(r.After >= 0 && r.After <= 7*24*3600) || r.People < 0 || r.People > maxPeople {
			return fmt.Errorf("config: rules[%d]: after %v, people %d", i, r.After, r.People)
		}
	}
	return nil
}

func (z *Zone) validate() error {
	if len(z.Line) == 0 {
		return validPolygon(z.Polygon)
	}
	if len(z.Polygon) > 0 {
		return errors.New("both a polygon and a line")
	}
	if len(z.Line) < 2 || len(z.Line) > maxLinePoints {
		return fmt.Errorf("%d points, a line has 2 to %d", len(z.Line), maxLinePoints)
	}
	for i := range len(z.Line) - 1 {
		if z.Line[i] == z.Line[i+1] {
			return fmt.Errorf("point %v of the line twice", z.Line[i])
		}
	}
	return validPoints(z.Line)
}

func validFloors(floors []Floor) error {
	if len(floors) > maxFloors {
		return fmt.Errorf("%d floors, at most %d", len(floors), maxFloors)
	}
	names := make(map[string]bool, len(floors))
	for _, f := range floors {
		if f.Name == "" || names[f.Name] || !(f.Y >= 0 && f.Y <= 1) {
			return fmt.Errorf("floor %q at %v: without a name, there twice, or outside the picture", f.Name, f.Y)
		}
		names[f.Name] = true
	}
	return nil
}

func validFigures(p []Figure) error {
	if len(p) == 0 {
		return nil
	}
	if len(p) != 2 || p[0].Foot == p[1].Foot {
		return fmt.Errorf("%d people, it takes two who stand at different heights of the picture", len(p))
	}
	for _, q := range p {
		if !(q.Head >= 0 && q.Head < q.Foot && q.Foot <= 1) {
			return fmt.Errorf("a person from %v to %v", q.Head, q.Foot)
		}
	}
	return nil
}

func validPolygon(p []Point) error {
	if len(p) < 3 || len(p) > maxPoints {
		return fmt.Errorf("%d points, a polygon has 3 to %d", len(p), maxPoints)
	}
	return validPoints(p)
}

func validPoints(p []Point) error {
	for _, q := range p {
		for _, v := range q {
			if !(v >= 0 && v <= 1) {
				return fmt.Errorf("point %v outside the picture", q)
			}
		}
	}
	return nil
}
