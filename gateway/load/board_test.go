package load

import "testing"

// TestLimits: a board's limit goes before passive trip points, and holds where there are none.
func TestLimits(t *testing.T) {
	const z = "sys/class/thermal/thermal_zone0/"
	trips := func(temp string) map[string]string {
		return map[string]string{
			z + "type": "bigcore0-thermal", z + "temp": temp, z + "trip_point_0_type": "passive", z + "trip_point_0_temp": "75000",
			z + "trip_point_1_type": "critical", z + "trip_point_1_temp": "115000",
		}
	}
	limits := map[string]int{"bigcore0-thermal": 85, "cpu-thermal": 80}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"only the governor counts": {trips("76000"), ""},
		"at the limit":             {trips("85000"), "bigcore0-thermal is at 85 °C"},
		"no trip points, cool":     {map[string]string{z + "type": "cpu-thermal", z + "temp": "79999"}, ""},
		"no trip points, hot":      {map[string]string{z + "type": "cpu-thermal", z + "temp": "80600"}, "cpu-thermal is at 80 °C"},
		"another zone":             {map[string]string{z + "type": "gpu-thermal", z + "temp": "99000"}, ""},
	} {
		p := Probe{Root: tree(t, c.files), Limits: limits}
		if got := p.Hot(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
