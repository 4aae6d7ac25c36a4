package analogue

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/call"
	"sentrybox/drivers/tone/selcall"
)

// Config is what a Driver is made of.
type Config struct {
	Audio   audio.Config
	Signals Signals
	// Codes are digits that are told at once: "*911", or "*9xxx" with who sends it.
	Codes []string
	// Transmit says how the channel is spoken on; nil if it is not.
	Transmit *Transmit
	// Open stands in for the source that Audio names, in tests.
	Open audio.Open
}

const (
	maxCodes = 100
	unknown  = 'x' // a place in a code that is a digit of who sends it
)

var codeForm = regexp.MustCompile(`^[0-9A-Dx*#EF]{1,32}$`)

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	if c.Open == nil {
		errs = append(errs, c.Audio.Check())
	}
	for _, name := range c.Signals.FiveTone {
		if _, ok := selcall.ByName(name); !ok {
			errs = append(errs, fmt.Errorf("%q is no system of five-tone calls", name))
		}
	}
	for _, n := range c.Signals.Lengths {
		if n < selcall.MinDigits || n > selcall.MaxDigits {
			errs = append(errs, fmt.Errorf("calls of %d tones: want %d to %d", n, selcall.MinDigits, selcall.MaxDigits))
		}
	}
	if len(c.Codes) > maxCodes {
		errs = append(errs, fmt.Errorf("%d codes: want at most %d", len(c.Codes), maxCodes))
	}
	for _, code := range c.Codes {
		if !codeForm.MatchString(code) || strings.Trim(code, string(unknown)) == "" {
			errs = append(errs, fmt.Errorf("code %q: want up to 32 of 0-9, A-F, *, #, and x for a digit of who sends it", code))
		}
	}
	if c.Transmit != nil {
		errs = append(errs, c.Transmit.Key.Check())
	}
	if _, err := NewEar(audio.Rate, c.Signals); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// match holds digits against a code. It returns those that are not its own, which is who sent it.
func match(code, digits string) (from string, ok bool) {
	if len(code) != len(digits) {
		return "", false
	}
	var who []byte
	for i := range len(code) {
		switch {
		case code[i] == unknown:
			who = append(who, digits[i])
		case code[i] != digits[i]:
			return "", false
		}
	}
	return string(who), true
}

// fixed returns a code's own digits.
func fixed(code string) string { return strings.ReplaceAll(code, string(unknown), "") }

// Timing of what is heard.
const (
	digitsPause = 2 * time.Second        // ends a string of digits
	justNow     = 200 * time.Millisecond // before its carrier somebody may have said who they are
	nameless    = time.Second            // a carrier that nobody has put a name to is told after so long
	stalled     = 3 * time.Second        // without a sample a sound card or a program hangs
	quiet       = 250 * time.Millisecond // after which what is pending is looked at
	deaf        = 5 * time.Minute        // of samples that are all zero
)

var _ call.Recorder = (*Driver)(nil)
