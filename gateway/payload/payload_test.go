package payload

import "testing"

func TestNumber(t *testing.T) {
	for in, want := range map[string]float64{"21.5": 21.5, " -3\n": -3, "1e3": 1000, "true": 1, "ON": 1, "open": 1, "False": 0, "off": 0, "closed": 0} {
		if got, ok := Number(in); !ok || got != want {
			t.Errorf("Number(%q) = %v, %v; want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "NaN", "inf", "1e999", "12 °C", "yes", "{}"} {
		if got, ok := Number(in); ok {
			t.Errorf("Number(%q) = %v, want none", in, got)
		}
	}
}
