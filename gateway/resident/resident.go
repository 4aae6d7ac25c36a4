// Package resident keeps pages of the program's own file out of its memory while it does not use them.
package resident

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pages are those of the running program's file that can be had again from it.
type Pages struct{ list []mapping }

// Own finds the pages of the running program, proc_pid_smaps(5).
func Own() (*Pages, error) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, fmt.Errorf("find the program's pages: %w", err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil, fmt.Errorf("find the program's pages: %w", err)
	}
	defer f.Close()
	list, err := clean(f, exe)
	if err != nil {
		return nil, fmt.Errorf("find the program's pages: %w", err)
	}
	return &Pages{list}, nil
}

// Release has the kernel take the pages out of this process, madvise(2). Those that are used again are mapped
// again, one page fault for about 16 of them, from the page cache as long as the kernel keeps them there.
func (p *Pages) Release() error {
	for _, m := range p.list {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("release the program's pages: %w", errno)
		}
	}
	return nil
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// clean returns the mappings of a file that can be had again from it: those that may not be written to and hold
// no page that was, such as one that a dynamic linker has worked on.
func clean(smaps io.Reader, file string) (list []mapping, err error) {
	var m mapping
	candidate := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		name, rest, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		if !bytes.HasSuffix(name, []byte(":")) { // address perms offset dev inode path
			perms, _, _ := bytes.Cut(rest, []byte(" "))
			candidate = len(perms) == 4 && perms[1] == '-' && bytes.HasSuffix(rest, []byte(" "+file))
			if candidate {
				if m, err = parseRange(string(name)); err != nil {
					return nil, err
				}
			}
			continue
		}
		if candidate && string(name) == "Anonymous:" {
			if string(bytes.TrimSpace(rest)) == "0 kB" {
				list = append(list, m)
			}
			candidate = false
		}
	}
	return list, lines.Err()
}

func parseRange(s string) (mapping, error) {
	from, to, _ := bytes.Cut([]byte(s), []byte("-"))
	start, err := strconv.ParseUint(string(from), 16, strconv.IntSize)
	if err != nil {
		return mapping{}, err
	}
	end, err := strconv.ParseUint(string(to), 16, strconv.IntSize)
	if err != nil || end < start {
		return mapping{}, fmt.Errorf("addresses %q: %w", s, strconv.ErrSyntax)
	}
	return mapping{uintptr(start), uintptr(end)}, nil
}
