// Package disk measures the disk that a folder lies on, and writes files that a power cut leaves whole.
package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space is how much a disk holds, in bytes (statvfs(3)).
type Space struct {
	Free     int64 // for who is not root
	Total    int64
	ReadOnly bool // mounted so, also by a kernel that has met errors
}

// Of measures the disk of a file or folder, which must exist.
func Of(path string) (Space, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return Space{}, fmt.Errorf("measure the disk of %s: %w", path, err)
	}
	block := int64(fs.Bsize) //nolint:unconvert // 32 bits on 32-bit ARM
	return Space{
		Free: int64(fs.Bavail) * block, Total: int64(fs.Blocks) * block, // no disk is that large
		ReadOnly: fs.Flags&unix.ST_RDONLY != 0,
	}, nil
}
