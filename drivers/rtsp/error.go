package rtsp

import "sentrybox/drivers/media"

// Error is why a session with a camera failed. Its text holds no secret, and
// it wraps nothing that does.
type Error struct {
	Phase media.Phase
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
