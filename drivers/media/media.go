// Package media names what the video drivers hand on: encoded access units,
// with their time, and never a decoded picture.
package media

import (
	"fmt"
	"strings"
	"time"
)

// Codec is a video coding that the gateway can hand to its vision process.
type Codec uint8

// The codecs. Their numbers travel in analytics/wire and do not change.
const (
	H264  Codec = 1 // ITU-T H.264, Annex B byte stream
	H265  Codec = 2 // ITU-T H.265, Annex B byte stream
	MJPEG Codec = 3 // one JFIF picture an access unit
)

// String returns the name that people know the codec by.
func (c Codec) String() string {
	switch c {
	case H264:
		return "H.264"
	case H265:
		return "H.265"
	case MJPEG:
		return "MJPEG"
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// AccessUnit is one encoded picture.
//
// Data is owned by the receiver and is never written to again. For H.264 and
// H.265 it is an Annex B byte stream whose keyframes begin with their parameter
// sets, so that a decoder can start at any keyframe.
type AccessUnit struct {
	Codec Codec
	// PTS is media time since the session began. It never jumps back by more
	// than the reordering of B-pictures, over timestamp wraps too.
	PTS time.Duration
	// Wall is the wall clock of the picture: the camera's by RTCP sender report
	// when there is one, otherwise the time of arrival.
	Wall time.Time
	// Keyframe says that decoding can start here.
	Keyframe bool
	// Gap says that something was lost between the access unit before and this
	// one: a packet, a reconnection, a new session.
	Gap  bool
	Data []byte
}

// Info describes a video stream, as far as it is known.
type Info struct {
	Codec         Codec
	Width, Height int     // pixels, 0 while unknown
	FPS           float64 // pictures a second by the parameter sets, 0 if they do not say
	Transport     string  // "udp", "tcp", "file"
	Secure        bool    // RTSP over TLS
}

// String returns what is known, such as "H.264 1920×1080 tcp".
func (i Info) String() string {
	var parts []string
	if i.Codec != 0 {
		parts = append(parts, i.Codec.String())
	}
	if i.Width > 0 {
		parts = append(parts, fmt.Sprintf("%d×%d", i.Width, i.Height))
	}
	if i.Transport != "" {
		parts = append(parts, i.Transport)
	}
	return strings.Join(parts, " ")
}
