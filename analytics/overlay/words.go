package overlay

import (
	"fmt"
	"strings"

	"sentrybox/analytics/wire"
)

// words returns an identifier as words.
func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// saidAs has the reasons that say more than their names.
func saidAs(why wire.Reason) string {
	switch why {
	case wire.TooYoung:
		return "too short a time"
	case wire.NoOutline:
		return "no outline of its own"
	case wire.NotMoved:
		return "goes nowhere"
	case wire.NotStraight:
		return "wanders to and fro"
	case wire.Restless:
		return "restless surroundings"
	case wire.NotPerson:
		return "not yet a person"
	case wire.NotMover:
		return "does not move about"
	case wire.Outside:
		return "outside the zone"
	case wire.NotWalked:
		return "has not walked"
	case wire.TooShort:
		return "not for long enough"
	case wire.NoOwner:
		return "nobody put it there"
	case wire.Unsettled:
		return "the picture settles"
	case wire.OnlyLight:
		return "only light"
	case wire.Indistinct:
		return "cannot be told from others"
	case wire.Unlikely:
		return "may be chance"
	case wire.Unsure:
		return "acceleration unsure"
	case wire.FromNowhere:
		return "began on the line"
	case wire.Low:
		return "does not fall far"
	case wire.Slow:
		return "too slow at its end"
	case wire.Steady:
		return "does not get faster"
	case wire.Up:
		return "rises"
	case wire.Company:
		return "others move alike"
	}
	return words(string(why))
}

// measure says what was measured, such as "in zone 18.4 of 30 s".
func measure(m wire.Measure) string {
	have, need, unit := m.Have, m.Need, ""
	form, most := "%.1f", false
	switch m.Of {
	case wire.AgeOf, wire.InZone, wire.Empty, wire.Away, wire.Alone, wire.LostFor, wire.Frozen:
		unit = " s"
	case wire.StillFor:
		unit, most = " s", true
	case wire.SeenIn, wire.OutlineNew, wire.Straightness, wire.RestlessPart, wire.BlocksLost:
		form, unit = "%.0f", " %"
		have, need = 100*have, 100*need
	case wire.Height:
		unit = " %"
		have, need = 100*have, 100*need
	case wire.Width, wire.TopSpeed:
		most = true
	case wire.Reach, wire.Walked:
		unit = " heights"
	case wire.Points, wire.Score:
		form = "%.0f"
	}
	s := words(string(m.Of)) + " " + fmt.Sprintf(form, have)
	switch {
	case need == 0:
		return s + unit
	case most:
		return s + unit + ", at most " + short(need) + unit
	}
	return s + " of " + short(need) + unit
}

// short writes a bound without zeros at its end.
func short(v float64) string {
	s := fmt.Sprintf("%.2f", v)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

func measures(all []wire.Measure) string {
	said := make([]string, len(all))
	for i, m := range all {
		said[i] = measure(m)
	}
	return strings.Join(said, ", ")
}
