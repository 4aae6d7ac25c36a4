// Package config reads the gateway's configuration: YAML, strictly. It reports
// every problem of a file in one go, each with its line and path, since the
// technician who wrote it stands in front of the box and has no time for one
// mistake after the other.
//
// # Form
//
// YAML 1.2 in UTF-8 of at most 1 MiB, one document; JSON is a part of it.
// Unknown and doubled keys are refused. Anchors, aliases and merge keys (<<)
// work; tags do not. Numbers are decimal. A text may be written as a number
// (grid: 3) and stays as it was written.
//
// # Environment
//
// ${NAME} in a text is replaced by the environment variable; one that is not
// set is a problem. What comes from there is not read as YAML, nor looked
// through for further variables, and never shown in a message. $${ stands for
// ${. In the user information of an address it is escaped as needed: a password
// with an @ or a / works as it is. Keys, numbers and booleans take no variables.
//
// # Files
//
// A relative path in a configuration is relative to the folder of its file.
package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/text"
)

// Load reads the file at path with the variables of the process's environment.
// Its error is a *Problems.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, data, os.LookupEnv)
}

// LoadCamera reads a file with one camera, as ParseCamera does.
func LoadCamera(path string) (*Camera, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return ParseCamera(path, data, os.LookupEnv)
}

// Parse reads the content of the file called name, which is used in problems
// and for its folder, and need not exist. Variables come from env; nil has none.
// The files that a configuration names are looked at. The error is a *Problems.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	d, err := newDocument(name, env)
	if err != nil {
		return nil, unreadable(name, err)
	}
	c := Defaults()
	if root := d.parse(data); root != nil {
		d.decode(root, reflect.ValueOf(&c).Elem(), "")
		d.finish(&c)
	}
	if err := d.problems.err(); err != nil {
		return nil, err
	}
	return &c, nil
}

// ParseCamera reads one camera alone: the mapping that is an element of cameras
// in a whole configuration. Its url may be absent. The error is a *Problems
// whose paths begin within the camera.
func ParseCamera(name string, data []byte, env func(string) (string, bool)) (*Camera, error) {
	d, err := newDocument(name, env)
	if err != nil {
		return nil, unreadable(name, err)
	}
	var c Camera
	if root := d.parse(data); root != nil {
		d.decode(root, reflect.ValueOf(&c).Elem(), "")
		d.finishCamera(&c, "")
	}
	if err := d.problems.err(); err != nil {
		return nil, err
	}
	return &c, nil
}

func newDocument(name string, env func(string) (string, bool)) (*document, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	return &document{
		source:   name,
		dir:      filepath.Dir(full),
		env:      env,
		problems: new(Problems),
		anchors:  map[string]ast.Node{},
		marks:    map[string]mark{},
		faulty:   map[string]bool{},
	}, nil
}

// readFile reads at most one byte more than is allowed.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func unreadable(name string, err error) error {
	return &Problems{
		List:  []Problem{{File: name, Key: readKey(err)}},
		cause: err,
	}
}

func readKey(err error) text.Key {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "config.file.missing"
	case errors.Is(err, fs.ErrPermission):
		return "config.file.denied"
	}
	return "config.file.unreadable"
}
