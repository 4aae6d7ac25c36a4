package update

import (
	"errors"
	"strings"

	"sentrybox/gateway/text"
)

// Sentence returns the sentence for what an update was refused for, empty for another
// error, and its argument: in brackets what the error says besides.
func Sentence(err error) (key text.Key, more string) {
	for _, known := range []struct {
		err error
		key text.Key
	}{
		{ErrNoKey, "update.error.nokey"}, {ErrKey, "update.error.key"}, {ErrNoUpdate, "update.error.none"}, {ErrSignature, "update.error.signature"},
		{ErrArch, "update.error.arch"}, {ErrOlder, "update.error.older"}, {ErrBusy, "update.error.busy"}, {ErrReturned, "update.error.returned"},
		{ErrByHand, "update.error.byhand"}, {ErrRoom, "update.error.room"}, {ErrGone, "update.error.gone"},
	} {
		if errors.Is(err, known.err) {
			_, more, _ = strings.Cut(err.Error(), known.err.Error()+": ")
			if more != "" {
				more = " (" + strings.ReplaceAll(more, "\n", "; ") + ")"
			}
			return known.key, more
		}
	}
	return "", ""
}
