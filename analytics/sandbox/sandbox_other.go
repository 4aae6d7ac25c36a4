//go:build !linux

package sandbox

import (
	"errors"

	"sentrybox/analytics/wire"
)

// Enter returns an error: there is a sandbox for Linux only.
func Enter(Config) (wire.Sandbox, error) {
	return wire.Sandbox{}, errors.New("enter sandbox: not built for this system")
}
