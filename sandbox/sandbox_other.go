//go:build !linux

package sandbox

import "errors"

// Enter returns an error: there is a sandbox for Linux only.
func Enter(Config) (Report, error) {
	return Report{}, errors.New("enter sandbox: not built for this system")
}
