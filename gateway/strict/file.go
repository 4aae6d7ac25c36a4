package strict

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"sentrybox/gateway/text"
)

// ReadFile reads at most one byte more than is allowed.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

// Unreadable returns the *Problems of a file that could not be read because of err.
func Unreadable(name string, err error) error {
	return &Problems{
		List:  []Problem{{File: name, Key: ReadKey(err)}},
		cause: err,
	}
}

// ReadKey returns the sentence for a file that could not be read because of err.
func ReadKey(err error) text.Key {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "config.file.missing"
	case errors.Is(err, fs.ErrPermission):
		return "config.file.denied"
	}
	return "config.file.unreadable"
}
