// Package sandbox shuts a process in before it reads the first byte that a
// stranger sent. From then on the process can compute, use the pipes that it
// has, start threads and end; the kernel refuses the rest, even to code that
// an attacker slipped in through a fault in a decoder.
//
// # What holds
//
//   - seccomp: an allow-list of system calls, for all threads. Sockets,
//     processes, signals to others, tracing and memory made executable end
//     the process with SIGSYS. Opening or looking up a file fails with EACCES
//     and does not kill: libraries look for optional files at odd moments, and
//     a camera should not go dark for that.
//   - Landlock, where the kernel has it: no access to any file, and no TCP from
//     ABI 4 on.
//   - No privileges: root becomes nobody, capabilities are dropped, and
//     no_new_privs keeps it so.
//   - Limits: no core dumps, no growing files (unless stdout or stderr is one),
//     few descriptors, an address space. The process cannot be dumped or traced.
//   - When memory runs out, the kernel is asked to choose this process first.
//
// RLIMIT_NPROC is left alone: it counts the threads of everyone with the same
// user, and new processes are barred anyway.
package sandbox

// DefaultAddressSpace is an address space, in bytes, for a vision process on any
// stream that package cv takes. Measured with background subtraction: 1.8 GB
// for a small stream, 2.0 GB for 4K H.265 with 10 bits, 2.5 GB for 4096×4096
// with 16 reference pictures. Most of it is reserved and never touched: C's
// allocator reserves 64 MiB a thread and a stack is 8 MiB; the rest is for more cores.
const DefaultAddressSpace = 4 << 30

// Config says how much a process may keep.
type Config struct {
	// AddressSpace limits the address space, in bytes; 0 leaves it alone. It
	// also bounds what a stream can make the decoder allocate.
	AddressSpace uint64
	// User is the user and group that root becomes; 0 means 65534, nobody. A
	// process that is not root stays who it is.
	User int
	// Video leaves V4L2 devices that are open usable: ioctl(2) with their requests, and nothing else, passes.
	Video bool
}

const nobody = 65534

// Report says what holds a process.
type Report struct {
	NoNewPrivs   bool   `json:"no_new_privs"`
	Seccomp      bool   `json:"seccomp"`
	Landlock     int    `json:"landlock"`      // the kernel's ABI version, 0 without
	AddressSpace uint64 `json:"address_space"` // bytes, 0 without a limit
}
