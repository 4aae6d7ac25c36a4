// Package wire is what the gateway and a vision process say to each other over
// a pair of inherited pipes.
//
// # Framing
//
// A message is a little-endian uint32 with the length of what follows, one byte
// of [Type], and the payload. Each side sends its messages in order and the
// other handles them in order, so that an answer also says that everything
// before it is done.
//
// # The conversation
//
//	gateway                         vision process
//	Config               ─────▶
//	                     ◀─────     Hello, once the sandbox is closed
//	AccessUnit …         ─────▶
//	Arm, Pace, Ping      ─────▶
//	                     ◀─────     Detection (begun, then ended), Progress
//	                     ◀─────     Overlay, Video, if the config asks for them
//	End                  ─────▶
//	                     ◀─────     the last Detections, Summary
//	closes the pipe      ─────▶
//	                                it exits 0
//
// The gateway treats what comes back as hostile: the process that wrote it has
// parsed a stranger's video. Lengths are bounded, JSON is decoded strictly, and
// every number is checked by the Validate methods.
package wire
