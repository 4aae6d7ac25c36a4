package alert

import (
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"老\"王\\": "老?王?", "a\nb": "a?b", strings.Repeat("王", 20): strings.Repeat("王", 16), "\xff": "?", "": "", "\u202eabc": "?abc",
	} {
		if got := Printable(in, 48); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}
