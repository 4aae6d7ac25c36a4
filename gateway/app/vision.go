package app

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoVision means that the program sentrybox-vision was not found.
var ErrNoVision = errors.New("the program sentrybox-vision was not found")

// FindVision returns the path of the vision program: the configured one, the one
// beside this program, or the one on PATH.
func FindVision(configured string) (string, error) {
	const name = "sentrybox-vision"
	if configured != "" {
		if _, err := exec.LookPath(configured); err != nil {
			return "", fmt.Errorf("%w: vision.path: %w", ErrNoVision, err)
		}
		return filepath.Abs(configured)
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := exec.LookPath(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: install it beside sentrybox or on PATH, or set vision.path", ErrNoVision)
	}
	return filepath.Abs(path)
}
