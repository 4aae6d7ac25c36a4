package find

import (
	"context"
	"errors"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/rtsp"
)

// nobody says that an error is about the port and not about the path.
func nobody(err error) bool {
	var e *rtsp.Error
	return errors.As(err, &e) && e.Phase == rtsp.Unreachable && e.Status == 0
}

// failureOf says in one word why an attempt failed.
func failureOf(err error) Failure {
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
		return ofPhase(rtsp.Phase(byDVRIP.Phase))
	case errors.As(err, &byRTSP):
		return ofPhase(byRTSP.Phase)
	}
	return Unreachable
}

// ofPhase takes the phase of a stream that did not come.
func ofPhase(p rtsp.Phase) Failure {
	switch p {
	case rtsp.Refused:
		return Refused
	case rtsp.NoVideo:
		return NoStream
	case rtsp.Codec:
		return Codec
	case rtsp.Stalled:
		return Stalled
	}
	return Unreachable
}
