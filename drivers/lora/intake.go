package lora

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/replay"
)

// Framing is what devices send.
type Framing string

// The framings; Sealed if empty.
const (
	Sealed Framing = "sealed" // frames of this package
	Raw    Framing = "raw"    // anything, by nobody knows whom
)

// Devices says who is heard.
type Devices struct {
	Framing Framing
	// Keys are those of the devices, with Sealed, each of MinKey bytes at least. Others are
	// strangers.
	Keys map[uint32][]byte
	// Counters keeps counters over restarts, with Sealed; without it they are kept
	// in memory.
	Counters replay.Store
}

// Intake makes messages of packets, for the drivers of modules.
type Intake struct {
	tracker  *driver.Tracker
	guard    *replay.Guard
	receiver *Receiver // nil with Raw
	log      *slog.Logger
}

// NewIntake checks who is heard. The tracker learns what becomes of packets.
func NewIntake(who Devices, tracker *driver.Tracker, log *slog.Logger) (*Intake, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	in := &Intake{tracker: tracker, log: log, guard: &replay.Guard{Store: who.Counters, Prefix: "lora/", Log: log}}
	switch who.Framing {
	case Raw:
		if len(who.Keys) > 0 {
			return nil, errors.New("keys are of no use to raw messages")
		}
		return in, nil
	case Sealed, "":
	default:
		return nil, fmt.Errorf("framing %q: must be sealed or raw", who.Framing)
	}
	var err error
	in.receiver, err = NewReceiver(who.Keys, in.guard)
	return in, err
}

// Run keeps counters until ctx ends.
func (in *Intake) Run(ctx context.Context) { in.guard.Run(ctx) }

// Take takes a packet and hands its message on, if it is one. The packet is not
// kept.
func (in *Intake) Take(packet []byte, rssi, snr *float64, emit func(driver.Message)) {
	m := driver.Message{At: time.Now(), RSSI: rssi, SNR: snr}
	event := false
	if in.receiver == nil {
		m.Data = bytes.Clone(packet)
	} else {
		f, err := in.receiver.Open(packet)
		if err != nil {
			in.refused(err, packet, m)
			return
		}
		m.Device, m.Data, m.Counter, event = Name(f.Device), bytes.Clone(f.Payload), &f.Counter, f.Event
	}
	in.tracker.Heard(m.Device) // whoever has the message sees it counted
	emit(m)
	if event {
		if err := in.guard.Flush(); err != nil {
			in.log.Error("what sensors were heard last was not kept", "error", err)
		}
	}
}

func (in *Intake) refused(err error, packet []byte, m driver.Message) {
	if errors.Is(err, ErrUnknown) {
		f, _ := Peek(packet)
		m.Device, m.Data, m.Counter = Name(f.Device), bytes.Clone(f.Payload), &f.Counter
		in.tracker.Stranger(m)
		return
	}
	in.tracker.Count(func(c *driver.Counts) { c.Rejected++ })
	for _, known := range []error{ErrForm, ErrMAC, ErrReplay} {
		if errors.Is(err, known) {
			return
		}
	}
	in.log.Error("a frame was dropped", "error", err)
}
