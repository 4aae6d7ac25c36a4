package sandbox

import (
	"fmt"
	"os"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets into struct seccomp_data, seccomp(2); all architectures here are
// little-endian, so the low half of an argument comes first.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

func ret(action uint32) bpf.Instruction { return bpf.RetConstant{Val: action} }

// program translates rules for an architecture. Each call's block ends in a
// verdict of its own, whatever its arguments are, so that no argument is ever taken for the
// number of a call; go-seccomp-bpf v1.6.0's own assembler goes on to the next
// number with an argument still loaded, and is used for its tables alone.
func program(a *arch.Info, rules []rule) ([]bpf.Instruction, error) {
	prog := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(a.ID), SkipTrue: 1},
		ret(unix.SECCOMP_RET_KILL_PROCESS),
		bpf.LoadAbsolute{Off: offsetNumber, Size: 4},
	}
	seen := map[string]bool{}
	for _, r := range rules {
		block := verdict(r)
		if len(block) > 255 {
			return nil, fmt.Errorf("rule for %s: %d instructions, a jump reaches 255", r.names[0], len(block))
		}
		for _, name := range r.names {
			if seen[name] {
				return nil, fmt.Errorf("two rules for %s", name)
			}
			seen[name] = true
			nr, ok := a.SyscallNames[name]
			if !ok {
				continue
			}
			prog = append(prog, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(nr | a.SeccompMask), SkipFalse: uint8(len(block))})
			prog = append(prog, block...)
		}
	}
	return append(prog, ret(unix.SECCOMP_RET_KILL_PROCESS)), nil
}

// verdict is the block of a rule: it always returns.
func verdict(r rule) []bpf.Instruction {
	refuse := ret(unix.SECCOMP_RET_KILL_PROCESS)
	if r.errno != 0 {
		refuse = ret(unix.SECCOMP_RET_ERRNO | uint32(r.errno))
	}
	switch {
	case r.never:
		return []bpf.Instruction{refuse}
	case len(r.allow) == 0:
		return []bpf.Instruction{ret(unix.SECCOMP_RET_ALLOW)}
	}
	var block []bpf.Instruction
	for _, conditions := range r.allow {
		block = append(block, alternative(conditions)...)
	}
	return append(block, refuse)
}

// alternative allows the call if all conditions hold, or else runs off its end.
func alternative(conditions []condition) []bpf.Instruction {
	type half struct{ off, mask, value uint32 }
	var halves []half
	for _, c := range conditions {
		off := uint32(offsetArgs + 8*c.arg)
		halves = append(halves, half{off, uint32(c.mask), uint32(c.value)})
		if c.mask>>32 != 0 {
			halves = append(halves, half{off + 4, uint32(c.mask >> 32), uint32(c.value >> 32)})
		}
	}
	var out []bpf.Instruction
	for i, h := range halves {
		rest := 3*(len(halves)-1-i) + 1 // to behind this alternative
		out = append(out,
			bpf.LoadAbsolute{Off: h.off, Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: h.mask},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: h.value, SkipFalse: uint8(rest)})
	}
	return append(out, ret(unix.SECCOMP_RET_ALLOW))
}

// filterCalls installs the filter in all threads, or fails in all.
func filterCalls(cfg Config, box *Report) error {
	a, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	prog, err := program(a, rules(os.Getpid(), cfg.Video))
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	fprog := unix.SockFprog{Len: uint16(len(code)), Filter: unsafe.SliceData(code)}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	if Emulated && errno == unix.ENOSYS {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("install filter: %w", errno)
	}
	if thread != 0 { // not an errno: seccomp(2), SECCOMP_FILTER_FLAG_TSYNC
		return fmt.Errorf("install filter: thread %d could not follow", thread)
	}
	box.Seccomp = true
	return nil
}
