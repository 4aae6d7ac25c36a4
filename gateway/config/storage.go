package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
)

// Storage says how much of the disk may be used, and for what.
type Storage struct {
	// Floor is how much of the disk's space stays free: what is no alert is
	// dropped rather than go below it.
	Floor Size `yaml:"floor"`
	// Reserve is a file that is given up for alerts when the disk is full all the
	// same.
	Reserve Size  `yaml:"reserve"`
	Lanes   Lanes `yaml:"lanes"`
}

// Lanes bounds what may wait for the line. Alerts have no limit but the disk.
type Lanes struct {
	Reply     Lane `yaml:"reply"`
	Thumbnail Lane `yaml:"thumbnail"`
	State     Lane `yaml:"state"`
	Evidence  Lane `yaml:"evidence"`
	Metrics   Lane `yaml:"metrics"`
}

// Lane bounds one lane of the outbox.
type Lane struct {
	Bytes Size     `yaml:"bytes"`
	Age   Duration `yaml:"age"`
}

func defaultStorage() Storage {
	const week = Duration(7 * 24 * time.Hour)
	return Storage{
		Floor: 64 * MiB, Reserve: 16 * MiB,
		Lanes: Lanes{
			Reply:     Lane{MiB, Duration(time.Hour)},
			Thumbnail: Lane{32 * MiB, week},
			State:     Lane{4 * MiB, week},
			Evidence:  Lane{64 * MiB, Duration(3 * 24 * time.Hour)},
			Metrics:   Lane{32 * MiB, Duration(30 * 24 * time.Hour)},
		},
	}
}

// Size is an amount of bytes such as 512KiB or 32MiB.
type Size int64

// Units of Size.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// ParseSize reads a number with one of the units B, KiB, MiB and GiB, or KB, MB
// and GB, which are powers of 1000.
func ParseSize(s string) (Size, error) {
	v, f := parseSize(s)
	if f != nil {
		return 0, f.Err(s)
	}
	return v, nil
}

func parseSize(s string) (Size, *strict.Flaw) {
	digits := strings.TrimRight(s, "BKMGi ")
	unit, ok := map[string]Size{"B": 1, "KiB": KiB, "MiB": MiB, "GiB": GiB, "KB": 1e3, "MB": 1e6, "GB": 1e9}[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 63)
	if !ok || err != nil || n > math.MaxInt64/uint64(unit) {
		return 0, &strict.Flaw{Key: "config.size.form", Quote: true}
	}
	return Size(n) * unit, nil
}

// String returns the size in the largest unit that it is a multiple of.
func (v Size) String() string {
	for _, u := range []struct {
		size Size
		name string
	}{{GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if v != 0 && v%u.size == 0 {
			return fmt.Sprintf("%d%s", v/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dB", int64(v))
}

// MarshalText returns String.
func (v Size) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is ParseSize.
func (v *Size) UnmarshalText(b []byte) (err error) {
	*v, err = ParseSize(string(b))
	return err
}

// DecodeNode is ParseSize.
func (v *Size) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if s, ok := d.Text(n, path); ok {
		got, f := parseSize(s)
		d.Flaw(path, f, s)
		if f == nil {
			*v = got
		}
	}
}

func (d *document) finishStorage(s *Storage) {
	d.size("storage.floor", s.Floor, 0, 1024*GiB)
	d.size("storage.reserve", s.Reserve, MiB, GiB)
	for name, l := range map[string]Lane{
		"reply": s.Lanes.Reply, "thumbnail": s.Lanes.Thumbnail, "state": s.Lanes.State,
		"evidence": s.Lanes.Evidence, "metrics": s.Lanes.Metrics,
	} {
		path := "storage.lanes." + name
		// The least lets a whole item in.
		d.size(path+".bytes", l.Bytes, 256*KiB, 64*GiB)
		d.Span(path+".age", l.Age, Duration(time.Minute), strict.MaxDuration)
	}
}

// size checks that v is within bounds.
func (d *document) size(path string, v, least, most Size) {
	if d.Sound(path) && (v < least || v > most) {
		d.Fault(path, "config.size.range", least.String(), most.String())
	}
}
