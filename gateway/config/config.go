// Package config reads the gateway's configuration: YAML, strictly. It reports
// every problem of a file in one go, each with its line and path, since the
// technician who wrote it stands in front of the box and has no time for one
// mistake after the other.
//
// # Form
//
// The YAML that package strict takes.
//
// # Environment
//
// ${NAME} in a text is replaced by the environment variable; one that is not
// set is a problem. One that the process's environment lacks may be in a file beside
// the configuration, see [EnvironmentFile]. What comes from there is not read as YAML, nor looked
// through for further variables, and never shown in a message. $${ stands for
// ${. In the user information of an address it is escaped as needed: a password
// with an @ or a / works as it is. Keys, numbers and booleans take no variables.
//
// # Files
//
// A relative path in a configuration is relative to the folder of its file.
package config

import (
	"path/filepath"

	"sentrybox/gateway/strict"
)

// Load reads the file at path with the variables of the process's environment.
// Its error is a *Problems.
func Load(path string) (*Config, error) {
	data, err := strict.ReadFile(path)
	if err != nil {
		return nil, strict.Unreadable(path, err)
	}
	return Parse(path, data, Environment(path))
}

// LoadCamera reads a file with one camera, as ParseCamera does. A variable that is not
// set is no problem: who looks at a video does not sign in to the camera.
func LoadCamera(path string) (*Camera, error) {
	data, err := strict.ReadFile(path)
	if err != nil {
		return nil, strict.Unreadable(path, err)
	}
	return ParseCamera(path, data, Lenient(Environment(path)))
}

// Parse reads the content of the file called name, which is used in problems
// and for its folder, and need not exist. Variables come from env; nil has none.
// The files that a configuration names are looked at. The error is a *Problems.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	c, _, err := parse(name, data, env)
	return c, err
}

func parse(name string, data []byte, env func(string) (string, bool)) (*Config, []string, error) {
	d, err := newDocument(name, env)
	if err != nil {
		return nil, nil, strict.Unreadable(name, err)
	}
	c := Defaults()
	if d.Read(data, &c) {
		d.finish(&c)
	}
	if err := d.Err(); err != nil {
		return nil, nil, err
	}
	return &c, d.named, nil
}

// ParseCamera reads one camera alone: the mapping that is an element of cameras
// in a whole configuration. Its url may be absent. The error is a *Problems
// whose paths begin within the camera.
func ParseCamera(name string, data []byte, env func(string) (string, bool)) (*Camera, error) {
	d, err := newDocument(name, env)
	if err != nil {
		return nil, strict.Unreadable(name, err)
	}
	var c Camera
	if d.Read(data, &c) {
		d.finishCamera(&c, "")
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &c, nil
}

// Problem is one thing that is wrong with a configuration.
type Problem = strict.Problem

// Problems is everything that is wrong with it.
type Problems = strict.Problems

// Duration is a time span such as 30s or 5m.
type Duration = strict.Duration

// A document is a file on its way to being a configuration.
type document struct {
	*strict.Document
	dir      string // to which paths in the file are relative
	profiles string
	named    []string // files and folders that it names
}

func newDocument(name string, env func(string) (string, bool)) (*document, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	return &document{Document: strict.New(name, env), dir: filepath.Dir(full)}, nil
}
