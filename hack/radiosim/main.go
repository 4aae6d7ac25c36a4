// Radiosim is radios, so that a gateway can be tried without any:
//
//	radiosim tones --out help.wav "zvei1 12345" "pause 1s" "dtmf *911" "mdc emergency 1A17"
//
// makes the audio of an analogue receiver, with noise, twist and drift;
//
//	radiosim tones --pace --out /run/radio -
//
// makes it as it sounds, into a named pipe, of calls that come on the standard input, a line each;
//
//	radiosim sip 127.0.0.1:5060 --user 1001 --password secret
//
// is a help point that calls, presses keys, sends a text and hangs up, by Debian's sipp;
//
//	radiosim isapi forced closed --listen 127.0.0.1:8081 --password secret
//	radiosim onvif tamper tamper-off --listen 127.0.0.1:8082 --password secret
//
// are a door station and a camera whose event streams say one thing after the other;
//
//	radiosim dmr calls.yaml --master 127.0.0.1:62031 --id 460010199 --password secret
//
// logs in to the gateway as a DMR hotspot, by the Homebrew protocol, and sends what the file says:
//
//   - {after: 1s, src: 4600101, dst: 9, seconds: 3, alias: Wang}            a call to a group
//   - {src: 4600101, dst: 4600102, private: true, seconds: 2, emergency: true}
//   - {src: 4600101, dst: 9, press: alarm, times: 4, every: 2s}             the emergency key; also alert and check
//   - {src: 4600101, dst: 9, text: 东门有人摔倒}
//   - {src: 4600101, dst: 9, seconds: 2, lat: 30.5, lon: 114.3, errors: 3}  with three wrong bits in each burst
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

type flags struct {
	Tones tonesCmd  `cmd:"" help:"The audio of an analogue receiver."`
	SIP   sipCmd    `cmd:"" name:"sip" help:"A SIP help point that calls."`
	ISAPI eventsCmd `cmd:"" name:"isapi" help:"A door station's event stream, as Hikvision's."`
	ONVIF eventsCmd `cmd:"" name:"onvif" help:"A device's ONVIF events."`
	DMR   dmrCmd    `cmd:"" name:"dmr" help:"A DMR hotspot that hears calls."`
}

func main() {
	var f flags
	command := kong.Parse(&f, kong.Name("radiosim"), kong.Description("Radios that are no hardware."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, strings.Fields(command.Command())[0], f, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "radiosim:", err)
		os.Exit(1)
	}
}

// run runs one simulator until it is done, or ctx ends.
func run(ctx context.Context, command string, f flags, out io.Writer) error {
	switch command {
	case "tones":
		return f.Tones.run(ctx, os.Stdin, out)
	case "sip":
		return f.SIP.run(ctx, out)
	case "isapi":
		return f.ISAPI.isapi(ctx, out)
	case "onvif":
		return f.ONVIF.onvif(ctx, out)
	case "dmr":
		return f.DMR.run(ctx, out)
	default:
		return fmt.Errorf("no simulator of %s", command)
	}
}
