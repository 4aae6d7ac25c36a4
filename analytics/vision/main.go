//go:build cgo

// Command sentrybox-vision watches one camera.
//
// The gateway starts it, one process a camera, and speaks package wire with it:
// encoded pictures come in on file descriptor 3, what was seen goes out on 4.
// It parses a stranger's video, so it closes itself into a sandbox before
// the first byte of it, and the gateway expects it to die at any time.
//
// The same input gives the same detections: nothing in the decision depends on
// the clock of the machine or on the order of goroutines.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"

	"sentrybox/analytics/wire"
)

const (
	inFD  = 3
	outFD = 4
)

const usage = `sentrybox-vision watches one camera for Sentrybox.

It is started by "sentrybox run" and "sentrybox replay", which hand it encoded
video over file descriptor 3 and read what it saw from file descriptor 4. It is of no use
by itself. To try it on a video file:

    sentrybox replay --camera camera.yaml video.mp4

    --help     this text
    --version  the version of the program and of its protocol
`

func main() {
	os.Exit(start(os.Args[1:]))
}

func start(args []string) int {
	switch {
	case len(args) == 0:
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
		fmt.Print(usage)
		return 0
	case len(args) == 1 && args[0] == "--version":
		fmt.Printf("sentrybox-vision %s, protocol %d\n", version(), wire.Version)
		return 0
	default:
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	in, out := os.NewFile(inFD, "input"), os.NewFile(outFD, "output")
	if !isPipe(in) || !isPipe(out) {
		fmt.Fprint(os.Stderr, "sentrybox-vision: file descriptors 3 and 4 are not the gateway's pipes.\n\n"+usage)
		return 2
	}
	// Pictures live outside Go's heap; what is within it is small and may be
	// collected often.
	// One picture is looked at after the other. A second processor of Go's would be woken for each, look for
	// work and find none, which is an eighth of what a busy substream costs.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(64 << 20)
	return run(in, out, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}

func isPipe(f *os.File) bool {
	if f == nil {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(unknown)"
}

// run serves one gateway and returns the exit code. A panic is logged and
// ends the process: the gateway starts a new one.
func run(in io.Reader, out io.Writer, log *slog.Logger) (code int) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic", "value", v, "stack", string(debug.Stack()))
			code = 3
		}
	}()
	if err := serve(in, out, log, enterSandbox); err != nil {
		log.Error("vision ended", "err", err)
		return 1
	}
	return 0
}
