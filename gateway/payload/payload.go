// Package payload reads what simple sensors publish at the box's own broker: a number, or a word for one.
package payload

import (
	"math"
	"strconv"
	"strings"
)

// Number returns the number that a payload is. True, on and open are 1, false, off and closed 0, in upper or
// lower case; white space around it does not count. It is false if the payload is neither, or not finite.
func Number(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	switch strings.ToLower(s) {
	case "true", "on", "open":
		return 1, true
	case "false", "off", "closed":
		return 0, true
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
