package loratest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// RAK is a simulated RAK3172. Set the fields, then let Run run.
type RAK struct {
	// Line is the module's end of its line.
	Line io.ReadWriter
	// Old makes its firmware one from before RUI3: other events, and no 65533.
	Old bool
	// Echo repeats commands.
	Echo bool
	// Index makes it take and tell the bandwidth as an index.
	Index bool
	// Stubborn makes it say OK to AT+P2P, and keep nothing.
	Stubborn bool
	// Forgetful makes it answer nothing sensible to AT+PRECV=?.
	Forgetful bool
	// Think is how long it takes to answer the n-th command, from 1; no time if nil.
	Think func(n int) time.Duration
	// Mode is AT+NWM at first: 0 is P2P, 1 LoRaWAN as from the factory.
	Mode int

	mu       sync.Mutex
	radio    string   // guarded by mu: AT+P2P
	precv    string   // guarded by mu: AT+PRECV
	dead     bool     // guarded by mu
	between  []string // guarded by mu: lines to put between the next command and its answer
	sent     []string // guarded by mu: payloads in hexadecimal digits
	written  int      // guarded by mu: times that AT+P2P was set
	restarts int      // guarded by mu
	asked    int      // commands, of Run alone
}

const rakRadio = "868000000:7:125:0:8:14"

// Radio returns AT+P2P, and how often it was set.
func (r *RAK) Radio() (value string, written int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.radio, r.written
}

// Sent returns the payloads that the host has had sent, in hexadecimal digits.
func (r *RAK) Sent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.sent...)
}

// Restarts returns how often it has started again.
func (r *RAK) Restarts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.restarts
}

// Die makes the module deaf and dumb, or ends that.
func (r *RAK) Die(dead bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = dead
}

// Between puts lines between the next command and its answer.
func (r *RAK) Between(lines ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.between = append(r.between, lines...)
}

// Event returns the lines that tell of a packet.
func (r *RAK) Event(payload []byte, rssi, snr int) []string {
	if r.Old {
		return []string{fmt.Sprintf("+EVT:RXP2P, RSSI %d, SNR %d", rssi, snr), fmt.Sprintf("+EVT:%X", payload)}
	}
	return []string{fmt.Sprintf("+EVT:RXP2P:%d:%d:%X", rssi, snr, payload)}
}

// Hear has the module hear a packet. It returns false if it does not listen.
func (r *RAK) Hear(payload []byte, rssi, snr int) bool {
	r.mu.Lock()
	listens := !r.dead && r.precv != "" && r.precv != "0"
	if r.precv == "65535" {
		r.precv = "0"
	}
	r.mu.Unlock()
	return listens && r.say(r.Event(payload, rssi, snr)...) == nil
}

// Restart has the module restart, as after a dip of its supply; with no word if it is silent.
func (r *RAK) Restart(silent bool) {
	r.mu.Lock()
	r.precv = "0"
	r.restarts++
	r.mu.Unlock()
	if !silent {
		_ = r.say("RAKwireless RAK3172", "------------------------------------------------------", "Version: "+r.version(), "Current Work Mode: LoRa P2P.")
	}
}

func (r *RAK) version() string {
	if r.Old {
		return "V1.0.4"
	}
	return "RUI_4.0.6_RAK3172-E"
}

func (r *RAK) say(lines ...string) error {
	_, err := r.Line.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
	return err
}

// Run answers the host until ctx ends or the line does. While the line is
// unplugged it waits.
func (r *RAK) Run(ctx context.Context) {
	var pending []byte
	buf := make([]byte, 1024)
	for ctx.Err() == nil {
		n, err := r.Line.Read(buf)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil && n == 0 {
			if !errors.Is(err, os.ErrClosed) && ctx.Err() != nil {
				return
			}
			time.Sleep(2 * time.Millisecond)
			continue
		}
		pending = append(pending, buf[:n]...)
		for {
			line, rest, whole := bytes.Cut(pending, []byte("\r\n"))
			if !whole {
				break
			}
			r.command(string(line))
			pending = rest
		}
	}
}

func (r *RAK) command(cmd string) {
	if r.asked++; r.Think != nil {
		time.Sleep(r.Think(r.asked))
	}
	r.mu.Lock()
	if r.dead {
		r.mu.Unlock()
		return
	}
	if r.radio == "" {
		r.radio, r.precv = rakRadio, "0"
	}
	var out []string
	if r.Echo {
		out = append(out, cmd)
	}
	restart := cmd == "AT+NWM=0" && r.Mode != 0
	if restart {
		r.Mode = 0
	} else {
		answer := r.answer(cmd)
		out = append(append(append(out, answer[:len(answer)-1]...), r.between...), "", answer[len(answer)-1])
		r.between = nil
	}
	r.mu.Unlock()
	_ = r.say(out...)
	if restart {
		r.Restart(false)
	}
	if strings.HasPrefix(cmd, "AT+PSEND=") && out[len(out)-1] == "OK" {
		_ = r.say("+EVT:TXP2P DONE")
	}
}

// answer is called with mu held.
func (r *RAK) answer(cmd string) []string {
	name, value, _ := strings.Cut(cmd, "=")
	tell := func(v string) []string {
		if !r.Old {
			v = name + "=" + v
		}
		return []string{v, "OK"}
	}
	switch {
	case cmd == "AT":
	case cmd == "AT+NWM=?":
		return tell(fmt.Sprint(r.Mode))
	case cmd == "AT+NWM=0":
	case cmd == "AT+VER=?":
		return tell(r.version())
	case cmd == "AT+P2P=?":
		return tell(r.radio)
	case cmd == "AT+PRECV=?" && !r.Forgetful:
		return tell(r.precv)
	case r.Mode != 0:
		return []string{"AT_MODE_NO_SUPPORT"}
	case name == "AT+P2P":
		if parts := strings.Split(value, ":"); len(parts) != 6 || r.Index == (len(parts[2]) > 1) {
			return []string{"AT_PARAM_ERROR"}
		}
		r.written++
		if !r.Stubborn {
			r.radio = value
		}
	case name == "AT+PRECV":
		if r.precv != "0" && value != "0" {
			return []string{"AT_BUSY_ERROR"}
		}
		if r.Old && value == "65533" {
			return []string{"AT_PARAM_ERROR"}
		}
		r.precv = value
	case name == "AT+PSEND":
		if r.precv != "0" && r.precv != "65533" {
			return []string{"AT_BUSY_ERROR"}
		}
		r.sent = append(r.sent, value)
	default:
		return []string{"AT_ERROR"}
	}
	return []string{"OK"}
}
