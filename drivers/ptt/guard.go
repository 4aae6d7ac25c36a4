package ptt

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// silent is how long the guard holds the key without a word: longer than a busy machine keeps a process
// from its work, since a call for help would be cut off.
const silent = 3 * time.Second

// What the guard answers, a line each.
const (
	saidDown = "down"
	saidUp   = "up"
)

// Serve is the guard: it takes its order from in, keys, answers on out, and lets go when it is to. It
// is for a process that does nothing else.
func Serve(in io.Reader, out io.Writer) error { return serve(in, out, setModem) }

func serve(in io.Reader, out io.Writer, modem modemControl) error {
	lines := bufio.NewReaderSize(in, 4096)
	order, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	var c Config
	if err := json.Unmarshal(order, &c); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	c.Command = nil
	if err := c.Check(); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	c = c.withDefaults()
	heard := make(chan bool, 1)
	go func() {
		for {
			b, err := lines.ReadByte()
			heard <- err == nil && b != '\n'
			if err != nil {
				return
			}
		}
	}()
	limit := time.NewTimer(c.Limit)
	defer limit.Stop()
	l, err := open(c, modem)
	if err != nil {
		return err
	}
	err = l.set(true)
	if err == nil {
		_, err = fmt.Fprintln(out, saidDown)
	}
	if err == nil {
		hold(heard, limit.C)
	}
	// Whatever fails, the line is put down, and closed.
	up := l.set(false)
	closed := l.Close()
	if err = errors.Join(err, up, closed); err == nil {
		_, err = fmt.Fprintln(out, saidUp)
	}
	return err
}

// hold returns when the key is to be let go. Each byte but a newline, or the end, says to hold on.
func hold(heard <-chan bool, limit <-chan time.Time) {
	quiet := time.NewTimer(silent)
	defer quiet.Stop()
	for {
		select {
		case on := <-heard:
			if !on {
				return
			}
			quiet.Reset(silent)
		case <-quiet.C:
			select {
			case on := <-heard: // it is the guard that was kept from its work
				if !on {
					return
				}
				quiet.Reset(silent)
			default:
				return
			}
		case <-limit:
			return
		}
	}
}

// ServeProcess is Serve over standard input and output.
func ServeProcess() error { return serveProcess(setModem) }

func serveProcess(modem modemControl) error {
	// Else it ends by the first word that the gateway, killed meanwhile, does not hear, and the key stays down.
	signal.Ignore(unix.SIGPIPE)
	return serve(os.Stdin, os.Stdout, modem)
}
