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
//	Revision             ─────▶
//	                     ◀─────     what the rules of before still saw, Revised
//	End                  ─────▶
//	                     ◀─────     the last Detections, Summary
//	closes the pipe      ─────▶
//	                                it exits 0
//
// The gateway treats what comes back as hostile: the process that wrote it has
// parsed a stranger's video. Lengths are bounded, JSON is decoded strictly, and
// every number is checked by the Validate methods.
//
// # What changes while it runs
//
// New rules, zones and figures are sent to the process that runs. One that was started anew in its
// place would take whoever stands in the picture for a part of the background, show the place they leave as
// something new, and begin their time in a zone again. With a [Revision] the background and the tracks stay, and so does
// what a rule has seen that still looks for the same in the same place, see [Config.Kept]. What else changes takes
// another process: other models and limits, which it is shut in with, and other privacy masks.
//
// # What a process leaves
//
// Such a process, and one that takes the place of one which was killed or has crashed, begins with what that has left, see
// [Config.Legacy]: its background, of half a minute before at most, and who was there, of the last second. It is in a file in memory that both map, and in no
// message: it is there however the process ends, nothing is sent while nothing ends, and the gateway holds and copies nothing. The next
// process checks all of it, and that its first picture is of that background; otherwise it learns anew.
package wire
