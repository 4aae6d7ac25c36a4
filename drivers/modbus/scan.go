package modbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

// ScanConfig is a bus to be searched, while no Driver has it open.
type ScanConfig struct {
	Open     port.Open
	CharTime time.Duration
	Framing  Framing
	// First and Last are the addresses to ask; all of 1 to 247 if 0.
	First, Last byte
	// Timeout is how long each may think; 150 ms if 0.
	Timeout time.Duration
}

// Found is a unit that answered a scan.
type Found struct {
	Address byte
	// Answer is what it answered: the table that it let be read, or its refusal.
	Answer string
}

const (
	scanTimeout = 150 * time.Millisecond
	// scanLonger is how many times as long an address may think from which something came that
	// answers nothing: it may be late.
	scanLonger = 10
)

// Scan asks each address for a holding register, an input register, and a coil, until it answers one; a refusal is an
// answer too. It calls looked after each address. What was found until an error is returned with it. At 9600
// baud all addresses take about two minutes.
func Scan(ctx context.Context, c ScanConfig, looked func(address byte)) ([]Found, error) {
	if c.First == 0 {
		c.First = 1
	}
	if c.Last == 0 {
		c.Last = 247
	}
	if c.Timeout == 0 {
		c.Timeout = scanTimeout
	}
	p, err := c.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	defer p.Close()
	var tracker driver.Tracker
	var l link = newRTU(p, &tracker, c.CharTime)
	if c.Framing == TCP {
		l = newTCP(p, &tracker)
	}
	var found []Found
	for a := int(c.First); a <= int(c.Last); a++ {
		heard := tracker.State().Counts
		answer, err := knock(ctx, l, byte(a), c.Timeout)
		if now := tracker.State().Counts; err == nil && answer == "" && (now.Noise != heard.Noise || now.Discarded != heard.Discarded) {
			if err = l.quiet(c.Timeout); err == nil {
				answer, err = knock(ctx, l, byte(a), scanLonger*c.Timeout)
			}
		}
		if err != nil {
			return found, fmt.Errorf("scan: %w", err)
		}
		if answer != "" {
			found = append(found, Found{byte(a), answer})
		}
		looked(byte(a))
	}
	return found, nil
}

// knock returns what an address answers; empty if nothing.
func knock(ctx context.Context, l link, address byte, think time.Duration) (string, error) {
	for _, t := range []Table{Holding, Input, Coils} {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		r := request{unit: address, table: t, count: 1}
		pdu, err := l.exchange(r, think)
		if err == nil {
			_, err = r.parse(pdu)
		}
		var e Exception
		switch {
		case err == nil && t.bits():
			return string(t) + "s", nil
		case err == nil:
			return string(t) + " registers", nil
		case errors.As(err, &e) && !e.absent():
			return e.Error(), nil
		case fatal(err) != nil:
			return "", err
		}
	}
	return "", nil
}
