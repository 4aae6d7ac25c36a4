// Package configs holds the descriptions of devices that come with Sentrybox.
package configs

import (
	"embed"
	"io/fs"
)

//go:embed sensors/*.yaml
var files embed.FS

// Sensors returns the sensors' profiles, each in a file called by its id and
// .yaml.
func Sensors() fs.FS {
	sub, err := fs.Sub(files, "sensors")
	if err != nil {
		panic(err) // the name is valid
	}
	return sub
}
