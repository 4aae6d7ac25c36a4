package sandbox

import "golang.org/x/sys/unix"

// A rule says what becomes of some system calls.
type rule struct {
	names []string // as in the kernel's tables; those that an architecture lacks are left out
	// allow lists alternatives: the call is allowed if all conditions of one
	// hold. No alternatives allow it always.
	allow [][]condition
	// errno is what the call fails with otherwise; 0 kills the process.
	errno unix.Errno
	// never means that there is no way to be allowed.
	never bool
}

// A condition holds if the argument's bits under mask equal value.
type condition struct {
	arg         int
	mask, value uint64
}

func is(arg int, value uint64) []condition {
	return []condition{{arg: arg, mask: 0xffffffff, value: value}} // the kernel takes an int
}

const (
	// What a new thread must have, and flags of clone that no thread needs:
	// new namespaces. A call without CLONE_THREAD makes a process.
	cloneMust  = unix.CLONE_VM | unix.CLONE_SIGHAND | unix.CLONE_THREAD
	cloneNever = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_PTRACE | unix.CLONE_VFORK
	prSetVMA = 0x53564d41 // with it Go names its memory
)

// rules is what a process of that id needs: the Go runtime, glibc, libavcodec
// and OpenCV at work, and no more. Calls that are not named kill the process. The
// names of all architectures stand together. video allows the requests of V4L2, whose type is V.
func rules(pid int, video bool) []rule {
	self := uint64(uint32(pid))
	ioctl := rule{names: []string{"ioctl"}, never: true, errno: unix.ENOTTY}
	if video {
		ioctl.never, ioctl.allow = false, [][]condition{{{arg: 1, mask: 0xff00, value: 'V' << 8}}}
	}
	return []rule{
		// Threads, time and memory.
		{names: []string{
			"futex", "futex_time64", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64",
			"clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "gettimeofday",
			"sched_yield", "sched_getaffinity", "getcpu", "gettid", "getpid", "set_robust_list", "rseq", "membarrier",
			"exit", "exit_group", "restart_syscall", "set_tid_address",
			"munmap", "madvise", "brk", "mremap", "getrandom", "sysinfo", "getrlimit", "ugetrlimit", "getrusage",
		}},
		// The pipes that it has.
		{names: []string{
			"read", "write", "readv", "writev", "pread64", "close", "fstat", "fstat64", "lseek", "_llseek",
			"poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "_newselect", "epoll_create1", "epoll_ctl",
			"epoll_wait", "epoll_pwait", "eventfd2",
		}},
		// Its own signals: a crash must be able to report itself and end.
		{names: []string{"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack"}},
		{names: []string{"tgkill", "kill"}, allow: [][]condition{is(0, self)}},
		// 32-bit ARM's own.
		{names: []string{"cacheflush", "set_tls"}},

		{names: []string{"mmap", "mmap2", "mprotect"}, allow: [][]condition{{{arg: 2, mask: unix.PROT_EXEC}}}},
		{names: []string{"clone"}, allow: [][]condition{{{arg: 0, mask: cloneMust | cloneNever, value: cloneMust}}}},
		{names: []string{"clone3"}, never: true, errno: unix.ENOSYS}, // glibc falls back to clone, whose flags can be seen
		{names: []string{"prctl"}, errno: unix.EINVAL, allow: [][]condition{
			is(0, unix.PR_SET_NAME), is(0, unix.PR_GET_NAME), is(0, prSetVMA),
		}},
		{names: []string{"fcntl", "fcntl64"}, errno: unix.EPERM, allow: [][]condition{
			is(1, unix.F_GETFD), is(1, unix.F_SETFD), is(1, unix.F_GETFL), is(1, unix.F_SETFL), is(1, unix.F_GETPIPE_SZ),
		}},
		{names: []string{"prlimit64"}, errno: unix.EPERM, allow: [][]condition{
			{{arg: 0, mask: 0xffffffff}, {arg: 2, mask: ^uint64(0)}}, // its own limits, to read
		}},
		ioctl,

		// Looking for files is no attack by itself; finding one is not to be.
		{names: []string{
			"open", "openat", "openat2", "stat", "lstat", "stat64", "lstat64", "newfstatat", "fstatat64", "statx", "access",
			"faccessat", "faccessat2", "readlink", "readlinkat", "statfs", "statfs64", "getcwd",
		}, never: true, errno: unix.EACCES},
	}
}
