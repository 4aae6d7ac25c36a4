package lora

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"

	"sentrybox/drivers/replay"
)

// Receiver opens frames of devices whose keys it has. It is for one goroutine.
type Receiver struct {
	guard *replay.Guard
	macs  map[uint32]hash.Hash
}

// NewReceiver returns a receiver for the devices that have a key. The guard keeps
// their counters, under the device's number in eight hexadecimal digits.
func NewReceiver(keys map[uint32][]byte, guard *replay.Guard) (*Receiver, error) {
	r := &Receiver{guard: guard, macs: map[uint32]hash.Hash{}}
	for device, key := range keys {
		if len(key) < MinKey {
			return nil, fmt.Errorf("device %08x: a key of %d bytes, at least %d", device, len(key), MinKey)
		}
		r.macs[device] = hmac.New(sha256.New, key)
	}
	return r, nil
}

// Open reads a frame and takes it once. Another error than those above means that
// nobody can tell whether it was heard before. The payload is part of b. The
// counters of events are to be saved as soon as the event is passed on.
func (r *Receiver) Open(b []byte) (Frame, error) {
	f, err := open(b, func(device uint32) hash.Hash { return r.macs[device] })
	if err != nil {
		return Frame{}, err
	}
	fresh, err := r.guard.Accept(Name(f.Device), f.Counter)
	if err != nil {
		return Frame{}, err
	}
	if !fresh {
		return Frame{}, ErrReplay
	}
	return f, nil
}

// Name is how a device's number is written: eight hexadecimal digits.
func Name(device uint32) string { return fmt.Sprintf("%08x", device) }
