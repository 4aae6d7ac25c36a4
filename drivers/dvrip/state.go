package dvrip

import (
	"fmt"
	"time"

	"sentrybox/drivers/media"
)

// Phase is how a device is doing, in the words of drivers/rtsp.
type Phase string

// The phases.
const (
	Connecting  Phase = "connecting"
	Online      Phase = "online"
	Unreachable Phase = "unreachable"
	Refused     Phase = "refused"
	NoVideo     Phase = "no_video"
	Codec       Phase = "codec"
	Stalled     Phase = "stalled"
)

// State is a change in how a device is doing.
type State struct {
	Phase Phase
	Info  media.Info
	Err   error         // why, an *Error; nil while Online and at the first try
	Retry time.Duration // until the next try; 0 while Online and at the first try
}

// Error is why a session failed. Its text holds no secret, and it wraps nothing
// that does.
type Error struct {
	Phase Phase
	Ret   int // that the device answered, 0 if it was none
	text  string
}

// Error returns what was tried and what came of it.
func (e *Error) Error() string { return e.text }

// Locked says that the device has locked the user or this gateway out, so that
// further tries make it worse.
func (e *Error) Locked() bool { return e.Ret == RetLocked || e.Ret == RetBanned }

func failed(p Phase, format string, args ...any) *Error {
	return &Error{Phase: p, text: fmt.Sprintf(format, args...)}
}

// refusal explains the Ret of a login.
func refusal(ret int) *Error {
	e := &Error{Phase: Refused, Ret: ret}
	switch ret {
	case RetWrong, RetWrongPassword, RetNoUser, RetIllegalUser:
		e.text = fmt.Sprintf("the device refuses this user or password (code %d)", ret)
	case RetLocked:
		e.text = fmt.Sprintf("the device has locked this user after wrong passwords (code %d); it opens by itself after some minutes, or when it is restarted", ret)
	case RetBanned:
		e.text = fmt.Sprintf("the device has this gateway's address on its black list (code %d)", ret)
	case RetForbidden, RetNotPermitted:
		e.text = fmt.Sprintf("this user may not log in or watch (code %d)", ret)
	case RetLoggedIn, RetInUse:
		e.Phase = Unreachable
		e.text = fmt.Sprintf("this user is logged in elsewhere, and the device allows it once (code %d)", ret)
	default:
		e.Phase = Unreachable
		e.text = fmt.Sprintf("the device refuses to log in (code %d)", ret)
	}
	return e
}

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
