package dvrip

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"time"

	vdk "github.com/deepch/vdk/format/dvrip"

	"sentrybox/sandbox"
)

// Command is the argument by which the gateway's program starts itself as a
// session's process.
const Command = "dvrip-session"

// deviceFD is the file descriptor of the connection to the device in a session's process.
const deviceFD = 3

// memoryLimit is what Go's collector keeps the process under, in bytes; a picture is in memory
// three times at most.
const memoryLimit = 128 << 20

// ServeProcess is a session's process: it carries out the order on standard
// input with the connection that it has inherited, tells on standard output, and returns
// when the session is over. addressSpace bounds its memory, in bytes; 0 does not.
func ServeProcess(addressSpace uint64) error {
	debug.SetMemoryLimit(memoryLimit)
	file := os.NewFile(deviceFD, "device")
	if file == nil {
		return errors.New("dvrip: no connection was inherited: the gateway starts this, not people")
	}
	device, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		return fmt.Errorf("dvrip: the inherited connection: %w", err)
	}
	return Serve(os.Stdin, os.Stdout, device, func() (sandbox.Report, error) {
		return sandbox.Enter(sandbox.Config{AddressSpace: addressSpace})
	})
}

// Serve holds one session with the device at the other end of a connection. It
// reads the order from in, and calls shut before it reads the first byte from
// device. Everything that ends the session, it tells through out.
func Serve(in io.Reader, out io.Writer, device net.Conn, shut func() (sandbox.Report, error)) error {
	defer device.Close()
	var o order
	dec := json.NewDecoder(io.LimitReader(in, maxTextual))
	if err := dec.Decode(&o); err != nil {
		return fmt.Errorf("dvrip: read the order: %w", err)
	}
	r := &relay{order: o, device: device, out: out, token: rand.Text(), framer: framer{limit: o.MaxFrame}}
	ended, err := r.meet()
	if err != nil {
		return err
	}
	defer r.client.Close()
	if r.sandbox, err = shut(); err != nil {
		return err
	}
	go func() { // the gateway has gone, or wants an end
		_, _ = io.Copy(io.Discard, in)
		_ = device.Close()
	}()
	fail := r.run(ended)
	return writeJSON(out, recordEnd, end{
		Phase: fail.Phase, Ret: fail.Ret, Text: fail.text,
		Damaged: r.framer.damaged + r.pictures.damaged, Waiting: r.pictures.waiting,
	})
}

// meet starts vdk's client, and lets it connect to the relay. From then on nobody
// needs to make a connection. The channel is closed when the client has ended.
func (r *relay) meet() (ended <-chan struct{}, err error) {
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err == nil {
		err = ln.SetDeadline(time.Now().Add(clientWait))
	}
	if err != nil {
		return nil, fmt.Errorf("dvrip: listen for the client: %w", err)
	}
	defer func() { _ = ln.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Whoever else connects here lacks the token.
		c, err := vdk.Dial(vdk.ClientOptions{
			URL:          fmt.Sprintf("dvrip://relay:%s@%s/%s", r.token, ln.Addr(), r.order.Stream),
			DisableAudio: true,
		})
		if err != nil {
			return // the relay knows why
		}
		for signal := range c.Signals {
			if signal == vdk.SignalStreamStop {
				_ = c.Close()
				return
			}
		}
	}()
	r.client, err = ln.Accept()
	if err == nil {
		// Once it speaks it has set its connection up, for which it needs calls that the sandbox does not have.
		r.asked = bufio.NewReader(r.client)
		_ = r.client.SetReadDeadline(time.Now().Add(clientWait))
		_, err = r.asked.Peek(1)
		_ = r.client.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return nil, fmt.Errorf("dvrip: meet the client: %w", err)
	}
	return done, nil
}
