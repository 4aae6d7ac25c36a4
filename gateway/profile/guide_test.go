package profile

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

func TestGuides(t *testing.T) {
	ids, err := GuideIDs()
	if err != nil || len(ids) < 3 {
		t.Fatalf("%q, %v", ids, err)
	}
	for _, id := range ids {
		g, err := GetGuide(id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if g.ID != id || len(g.Models) == 0 {
			t.Errorf("%s: %+v", id, g)
		}
		for _, s := range g.Steps {
			if s.In(text.Chinese) == s.In(text.English) {
				t.Errorf("%s: one language only: %s", id, s.EN)
			}
		}
		for _, s := range g.Source {
			if s.Title == "" || !strings.HasPrefix(s.URL, "https://") {
				t.Errorf("%s: source %+v", id, s)
			}
		}
	}
	for _, id := range []string{"none", "../cameras/axis", ""} {
		if g, err := GetGuide(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, %v", id, g, err)
		}
	}
}
