package dvrip

import "sync/atomic"

// Stats counts what happened since New. Counters only grow.
type Stats struct {
	AccessUnits uint64 // handed to the sink
	Keyframes   uint64 // of these
	Bytes       uint64 // of these
	Damaged     uint64 // frames that were cut off or could not be read
	Undecodable uint64 // pictures dropped because no keyframe had come yet in their session
	Reconnects  uint64 // sessions begun after the first
	Crashes     uint64 // of the session's process
}

type counters struct {
	accessUnits, keyframes, bytes, damaged, undecodable, reconnects, crashes atomic.Uint64
}

func (c *counters) snapshot() Stats {
	return Stats{
		AccessUnits: c.accessUnits.Load(), Keyframes: c.keyframes.Load(), Bytes: c.bytes.Load(),
		Damaged: c.damaged.Load(), Undecodable: c.undecodable.Load(),
		Reconnects: c.reconnects.Load(), Crashes: c.crashes.Load(),
	}
}
