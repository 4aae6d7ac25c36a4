package revision

import (
	"bytes"
	"strings"
)

// Change is a line of a comparison.
type Change struct {
	Op   string `json:"op"`            // "same", "gone" or "new", or "skip" for lines left out
	Old  int    `json:"old,omitempty"` // number of the line before, from 1
	New  int    `json:"new,omitempty"` // and after
	Text string `json:"text"`
	// Secret says that a new line has a secret that is not the one before.
	Secret bool `json:"secret,omitempty"`
}

const (
	aroundChange = 3         // lines shown around a change
	maxCells     = 4_000_000 // of the table: larger changes are shown as a whole
)

// Diff compares two texts by their lines: the longest common subsequence stays.
func Diff(before, after []byte) []Change {
	a, b := lines(before), lines(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var all []Change
	for i := range head {
		all = append(all, Change{Op: "same", Old: i + 1, New: i + 1, Text: a[i]})
	}
	all = append(all, middle(a[head:len(a)-tail], b[head:len(b)-tail], head)...)
	for i := len(a) - tail; i < len(a); i++ {
		all = append(all, Change{Op: "same", Old: i + 1, New: i + 1 + len(b) - len(a), Text: a[i]})
	}
	return fold(all)
}

func lines(text []byte) []string {
	s := string(bytes.TrimSuffix(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n")))
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// middle compares what differs at both ends. Line numbers begin after offset.
func middle(a, b []string, offset int) (all []Change) {
	i, j := 0, 0
	gone := func() { all = append(all, Change{Op: "gone", Old: offset + i + 1, Text: a[i]}); i++ }
	added := func() { all = append(all, Change{Op: "new", New: offset + j + 1, Text: b[j]}); j++ }
	if len(a)*len(b) <= maxCells {
		// longest[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
		longest := make([][]int32, len(a)+1)
		for x := range longest {
			longest[x] = make([]int32, len(b)+1)
		}
		for x := len(a) - 1; x >= 0; x-- {
			for y := len(b) - 1; y >= 0; y-- {
				if a[x] == b[y] {
					longest[x][y] = longest[x+1][y+1] + 1
				} else {
					longest[x][y] = max(longest[x+1][y], longest[x][y+1])
				}
			}
		}
		for i < len(a) && j < len(b) {
			switch {
			case a[i] == b[j]:
				all = append(all, Change{Op: "same", Old: offset + i + 1, New: offset + j + 1, Text: a[i]})
				i, j = i+1, j+1
			case longest[i+1][j] >= longest[i][j+1]:
				gone()
			default:
				added()
			}
		}
	}
	for i < len(a) {
		gone()
	}
	for j < len(b) {
		added()
	}
	return all
}

// fold leaves out what is the same far from a change.
func fold(all []Change) []Change {
	near := make([]bool, len(all))
	for i, c := range all {
		if c.Op == "same" {
			continue
		}
		for j := max(i-aroundChange, 0); j <= min(i+aroundChange, len(all)-1); j++ {
			near[j] = true
		}
	}
	out := []Change{}
	for i, c := range all {
		switch {
		case near[i]:
			out = append(out, c)
		case i == 0 || near[i-1]:
			out = append(out, Change{Op: "skip"})
		}
	}
	return out
}

// lineOf returns the number of the line with a key of the outermost mapping, 1 if
// it is not found.
func lineOf(body []byte, key string) int {
	for i, l := range lines(body) {
		if strings.HasPrefix(l, key+":") {
			return i + 1
		}
	}
	return 1
}
