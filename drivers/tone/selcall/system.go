// Package selcall decodes and makes five-tone selective calls: a number as tones one after
// another, without pauses, each system with its own frequencies and its own length of a
// tone. A digit that is the same as the one before is sent as the repeat tone.
//
// The frequencies are those of multimon-ng's tables, which go back to ZVEI's and CCIR's
// (now ITU-R M.257) recommendations; the letters A to F differ between makers.
package selcall

import (
	"fmt"
	"strings"
	"time"
)

// Repeat is the digit that says "the same as before".
const Repeat = 'E'

const digits = "0123456789ABCDEF"

// System is a kind of five-tone calls.
type System struct {
	// Name is zvei1, zvei2, ccir or eea.
	Name string
	// Tone is how long each tone lasts.
	Tone time.Duration
	// Frequencies are of the digits 0 to F, in hertz.
	Frequencies [16]float64
}

// Systems returns all systems.
func Systems() []System {
	return []System{
		{"zvei1", 70 * time.Millisecond, [16]float64{
			2400, 1060, 1160, 1270, 1400, 1530, 1670, 1830, 2000, 2200, 2800, 810, 970, 885, 2600, 680}},
		{"zvei2", 70 * time.Millisecond, [16]float64{
			2400, 1060, 1160, 1270, 1400, 1530, 1670, 1830, 2000, 2200, 885, 825, 740, 680, 970, 2600}},
		{"ccir", 100 * time.Millisecond, [16]float64{
			1981, 1124, 1197, 1275, 1358, 1446, 1540, 1640, 1747, 1860, 2400, 930, 2247, 991, 2110, 1055}},
		{"eea", 40 * time.Millisecond, [16]float64{
			1981, 1124, 1197, 1275, 1358, 1446, 1540, 1640, 1747, 1860, 1055, 930, 2400, 991, 2110, 2247}},
	}
}

// ByName returns a system, or false if there is none of that name.
func ByName(name string) (System, bool) {
	for _, s := range Systems() {
		if s.Name == name {
			return s, true
		}
	}
	return System{}, false
}

// Check says what is wrong with a number that is to be called or listened for: it has 3 to 8
// digits, and none of them is the repeat tone, which is put in by Append.
func Check(number string) error {
	if len(number) < MinDigits || len(number) > MaxDigits {
		return fmt.Errorf("%q has %d digits: want %d to %d", number, len(number), MinDigits, MaxDigits)
	}
	for i := range len(number) {
		if number[i] == Repeat || !strings.ContainsRune(digits, rune(number[i])) {
			return fmt.Errorf("%q in %q is no digit: want 0 to 9, A, B, C, D or F", number[i], number)
		}
	}
	return nil
}
