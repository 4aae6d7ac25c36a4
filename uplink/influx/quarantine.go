package influx

import (
	"fmt"
	"os"
	"strings"
)

// maxQuarantine bounds the file of rejected lines; a second one is kept beside it.
const maxQuarantine = 512 << 10

// Quarantine returns a function that appends rejected lines, with the reason as a
// comment, to the file at path. What does not fit goes with the oldest.
func Quarantine(path string, failed func(error)) func(lines []string, why string) {
	return func(lines []string, why string) {
		if err := appendLines(path, lines, why); err != nil {
			failed(fmt.Errorf("keep rejected metrics: %w", err))
		}
	}
}

func appendLines(path string, lines []string, why string) error {
	if info, err := os.Stat(path); err == nil && info.Size() > maxQuarantine {
		if err := os.Rename(path, path+".1"); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	why = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, why)
	if len(why) > 512 {
		why = why[:512]
	}
	text := "# " + why + "\n" + strings.Join(lines, "\n") + "\n"
	if len(text) > maxQuarantine {
		text = text[:maxQuarantine]
	}
	if _, err := f.WriteString(text); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
