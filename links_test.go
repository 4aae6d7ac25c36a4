package sentrybox_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]+))?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	script  = regexp.MustCompile("`(hack/[a-z0-9-]+)")
	noWord  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks: what a page links to is there, file and heading, and so are the scripts that it tells people to run.
func TestLinks(t *testing.T) {
	pages, _ := filepath.Glob("*.md") // the patterns are good
	more, _ := filepath.Glob("*/*.md")
	if pages = append(pages, more...); len(pages) < 5 {
		t.Fatalf("only %q are pages", pages)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
			}
			there, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s: %s is not there", page, target)
			} else if m[2] != "" && !anchored(string(there), m[2]) {
				t.Errorf("%s: %s has no heading %s", page, target, m[2])
			}
		}
		for _, m := range script.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// anchored says whether a page has a heading that the anchor leads to, as GitHub and Forgejo name them.
func anchored(text, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(noWord.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}
