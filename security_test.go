package sentrybox_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named finds a test that a page names: the folder of its package and its function, in a pair of
// backquotes.
var named = regexp.MustCompile("`([a-z0-9/_.-]+) ((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)`")

// testsOf returns the tests of a folder's package, those behind build tags too.
func testsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go")) // the pattern is good
	all := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				all[fn.Name.Name] = true
			}
		}
	}
	return all
}

// TestNamedTestsExist: what SECURITY.md and the README say is tested, is.
func TestNamedTestsExist(t *testing.T) {
	packages := map[string]map[string]bool{}
	for page, least := range map[string]int{"SECURITY.md": 40, "README.md": 0} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for i, line := range strings.Split(string(text), "\n") {
			for _, m := range named.FindAllStringSubmatch(line, -1) {
				found++
				if packages[m[1]] == nil {
					packages[m[1]] = testsOf(t, m[1])
				}
				if !packages[m[1]][m[2]] {
					t.Errorf("%s:%d: there is no %s in %s", page, i+1, m[2], m[1])
				}
			}
			if strings.HasPrefix(line, "| ") && page == "SECURITY.md" && threats(text, i) && !named.MatchString(line) && !strings.HasPrefix(line, "| threat") {
				t.Errorf("%s:%d: a threat without a test", page, i+1)
			}
		}
		if found < least {
			t.Errorf("%s names %d tests", page, found)
		}
	}
}

// threats says whether a line is below the heading Threats and above the next of its rank.
func threats(text []byte, line int) bool {
	within := false
	for i, l := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(l, "## ") {
			within = l == "## Threats"
		}
		if i == line {
			return within
		}
	}
	panic(fmt.Sprint("no line ", line))
}
