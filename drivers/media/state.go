package media

import "time"

// Phase is how a camera or recorder is doing, in the words that devices are described with
// to people.
type Phase string

// The phases.
const (
	Connecting  Phase = "connecting"  // the first try, or the first after pictures that ended
	Online      Phase = "online"      // pictures arrive
	Unreachable Phase = "unreachable" // nobody there, or nobody who speaks the protocol with us
	Refused     Phase = "refused"     // user or password missing or wrong
	NoVideo     Phase = "no_video"    // no such stream, or one without video
	Unreadable  Phase = "codec"       // video, but in no Codec of ours
	Stalled     Phase = "stalled"     // connected, and no picture for too long
)

// State is a change in how a camera is doing.
type State struct {
	Phase Phase
	// Info is the stream, as far as it is known. While a camera is away it is
	// the stream that was.
	Info Info
	// Err is why, an error of the driver's; nil while Online and at the first try.
	Err error
	// Retry is how long until the next try; 0 while Online and at the first try.
	Retry time.Duration
}
