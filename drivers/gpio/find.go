package gpio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

// open opens the chip by its path, or by its label.
func (d *Driver) open() (*os.File, error) {
	paths, err := filepath.Glob(filepath.Join(d.dev, "gpiochip*"))
	if err != nil || len(paths) == 0 {
		return nil, driver.Skip("no GPIO chip")
	}
	if strings.HasPrefix(d.config.Chip, "/") {
		f, err := os.OpenFile(d.config.Chip, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", port.ErrUnplugged, err)
		}
		return f, err
	}
	var labels []string
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			labels = append(labels, err.Error())
			continue
		}
		var info chipInfo
		if err := d.ioctl(f, ioctlChipInfo(), unsafe.Pointer(&info)); err == nil && text(info.label) == d.config.Chip {
			return f, nil
		}
		labels = append(labels, text(info.label))
		f.Close()
	}
	return nil, fmt.Errorf("%w: no chip %q, only %q", port.ErrUnplugged, d.config.Chip, labels)
}

// find returns a line's number on the chip.
func (d *Driver) find(chip *os.File, name string) (uint32, error) {
	var info chipInfo
	if err := d.ioctl(chip, ioctlChipInfo(), unsafe.Pointer(&info)); err != nil {
		return 0, driver.Permanent(fmt.Errorf("%s is no GPIO chip: %w", chip.Name(), err))
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		if n >= uint64(info.lines) {
			return 0, driver.Permanent(fmt.Errorf("%s has no line %d, only %d lines", chip.Name(), n, info.lines))
		}
		return uint32(n), nil
	}
	for n := range info.lines {
		l := lineInfo{offset: n}
		if err := d.ioctl(chip, ioctlLineInfo(), unsafe.Pointer(&l)); err == nil && text(l.name) == name {
			return n, nil
		}
	}
	return 0, driver.Permanent(fmt.Errorf("%s has no line %q", chip.Name(), name))
}

// debouncePeriod puts the period where the kernel reads a 32-bit number of the union.
func debouncePeriod(d time.Duration) uint64 {
	var b [8]byte
	binary.NativeEndian.PutUint32(b[:], uint32(d.Microseconds()))
	return binary.NativeEndian.Uint64(b[:])
}
