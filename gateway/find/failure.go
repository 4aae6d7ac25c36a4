package find

import (
	"cmp"
	"context"
	"errors"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/media"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/rtsp"
)

// nobody says that an error is about the port and not about the path.
func nobody(err error) bool {
	var e *rtsp.Error
	return errors.As(err, &e) && e.Phase == media.Unreachable && e.Status == 0
}

// failureOf says in one word why an attempt failed.
func failureOf(err error) Failure { return cmp.Or(FailureOf(err), Unreachable) }

// FailureOf says in one word why a driver could not have what it was asked for; nothing if err is not of a
// driver, nor of who stopped it.
func FailureOf(err error) Failure {
	var byONVIF *onvif.Error
	var byRTSP *rtsp.Error
	var byDVRIP *dvrip.Error
	switch {
	case errors.Is(err, context.Canceled):
		return Stopped
	case errors.Is(err, errNoStream):
		return NoStream
	case errors.As(err, &byONVIF):
		return Failure(byONVIF.Kind) // by the same words
	case errors.As(err, &byDVRIP) && byDVRIP.Locked():
		return Locked
	case errors.As(err, &byDVRIP):
		return ofPhase(byDVRIP.Phase)
	case errors.As(err, &byRTSP):
		return ofPhase(byRTSP.Phase)
	}
	return ""
}

// ofPhase takes the phase of a stream that did not come.
func ofPhase(p media.Phase) Failure {
	switch p {
	case media.Refused:
		return Refused
	case media.NoVideo:
		return NoStream
	case media.Unreadable:
		return Codec
	case media.Stalled:
		return Stalled
	}
	return Unreachable
}
