package dvrip

import (
	"fmt"

	"sentrybox/drivers/media"
)

// Error is why a session failed. Its text holds no secret, and it wraps nothing
// that does.
type Error struct {
	Phase media.Phase
	Ret   int // that the device answered, 0 if it was none
	text  string
}

// Error returns what was tried and what came of it.
func (e *Error) Error() string { return e.text }

// Locked says that the device has locked the user or this gateway out, so that
// further tries make it worse.
func (e *Error) Locked() bool { return e.Ret == RetLocked || e.Ret == RetBanned }

func failed(p media.Phase, format string, args ...any) *Error {
	return &Error{Phase: p, text: fmt.Sprintf(format, args...)}
}

// refusal explains the Ret of a login.
func refusal(ret int) *Error {
	e := &Error{Phase: media.Refused, Ret: ret}
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
		e.Phase = media.Unreachable
		e.text = fmt.Sprintf("this user is logged in elsewhere, and the device allows it once (code %d)", ret)
	default:
		e.Phase = media.Unreachable
		e.text = fmt.Sprintf("the device refuses to log in (code %d)", ret)
	}
	return e
}
