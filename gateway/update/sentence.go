package update

import (
	"errors"

	"sentrybox/gateway/text"
)

// Sentence returns the sentence for what an update was refused for, which takes the
// error as its argument; empty for another error.
func Sentence(err error) text.Key {
	for _, known := range []struct {
		err error
		key text.Key
	}{
		{ErrNoKey, "update.error.nokey"}, {ErrKey, "update.error.key"}, {ErrNoUpdate, "update.error.none"}, {ErrSignature, "update.error.signature"},
		{ErrArch, "update.error.arch"}, {ErrOlder, "update.error.older"}, {ErrBusy, "update.error.busy"}, {ErrReturned, "update.error.returned"},
	} {
		if errors.Is(err, known.err) {
			return known.key
		}
	}
	return ""
}
