package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sentrybox/gateway/strict"
)

// First is what a box is told at its first start: the least that a configuration has.
type First struct {
	ID, Street, Community string
	Timezone              string // the system's when empty
	Data                  string // a folder; an absolute path
	Listen                string // of the page: host:port
}

// FirstListen is where the page of a new box is: on every address, and so over TLS.
const FirstListen = ":8443"

// Document returns the configuration file that says it. No uplink is in it yet.
func (f *First) Document() []byte {
	var b bytes.Buffer
	b.WriteString("gateway:\n")
	for _, item := range [][2]string{{"id", f.ID}, {"street", f.Street}, {"community", f.Community}, {"timezone", f.Timezone}} {
		if item[0] != "timezone" || item[1] != "" {
			fmt.Fprintf(&b, "  %s: %s\n", item[0], scalar(item[1]))
		}
	}
	fmt.Fprintf(&b, "data: %s\nweb:\n  listen: %s\nuplink:\n  mqtt: []\n", scalar(f.Data), scalar(f.Listen))
	return b.Bytes()
}

// scalar writes a text in double quotes (YAML 1.2.2, 7.3.1), in which a $ begins no variable.
func scalar(s string) string { return strings.ReplaceAll(strconv.Quote(s), "${", "$${") }

// Blank says whether a file says nothing, or is not there: then this is the first start.
func Blank(path string) (bool, error) {
	body, err := strict.ReadFile(path)
	if os.IsNotExist(err) {
		return true, nil
	}
	if err != nil {
		return false, strict.Unreadable(path, err)
	}
	return Empty(body), nil
}

// Empty says whether a configuration has nothing but comments.
func Empty(body []byte) bool {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && string(line) != "---" {
			return false
		}
	}
	return true
}

// Unconfigured returns what a gateway runs with until somebody has said where it is: with
// the page, and without a camera or an uplink. path is the file that will be written.
func Unconfigured(path, data, listen string) (*Config, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	f := First{ID: boxID(), Street: "new", Community: "new", Data: data, Listen: listen}
	return Parse(path, f.Document(), nil)
}

// boxID proposes a name that two boxes of a street hardly share, and that stays the same:
// from the machine's id, which is not to be shown itself (machine-id(5)).
func boxID() string {
	id, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return "gw-1"
	}
	sum := sha256.Sum256(append([]byte("sentrybox gateway "), bytes.TrimSpace(id)...))
	return "gw-" + hex.EncodeToString(sum[:3])
}
