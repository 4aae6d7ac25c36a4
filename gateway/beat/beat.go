// Package beat lets what is done again and again be done at the same moments by all, so
// that the program is woken once for all of it: to be woken is most of what an idle
// gateway costs.
package beat

import "time"

// Until returns the time from now to the next multiple of every on the wall clock, above 0 and
// at most every. After a step of the clock it is another one.
func Until(now time.Time, every time.Duration) time.Duration {
	past := time.Duration(now.UnixNano() % int64(every))
	if past < 0 { // before 1970
		past += every
	}
	return every - past
}
