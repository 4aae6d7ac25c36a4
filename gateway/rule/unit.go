package rule

import "strings"

// scale says how a unit relates to the base of its dimension: base = factor × v + offset.
type scale struct {
	dimension      string
	factor, offset float64
}

// units are those in which a technician may write what a profile measures in
// another, by the prefixes of the SI.
func unitScale(u string) (scale, bool) {
	s, ok := map[string]scale{
		"mm": {"length", 1e-3, 0}, "cm": {"length", 1e-2, 0}, "m": {"length", 1, 0}, "km": {"length", 1e3, 0},
		"°C": {"temperature", 1, 273.15}, "K": {"temperature", 1, 0}, "°F": {"temperature", 5.0 / 9, 459.67 * 5 / 9},
		"Pa": {"pressure", 1, 0}, "hPa": {"pressure", 100, 0}, "kPa": {"pressure", 1e3, 0}, "MPa": {"pressure", 1e6, 0}, "mbar": {"pressure", 100, 0}, "bar": {"pressure", 1e5, 0},
		"mV": {"voltage", 1e-3, 0}, "V": {"voltage", 1, 0}, "kV": {"voltage", 1e3, 0},
		"mA": {"current", 1e-3, 0}, "A": {"current", 1, 0},
		"mW": {"power", 1e-3, 0}, "W": {"power", 1, 0}, "kW": {"power", 1e3, 0},
		"Wh": {"energy", 1, 0}, "kWh": {"energy", 1e3, 0},
		"ms": {"time", 1e-3, 0}, "s": {"time", 1, 0}, "min": {"time", 60, 0}, "h": {"time", 3600, 0},
		"%": {"share", 1e-2, 0}, "ppm": {"share", 1e-6, 0}, "ppb": {"share", 1e-9, 0},
	}[canonical(u)]
	return s, ok
}

// canonical returns the spelling of a unit that the tables have.
func canonical(u string) string {
	u = strings.ReplaceAll(u, "μ", "µ")
	switch u {
	case "℃", "C", "degC", "度":
		return "°C"
	case "℉", "F", "degF":
		return "°F"
	case "米":
		return "m"
	case "厘米":
		return "cm"
	case "毫米":
		return "mm"
	case "％":
		return "%"
	}
	return u
}

// Convert returns v, which is in one unit, in another. It is false where the one
// does not measure what the other does.
func Convert(v float64, from, to string) (float64, bool) {
	if canonical(from) == canonical(to) {
		return v, true
	}
	f, okFrom := unitScale(from)
	t, okTo := unitScale(to)
	if !okFrom || !okTo || f.dimension != t.dimension {
		return 0, false
	}
	if f.dimension == "share" && f.factor == t.factor {
		return v, true
	}
	return (f.factor*v + f.offset - t.offset) / t.factor, true
}
