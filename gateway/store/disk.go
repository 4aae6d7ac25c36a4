package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sentrybox/gateway/disk"
)

// DiskState is what can be written.
type DiskState string

// The states of a disk, from good to bad.
const (
	DiskGood     DiskState = ""
	DiskLow      DiskState = "disk_low"      // below the floor: only what is urgent
	DiskFull     DiskState = "disk_full"     // the reserve is given up, alerts live on it
	DiskReadOnly DiskState = "disk_readonly" // nothing can be written
)

// Disk keeps a floor of free space, and a reserve for alerts below it: a file
// whose blocks are given back to them when there are no others. The zero value
// with a Dir has neither. It may be used by several goroutines.
type Disk struct {
	Dir     string // the data folder
	Floor   int64  // bytes that what is not urgent leaves free
	Reserve int64  // bytes of the reserve

	mu     sync.Mutex
	state  DiskState // guarded by mu, as is all that follows
	asked  time.Time // when the disk was last looked at
	broken bool      // a write has failed
	probed time.Time // when a write has last gone through
}

const (
	// checkEvery is how old an answer of Room may be.
	checkEvery = time.Second
	// probeEvery is how often a block is written to see whether that works.
	probeEvery = 10 * time.Minute
)

func (d *Disk) reserve() string { return filepath.Join(d.Dir, "reserve") }

// Room says whether there is room for what is not urgent.
func (d *Disk) Room() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if since := time.Since(d.asked); since < 0 || since >= checkEvery {
		d.look()
	}
	return d.state == DiskGood
}

// Check looks at the disk, makes the reserve if there is room for it again, and
// returns what can be written.
func (d *Disk) Check() DiskState {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.look()
	return d.state
}

// look is called with mu held.
func (d *Disk) look() {
	d.asked = time.Now()
	space, err := disk.Of(d.Dir)
	if err != nil || space.ReadOnly {
		d.state = DiskReadOnly
		return
	}
	free := space.Free
	// A disk that has failed does not always say so.
	if since := time.Since(d.probed); d.broken || since < 0 || since >= probeEvery {
		if err := d.probe(); err != nil {
			d.broken, d.state = true, DiskReadOnly
			if isFull(err) {
				d.state = DiskFull
			}
			return
		}
		d.broken, d.probed = false, d.asked
	}
	floor := d.Floor
	if d.state != DiskGood {
		floor += floor / 8 // so that it does not change to and fro
	}
	info, err := os.Stat(d.reserve())
	whole := err == nil && info.Size() >= d.Reserve
	if !whole && free >= floor+d.Reserve {
		if whole = d.fill() == nil; whole {
			free -= d.Reserve
		}
	}
	switch {
	case d.Reserve > 0 && !whole:
		d.state = DiskFull
	case free < floor:
		d.state = DiskLow
	default:
		d.state = DiskGood
	}
}

// probe writes a block to the disk.
func (d *Disk) probe() error {
	path := filepath.Join(d.Dir, "probe")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(path))
}

// fill makes the reserve. Its blocks are taken and never written.
func (d *Disk) fill() error {
	if d.Reserve <= 0 {
		return nil
	}
	f, err := os.OpenFile(d.reserve(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, d.Reserve); err != nil {
		_ = os.Remove(d.reserve())
		return fmt.Errorf("keep a reserve: %w", err)
	}
	return f.Sync()
}

// Release gives up the reserve and reports whether there was one: then it is
// worth trying again.
func (d *Disk) Release() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := os.Remove(d.reserve())
	if err == nil {
		d.state = DiskFull
	}
	return err == nil
}

// Failed notes that a write has failed.
func (d *Disk) Failed(err error) {
	if !Unwritable(err) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = true
	d.state = DiskReadOnly
	if isFull(err) {
		d.state = DiskFull
	}
	d.asked = time.Now()
}

// Unwritable says whether err means that the disk is full or takes nothing.
func Unwritable(err error) bool {
	if isFull(err) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.EIO) {
		return true
	}
	code := primary(err)
	return code == sqlite3.SQLITE_READONLY || code == sqlite3.SQLITE_IOERR || code == sqlite3.SQLITE_CANTOPEN
}

func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || primary(err) == sqlite3.SQLITE_FULL
}

// isCorrupt says whether err means that the database cannot be trusted.
func isCorrupt(err error) bool {
	code := primary(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB || errors.Is(err, errUnsound)
}

// primary returns the primary result code of SQLite (sqlite.org/rescode.html), 0
// if it is no error of it.
func primary(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
