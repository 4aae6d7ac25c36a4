package beat

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Slack is how much later than asked for a thread may be woken, so that the kernel can do it together with others.
const Slack = time.Millisecond

// loosened is set in the environment of a program that Loosen has executed anew.
const loosened = "SENTRYBOX_LOOSENED"

// Loosen gives every thread of the program its Slack, and with it those of the programs that it starts. Go's sysmon looks
// after the others every 20 µs for as long as one of them has anything to do, which of a camera that idles is a
// third of all wake-ups. A thread has its slack from the one that made it, PR_SET_TIMERSLACK(2const), and
// sysmon is there before main is: so Loosen executes the program anew, with the same process id, arguments,
// environment and files, and then does not return. It is to be the first thing that a program does. It
// returns if the threads have so much slack, or failing that, why they have not.
func Loosen() error {
	if _, done := os.LookupEnv(loosened); done {
		return os.Unsetenv(loosened)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	have, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("ask for the timer slack: %w", err)
	}
	if time.Duration(have) >= Slack {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(Slack), 0, 0, 0); err != nil {
		return fmt.Errorf("set the timer slack: %w", err)
	}
	if err := unix.Exec(self, os.Args, append(os.Environ(), loosened+"=1")); err != nil {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(have), 0, 0, 0)
		return fmt.Errorf("execute %s anew: %w", self, err)
	}
	return nil
}
