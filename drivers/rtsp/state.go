package rtsp

import (
	"time"

	"sentrybox/drivers/media"
)

// Phase is how a camera is doing, in the words that devices are described with
// to people.
type Phase string

// The phases.
const (
	Connecting  Phase = "connecting"  // the first try, or the first after pictures that ended
	Online      Phase = "online"      // pictures arrive
	Unreachable Phase = "unreachable" // nobody there, or nobody who speaks RTSP with us
	Refused     Phase = "refused"     // user or password missing or wrong
	NoVideo     Phase = "no_video"    // no such stream, or one without video
	Codec       Phase = "codec"       // video, but none that we can read
	Stalled     Phase = "stalled"     // connected, and no picture for Config.Stall
)

// State is a change in how a camera is doing.
type State struct {
	Phase Phase
	// Info is the stream, as far as it is known. While a camera is away it is
	// the stream that was.
	Info media.Info
	// Err is why, an *Error, nil while Online and at the first try.
	Err error
	// Retry is how long until the next try; 0 while Online and at the first try.
	Retry time.Duration
}

// Error is why a session with a camera failed. Its text holds no secret, and
// it wraps nothing that does.
type Error struct {
	Phase Phase
	// Status is the RTSP status that the camera answered, 0 if it was none.
	Status int
	text   string
}

// Error returns what was tried and what came of it.
func (e *Error) Error() string { return e.text }

// join makes one error of what two tries came to. The second decides.
func join(first, second *Error) *Error {
	if first.text == second.text {
		return second
	}
	return &Error{Phase: second.Phase, Status: second.Status, text: first.text + "; " + second.text}
}
