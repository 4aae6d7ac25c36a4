package store

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"sentrybox/gateway/disk"
)

// Record is one revision of an alert, as the journal has it.
type Record struct {
	Alert Alert
	Step  Step
}

// A journal has every revision of an alert since a backup, each on the disk
// before it counts as durable, so that a database that is lost loses no alert.
// It is a file of records: length and CRC-32C (RFC 3720 B.4) in 4 bytes each,
// little-endian, and JSON. A record that is torn ends it.
//
// The generation is that of the backup that it goes on from; generation 0 goes
// on from nothing.
type journal struct {
	dir  string
	disk *Disk

	mu   sync.Mutex
	f    *os.File // guarded by mu, as is all that follows; nil before the first record
	gen  uint64
	size int64 // of what is sound
	bad  bool  // a record is missing: only a backup helps
}

// maxRecord bounds a record, in bytes: an alert is some hundreds.
const maxRecord = 256 << 10

func (j *journal) path(gen uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("journal-%08d", gen))
}

// append makes records durable.
func (j *journal) append(records []Record) error {
	var buf []byte
	for _, r := range records {
		body, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode a record: %w", err)
		}
		if len(body) > maxRecord {
			return fmt.Errorf("a record of %d bytes", len(body))
		}
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(body)))
		buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		buf = append(buf, body...)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.write(buf)
	if isFull(err) && j.disk.Release() {
		err = j.write(buf)
	}
	if err != nil {
		j.bad = true
		j.disk.Failed(err)
		return fmt.Errorf("write the journal of alerts: %w", err)
	}
	return nil
}

// write is called with mu held. What it leaves after an error is written over.
func (j *journal) write(buf []byte) error {
	if j.f == nil {
		f, err := os.OpenFile(j.path(j.gen), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Truncate(j.size), disk.SyncDir(j.dir)); err != nil {
			return errors.Join(err, f.Close())
		}
		j.f = f
	}
	if _, err := j.f.WriteAt(buf, j.size); err != nil {
		return err
	}
	if err := j.f.Sync(); err != nil {
		return err
	}
	j.size += int64(len(buf))
	return nil
}

// next begins the journal of a generation.
func (j *journal) next(gen uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.f != nil {
		err = j.f.Close()
	}
	j.f, j.gen, j.size = nil, gen, 0
	return err
}

// lacks notes whether the journal lacks something that only a backup has.
func (j *journal) lacks(bad bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.bad = bad
}

func (j *journal) status() (gen uint64, size int64, bad bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.gen, j.size, j.bad
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.f == nil {
		return nil
	}
	err := j.f.Close()
	j.f = nil
	return err
}

// generations returns those of which there is a journal, in order.
func (j *journal) generations() []uint64 { return numbered(j.dir, "journal-%08d") }

// numbered returns the numbers of the files in dir whose names are of a form.
func numbered(dir, form string) (all []uint64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		var n uint64
		if _, err := fmt.Sscanf(e.Name(), form, &n); err == nil && fmt.Sprintf(form, n) == e.Name() {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// journalFile is what readJournal has found.
type journalFile struct {
	records []Record
	size    int64 // where the last sound record ends
	torn    bool  // more follows, as a kill may leave it
	damaged bool  // a record is missing that was durable once
}

// readJournal returns the sound records of a file. A file that is not there has none. A record that is false, but as
// long as it says, is passed over for those behind it.
func readJournal(path string) (j journalFile, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return j, fmt.Errorf("read the journal of alerts: %w", err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for at, bad := int64(0), false; ; {
		rec, n, err := readRecord(r)
		at += n
		switch {
		case err == nil:
			j.records, j.size, j.damaged = append(j.records, rec), at, j.damaged || bad
		case errors.Is(err, errFalse):
			bad = true
		case errors.Is(err, io.EOF):
			j.torn = bad
			return j, nil
		default: // torn by a power cut; or who knows what it was, and what followed
			j.torn, j.damaged = true, j.damaged || errors.Is(err, errLength)
			return j, nil
		}
	}
}

var (
	errFalse  = errors.New("a record whose sum is wrong")
	errLength = errors.New("a record of no possible length")
)

// readRecord returns a record and how long it is, also if it is false.
func readRecord(r io.Reader) (rec Record, n int64, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return rec, 0, err
	}
	length := binary.LittleEndian.Uint32(head[:4])
	if length > maxRecord {
		return rec, 0, errLength
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return rec, 0, io.ErrUnexpectedEOF // also before the first byte of it
	}
	n = int64(len(head)) + int64(length)
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(head[4:]) {
		return rec, n, errFalse
	}
	if json.Unmarshal(body, &rec) != nil {
		return rec, n, errFalse
	}
	return rec, n, nil
}
