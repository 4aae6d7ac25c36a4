//go:build !cgo

package cv

import (
	"image"
	"time"
)

// Decoder stands in for the real one in a program built without cgo.
type Decoder struct{}

// NewDecoder returns ErrNoDecoder.
func NewDecoder(uint8) (*Decoder, error) { return nil, ErrNoDecoder }

// NewHardwareDecoder returns ErrNoHardware.
func NewHardwareDecoder(uint8) (*Decoder, error) { return nil, ErrNoHardware }

// Close does nothing.
func (*Decoder) Close() error { return nil }

// Filter does nothing.
func (*Decoder) Filter(LoopFilter) {}

// Send returns ErrNoDecoder.
func (*Decoder) Send([]byte, time.Duration, bool) error { return ErrNoDecoder }

// Receive returns ErrNoDecoder.
func (*Decoder) Receive(*Luma) (bool, error) { return false, ErrNoDecoder }

// Skip returns ErrNoDecoder.
func (*Decoder) Skip(*Luma) (bool, error) { return false, ErrNoDecoder }

// Convert returns ErrNoDecoder.
func (*Decoder) Convert(*Luma) error { return ErrNoDecoder }

// Region returns ErrNoDecoder.
func (*Decoder) Region([]byte, image.Rectangle, int) error { return ErrNoDecoder }

// Drain returns ErrNoDecoder.
func (*Decoder) Drain() error { return ErrNoDecoder }

// Flush does nothing.
func (*Decoder) Flush() {}

// Snapshot returns ErrNoDecoder.
func (*Decoder) Snapshot(int) (*image.YCbCr, error) { return nil, ErrNoDecoder }

// KeepMemory does nothing.
func KeepMemory() error { return nil }

// UseOneThread returns ErrNoDecoder.
func UseOneThread() error { return ErrNoDecoder }

// Encoder stands in for the real one in a program built without cgo.
type Encoder struct{}

// NewEncoder returns ErrNoEncoder.
func NewEncoder(int, int, time.Duration) (*Encoder, error) { return nil, ErrNoEncoder }

// Close does nothing.
func (*Encoder) Close() error { return nil }

// Encode returns ErrNoEncoder.
func (*Encoder) Encode(*image.YCbCr, time.Duration, func([]byte, time.Duration, bool) error) error {
	return ErrNoEncoder
}

// Finish returns ErrNoEncoder.
func (*Encoder) Finish(func([]byte, time.Duration, bool) error) error { return ErrNoEncoder }
