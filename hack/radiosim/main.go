// Radiosim is radios, so that a gateway can be tried without any:
//
//	radiosim tones --out help.wav "zvei1 12345" "pause 1s" "dtmf *911" "mdc emergency 1A17"
//	                            the audio of an analogue receiver, with noise, twist and drift
//	radiosim tones --pace --out /run/radio -    the same into a named pipe as long as it takes, calls from the
//	                            standard input, a line each
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type flags struct {
	Tones tonesCmd `cmd:"" help:"The audio of an analogue receiver."`
}

// env is what commands run in.
type env struct {
	ctx context.Context
	in  io.Reader
	out io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(env{ctx, os.Stdin, os.Stdout}, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "radiosim:", err)
		os.Exit(1)
	}
}

func run(e env, args []string) error {
	var f flags
	p, err := kong.New(&f, kong.Name("radiosim"), kong.Description("Simulates radios."))
	if err != nil {
		return err
	}
	cmd, err := p.Parse(args)
	if err != nil {
		return err
	}
	return cmd.Run(&e)
}
