// Package configs holds the descriptions of devices that come with Sentrybox.
package configs

import (
	"embed"
	"io/fs"
)

//go:embed sensors/*.yaml cameras/*.yaml radios/*.yaml boards/*.yaml
var files embed.FS

// Sensors returns the sensors' profiles, each in a file called by its id and
// .yaml.
func Sensors() fs.FS { return sub("sensors") }

// Cameras returns the templates of cameras' brands: where their streams are, by which
// ports and words they are known, and what to mind.
func Cameras() fs.FS { return sub("cameras") }

// Radios returns how radios and intercoms are set up, each in a file called by its id and .yaml.
func Radios() fs.FS { return sub("radios") }

// Boards returns what is known of boards, each in a file called by its id and .yaml.
func Boards() fs.FS { return sub("boards") }

func sub(folder string) fs.FS {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the name is valid
	}
	return sub
}
