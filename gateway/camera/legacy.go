package camera

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"sentrybox/analytics/wire"
)

// Legacy is what a camera's vision processes leave to those after them: the background that they have learned and who
// is there. It is a file in memory of fixed size that each maps, so that it is there however a process ends, and the gateway neither
// copies nor reads what a stranger's video may have written. Of its size only what was written takes memory: three bytes a
// pixel that is analysed, 0.7 MB of 640 × 360.
type Legacy struct{ file *os.File }

// NewLegacy returns one that is empty.
func NewLegacy() (*Legacy, error) {
	fd, err := unix.MemfdCreate("sentrybox-legacy", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "legacy")
	if err := f.Truncate(wire.LegacySize); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	// Nobody can make it end under who has mapped it.
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("seal a file in memory: %w", err)
	}
	return &Legacy{f}, nil
}

// Close gives back its memory once no process has it any more. A nil one may be closed.
func (l *Legacy) Close() {
	if l != nil {
		_ = l.file.Close()
	}
}

// inherited returns what a process has from descriptor 3 on: its pipes, models in the place of two, and the legacy. What is not
// there is nil.
func (p *Process) inherited(in, out *os.File, models []*os.File) []*os.File {
	files := append([]*os.File{in, out}, models...)
	if p.cfg.Legacy == nil {
		return files
	}
	const last = 7 - 3
	for len(files) < last {
		files = append(files, nil)
	}
	return append(files, p.cfg.Legacy.file)
}
