//go:build cgo

package main

import (
	"fmt"
	"time"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
	"sentrybox/sandbox"
)

// enterSandbox closes the process off from the machine. What the libraries set
// up at their first use is used once before.
func enterSandbox(cfg *wire.Config) (wire.Sandbox, error) {
	for _, codec := range []uint8{wire.CodecH264, wire.CodecH265, wire.CodecMJPEG} {
		d, err := cv.NewDecoder(codec)
		if err == nil {
			err = d.Close()
		}
		if err != nil {
			return wire.Sandbox{}, fmt.Errorf("try the decoders: %w", err)
		}
	}
	if cfg.Annotate {
		canEncode()
	}
	limit := cfg.AddressSpace
	if limit == 0 {
		limit = sandbox.DefaultAddressSpace
	}
	box, err := sandbox.Enter(sandbox.Config{AddressSpace: limit, Video: cfg.Hardware})
	return wire.Sandbox(box), err
}

// canEncode says whether annotated video can be made here.
func canEncode() bool {
	e, err := cv.NewEncoder(64, 64, time.Second)
	if err != nil {
		return false
	}
	_ = e.Close() // returns nil
	return true
}
