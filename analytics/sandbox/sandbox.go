// Package sandbox shuts a process in before it reads the first byte that a
// stranger sent. From then on the process can compute, use the pipes that it
// has, start threads and end; the kernel refuses the rest, even to code that
// an attacker slipped in through a fault in a decoder.
//
// # What holds
//
//   - seccomp: an allow-list of system calls for all threads. No sockets, no
//     processes, no signals to others, no tracing, no memory made executable: any of these ends
//     the process with SIGSYS. Opening or looking up a file fails with EACCES and does not kill, since
//     libraries look for optional files at odd moments and a camera should
//     not go dark for that.
//   - Landlock, where the kernel has it: no access to any file, and no TCP from ABI 4 on.
//   - no_new_privs, no privileges to begin with (root becomes nobody), no core dumps, not dumpable or
//     traceable, no growing files, few descriptors, a limit on the address space.
//   - The kernel is asked to choose this process first when memory runs out.
//
// RLIMIT_NPROC is left alone: it counts the threads of everyone with the same
// user, and new processes are barred anyway.
package sandbox

// DefaultAddressSpace is an address space, in bytes, that is enough for a vision
// process with a 4K H.265 stream, background subtraction and some 20 threads, with room to
// spare. Most of it is reserved and never touched: C's allocator reserves 64 MiB a thread, Go's as much
// a heap, stacks take 8 MiB.
const DefaultAddressSpace = 4 << 30

// Config says how much a process may keep.
type Config struct {
	// AddressSpace limits the address space, in bytes; 0 leaves it alone. It
	// also bounds what a stream can make the decoder allocate.
	AddressSpace uint64
	// User is the user and group that root becomes; 0 means 65534, nobody. A
	// process that is not root stays who it is.
	User int
}

const nobody = 65534
