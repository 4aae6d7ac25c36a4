package backup

import (
	"errors"

	"sentrybox/gateway/text"
)

// Sentence returns what a person is told of an error of this package, or nothing if
// it is none that a person can do something about.
func Sentence(err error) text.Key {
	for _, known := range []struct {
		err error
		key text.Key
	}{
		{ErrPassphrase, "backup.error.passphrase"}, {ErrWeak, "backup.error.weak"}, {ErrNewer, "backup.error.newer"},
		{ErrDamaged, "backup.error.damaged"}, {ErrNoBackup, "backup.error.none"}, {ErrBusy, "backup.error.busy"},
	} {
		if errors.Is(err, known.err) {
			return known.key
		}
	}
	return ""
}
