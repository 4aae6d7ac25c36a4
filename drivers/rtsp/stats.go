package rtsp

import "sync/atomic"

// Stats counts what happened since New. Counters only grow.
type Stats struct {
	AccessUnits  uint64 // handed to the sink
	Keyframes    uint64 // of these
	Bytes        uint64 // of these
	PacketsLost  uint64 // RTP packets that never came, by sequence number
	Damaged      uint64 // access units dropped because a part was lost or too large
	Undecodable  uint64 // access units dropped because no keyframe had come yet in their session
	DecodeErrors uint64 // packets that break RTP, RTCP or their payload format
	Reconnects   uint64 // sessions begun after the first
}

type counters struct {
	accessUnits, keyframes, bytes, packetsLost, damaged, undecodable, decodeErrors, reconnects atomic.Uint64
}

func (c *counters) snapshot() Stats {
	return Stats{
		AccessUnits:  c.accessUnits.Load(),
		Keyframes:    c.keyframes.Load(),
		Bytes:        c.bytes.Load(),
		PacketsLost:  c.packetsLost.Load(),
		Damaged:      c.damaged.Load(),
		Undecodable:  c.undecodable.Load(),
		DecodeErrors: c.decodeErrors.Load(),
		Reconnects:   c.reconnects.Load(),
	}
}
