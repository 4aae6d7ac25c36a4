// Package cameras holds the brand templates of cameras and recorders: where their
// streams are, by which ports and words they are known, and what to mind. Each is a file
// of its own; gateway/find reads them and says what the keys mean.
package cameras

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var files embed.FS

// Files returns the templates, NAME.yaml each.
func Files() fs.FS { return files }
