package web

import (
	"cmp"
	"slices"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/text"
)

// grouped is an alert and what it belongs to.
type grouped struct {
	alert.Alert
	group    string
	incident bool
}

// byGroup puts alerts that belong together one after the other, each group where its first one was: those of an
// incident, or else of a grid, or else of a device.
func byGroup(all []alert.Alert) []grouped {
	roots := map[string]bool{}
	for i := range all {
		roots[all[i].Incident] = true
	}
	delete(roots, "")
	first, out := map[string]int{}, make([]grouped, len(all))
	for i, a := range all {
		g := grouped{Alert: a}
		root := cmp.Or(a.Incident, a.ID)
		switch g.incident = roots[root]; {
		case g.incident:
			g.group = "incident " + root
		case a.Grid != "":
			g.group = "grid " + a.Grid
		default:
			g.group = "device " + a.Device
		}
		if _, ok := first[g.group]; !ok {
			first[g.group] = i
		}
		out[i] = g
	}
	slices.SortStableFunc(out, func(a, b grouped) int { return cmp.Compare(first[a.group], first[b.group]) })
	return out
}

// groupWords says what a group of alerts is.
func groupWords(a *grouped, names map[string]string, l text.Lang) string {
	place := cmp.Or(names[a.Device], a.Device)
	if a.Grid != "" {
		place = text.T(l, "web.group.grid", a.Grid)
	}
	if a.incident {
		return text.T(l, "web.group.incident", place)
	}
	return place
}
