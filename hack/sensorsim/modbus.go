package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port/porttest"
)

// bus is a Modbus line with its units.
type bus struct {
	*modbustest.Bus
	pty   *porttest.PTY
	units map[byte]bool
}

func newBus(pty *porttest.PTY, c modbusCmd) (device, error) {
	addresses, err := parseUnits(c.Units)
	if err != nil {
		return nil, err
	}
	if c.Registers < 1 || c.Registers > 65536 {
		return nil, fmt.Errorf("registers %d: want 1 to 65536", c.Registers)
	}
	b := bus{modbustest.NewBus(pty), pty, map[byte]bool{}}
	for _, a := range addresses {
		u := modbustest.NewUnit(c.Registers)
		for i := range c.Registers {
			u.SetRegisters(i, uint16(100*int(a)+i))
		}
		b.Attach(a, u)
		b.units[a] = true
	}
	return b, nil
}

// parseUnits reads addresses such as 1-10,20.
func parseUnits(text string) ([]byte, error) {
	var all []byte
	for part := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || a < 1 || b > 247 || a > b {
			return nil, fmt.Errorf("units %q: want addresses of 1 to 247, as in 1-10,20", text)
		}
		for ; a <= b; a++ {
			all = append(all, byte(a))
		}
	}
	return all, nil
}

func (b bus) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { b.pty.Close() })()
	for ctx.Err() == nil {
		_ = b.Serve() // until the port is unplugged
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func (b bus) fault(words []string) error {
	if len(words) == 0 || len(words) > 2 {
		return fmt.Errorf("fault: want a unit's address, and a fault or nothing")
	}
	a, err := parseUnits(words[0])
	if err != nil || len(a) != 1 || !b.units[a[0]] {
		return fmt.Errorf("fault: no unit %q", words[0])
	}
	rnd := modbustest.NewRand(uint64(time.Now().UnixNano()))
	faults := map[string]modbustest.Fault{
		"":       nil,
		"dead":   modbustest.Dead(),
		"late":   modbustest.Late(2 * time.Second),
		"crc":    modbustest.WrongCRC(rnd),
		"split":  modbustest.Split(rnd, 50*time.Millisecond),
		"cut":    modbustest.CutOff(rnd),
		"noise":  modbustest.Noisy(rnd, 30),
		"merged": modbustest.Merged(modbustest.Frame(246, []byte{3, 2, 0, 1})),
		"flood":  modbustest.Flood(rnd, 1<<16, 10*time.Millisecond),
	}
	f, known := faults[strings.Join(words[1:], "")]
	if !known {
		return fmt.Errorf("fault %q: want dead, late, crc, split, cut, noise, merged or flood", words[1])
	}
	b.Misbehave(a[0], f)
	return nil
}

// newLines returns what reads the words of the next line that has any; nil at the end.
func newLines(in io.Reader) func() []string {
	s := bufio.NewScanner(in)
	return func() []string {
		for s.Scan() {
			if words := strings.Fields(s.Text()); len(words) > 0 {
				return words
			}
		}
		return nil
	}
}
