// Sensorsim is sensors, so that a gateway can be tried without any:
//
//	sensorsim modbus /tmp/bus --units 1-20      an RS-485 bus with twenty Modbus units
//	sensorsim uart /tmp/range --frame ff07a1a7  a rangefinder that talks
//	sensorsim play /tmp/meter talk.txt          what was recorded of a device
//	sensorsim e22 /tmp/e22 --key 00112233…      an Ebyte module that hears a sensor; also e32 and rak3172
//	sensorsim forwarder 127.0.0.1:1700 --nwk-key … --app-key …
//	                                            a packet forwarder that hears a LoRaWAN device
//	sensorsim chirpstack tcp://127.0.0.1:1883   ChirpStack's events of one
//
// A port's name is a link to a pseudo-terminal, as udev's are. While it runs,
// lines of the standard input make it misbehave:
//
//	fault 3 dead      what unit 3 does from now on, or "fault dead" what the talker's frames meet
//	fault 3           nothing any more
//	noise 100         so many random bytes on the line
//	unplug            the port goes away
//	replug            and comes back
//	press 01ff        a radio device says this, as an event
//	fault replay      a radio device's last packet again; also damaged, forged, and of a module dead, alive, restart
package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/port/porttest"
	"sentrybox/drivers/uart/uarttest"
)

type flags struct {
	Modbus modbusCmd `cmd:"" help:"A bus of Modbus RTU units. Register n holds 100 times the unit's address, plus n, and coils can be set."`
	UART   uartCmd   `cmd:"" name:"uart" help:"A device that sends a frame again and again."`
	Play   playCmd   `cmd:"" help:"A device that was recorded, over and over."`

	E22        moduleCmd     `cmd:"" name:"e22" help:"An Ebyte E22 that hears a sensor."`
	E32        moduleCmd     `cmd:"" name:"e32" help:"An Ebyte E32 that hears a sensor."`
	RAK3172    moduleCmd     `cmd:"" name:"rak3172" help:"A RAK3172 that hears a sensor."`
	Forwarder  forwarderCmd  `cmd:"" help:"A packet forwarder that hears a LoRaWAN device."`
	ChirpStack chirpstackCmd `cmd:"" name:"chirpstack" help:"ChirpStack's events of a LoRaWAN device."`
}

type modbusCmd struct {
	Port      string `arg:"" help:"Name of the port: a link that is made."`
	Units     string `default:"1-10" help:"Addresses, as in 1-10,20."`
	Registers int    `default:"100" help:"Registers of each table, and bits."`
}

type uartCmd struct {
	Port  string        `arg:"" help:"Name of the port: a link that is made."`
	Frame []string      `required:"" help:"A frame, in hexadecimal; several are sent in turn."`
	Every time.Duration `default:"1s" help:"Interval."`
}

type playCmd struct {
	Port string `arg:"" help:"Name of the port: a link that is made."`
	File string `arg:"" type:"existingfile" help:"What was recorded: lines of +TIME, < or >, and bytes."`
}

func main() {
	var f flags
	command := kong.Parse(&f, kong.Name("sensorsim"), kong.Description("Sensors that are no hardware."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, strings.Fields(command.Command())[0], f, os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sensorsim:", err)
		os.Exit(1)
	}
}

// run runs one simulator until ctx ends.
func run(ctx context.Context, command string, f flags, in io.Reader, out io.Writer) error {
	name := map[string]string{
		"modbus": f.Modbus.Port, "uart": f.UART.Port, "play": f.Play.Port, "e22": f.E22.Port, "e32": f.E32.Port, "rak3172": f.RAK3172.Port,
	}[command]
	var pty *porttest.PTY // nil of what is on the network
	if name != "" {
		var err error
		if pty, err = porttest.New(name); err != nil {
			return err
		}
		defer pty.Close()
	}
	device, err := newDevice(pty, command, f)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, cmp.Or(name, command))
	go obey(in, out, pty, device)
	return device.run(ctx)
}

func newDevice(pty *porttest.PTY, command string, f flags) (device, error) {
	switch command {
	case "modbus":
		return newBus(pty, f.Modbus)
	case "uart":
		return newTalker(pty, f.UART)
	case "play":
		return newPlayer(pty, f.Play)
	case "e22":
		return newModule(pty, command, f.E22)
	case "e32":
		return newModule(pty, command, f.E32)
	case "rak3172":
		return newModule(pty, command, f.RAK3172)
	case "forwarder":
		return newForwarder(f.Forwarder)
	default:
		return newChirpStack(f.ChirpStack)
	}
}

// device is what stands at the far end of the port.
type device interface {
	run(ctx context.Context) error
	// fault takes the words of a line after "fault".
	fault(words []string) error
}

// obey does what the lines of the standard input say.
func obey(in io.Reader, out io.Writer, pty *porttest.PTY, d device) {
	lines := newLines(in)
	for words := lines(); words != nil; words = lines() {
		if err := do(words, pty, d); err != nil {
			fmt.Fprintln(out, "error:", err)
		} else {
			fmt.Fprintln(out, "ok")
		}
	}
}

func do(words []string, pty *porttest.PTY, d device) error {
	switch {
	case words[0] == "fault":
		return d.fault(words[1:])
	case words[0] == "press":
		if a, is := d.(*air); is {
			return a.press(words[1:])
		}
		return errors.New("press: only a radio device has something to press")
	case pty == nil:
		return fmt.Errorf("%q: want press or fault", strings.Join(words, " "))
	case words[0] == "unplug":
		return pty.Unplug()
	case words[0] == "replug":
		return pty.Replug()
	case words[0] == "noise" && len(words) == 2:
		var n int
		if _, err := fmt.Sscan(words[1], &n); err != nil || n < 0 || n > 1<<16 {
			return fmt.Errorf("noise %q: want up to 65536 bytes", words[1])
		}
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.UintN(256))
		}
		_, err := pty.Write(b)
		return err
	}
	return fmt.Errorf("%q: want fault, press, noise N, unplug or replug", strings.Join(words, " "))
}

// talker is a device that sends frames.
type talker struct{ *uarttest.Talker }

func newTalker(pty *porttest.PTY, c uartCmd) (device, error) {
	var frames [][]byte
	for _, text := range c.Frame {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) == 0 {
			return nil, fmt.Errorf("frame %q: want hexadecimal digits", text)
		}
		frames = append(frames, b)
	}
	n := 0
	next := func() []byte {
		n++
		return frames[(n-1)%len(frames)]
	}
	return talker{&uarttest.Talker{Line: pty, Every: c.Every, Frame: next}}, nil
}

func (t talker) run(ctx context.Context) error {
	return t.Run(ctx, rand.New(rand.NewPCG(rand.Uint64(), 0)))
}

func (t talker) fault(words []string) error {
	var all []uarttest.Fault
	for _, w := range words {
		known := false
		for _, f := range uarttest.Faults() {
			known = known || w == string(f)
		}
		if !known {
			return fmt.Errorf("fault %q: want some of %v", w, uarttest.Faults())
		}
		all = append(all, uarttest.Fault(w))
	}
	t.Misbehave(1, all...)
	return nil
}

// player is a recording.
type player struct {
	pty   *porttest.PTY
	steps []drivertest.Step
}

func newPlayer(pty *porttest.PTY, c playCmd) (device, error) {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return nil, err
	}
	steps, err := drivertest.ParseRecording(text)
	if err == nil && len(steps) == 0 {
		err = fmt.Errorf("%s: nothing is recorded", c.File)
	}
	return player{pty, steps}, err
}

func (p player) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { p.pty.Close() })()
	for ctx.Err() == nil {
		if err := drivertest.Play(p.pty, p.steps); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if !errors.Is(err, os.ErrClosed) {
				return err
			}
			time.Sleep(100 * time.Millisecond) // unplugged
		}
	}
	return nil
}

func (p player) fault([]string) error { return errors.New("a recording is as it was") }
