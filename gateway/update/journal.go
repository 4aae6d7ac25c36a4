package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sentrybox/gateway/disk"
	"sentrybox/gateway/text"
)

// State is how far an update has come.
type State string

// The states. The last four are results.
const (
	Prepared   State = "prepared"   // both packages are on the disk, nothing is changed
	Installing State = "installing" // the programs may be a mixture
	Proving    State = "proving"    // the new ones are there, and have not shown that they work
	Returning  State = "returning"  // the programs may be a mixture, on the way back
	Unchanged  State = "unchanged"
	Proven     State = "proven"
	Returned   State = "returned"
	Refused    State = "refused" // by [Refuse]: it was not begun
)

// Result is what has become of an update, and while it lasts what is known of it.
type Result struct {
	State State     `json:"state"`
	From  string    `json:"from"` // versions
	To    string    `json:"to"`
	At    time.Time `json:"at"`
	Why   string    `json:"why,omitempty"` // of one that was not kept

	Reason text.Key `json:"reason,omitempty"` // the sentence of one that was refused, its argument is Why
}

// journal is a Result with what the way back needs.
type journal struct {
	Result

	// Schema names the database's tables before the update, empty where there was no database.
	Schema string `json:"schema"`
	// Home is the gateway's data folder.
	Home string `json:"home"`
}

// Names within the folder of updates.
const (
	journalName = "journal.json" // sentrybox-update.service looks for it
	resultName  = "result.json"
	newName     = "new.deb"
	oldName     = "old.deb"
	// ProgramName is a copy of the program that began the update, which ends it at the
	// next boot whatever the new one is like.
	ProgramName = "sentrybox"
	dataName    = "data"
	lockName    = "lock"
	keepForm    = "keep-*" // what a package is being made of
)

// LastResult returns what has become of the last update; nil if there was none.
func LastResult(dir string) (*Result, error) {
	var r Result
	if ok, err := readJSON(filepath.Join(dir, resultName), &r); !ok {
		return nil, err
	}
	return &r, nil
}

// Home returns the data folder of the box whose update has to be ended; empty if there is none. The
// configuration belongs to the service's user, and is not asked.
func Home(dir string) (string, error) {
	var j journal
	_, err := readJSON(filepath.Join(dir, journalName), &j)
	return j.Home, err
}

func readJSON(path string, into any) (bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return false, fmt.Errorf("read how far the update has come: %w", err)
	}
	return true, nil
}

// writeJSON replaces a file in one step that a power cut does not divide.
func writeJSON(path string, v any, mode os.FileMode) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return replace(path, mode, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// replace has what fill writes take a file's place, in one step and durably.
func replace(path string, mode os.FileMode, fill func(*os.File) error) error {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	err = fill(f)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}
