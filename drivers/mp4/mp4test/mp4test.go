// Package mp4test holds small video files for tests, with what they show.
//
// All of it is drawn by the programs in hack/footage, so nobody else has rights
// to it; hack/footage/make.sh makes the files anew.
package mp4test

import (
	_ "embed" // the clips
	"time"
)

//go:embed walker.mp4
var walker []byte

//go:embed h264.mp4
var h264 []byte

//go:embed h265.mp4
var h265 []byte

//go:embed mjpeg.mp4
var mjpeg []byte

// The clips are copied, so that a test that damages one leaves the others whole.
func clone(b []byte) []byte { return append([]byte(nil), b...) }

// H264 is 2 s of a moving test picture: H.264 High, 320×240, 10 pictures a
// second with two B-pictures between others, a keyframe every second, and an edit list.
func H264() []byte { return clone(h264) }

// H265 is the same as H264 in H.265 Main.
func H265() []byte { return clone(h265) }

// MJPEG is 2 s of the test picture as 10 JPEG pictures of 160×120.
func MJPEG() []byte { return clone(mjpeg) }

// Walker is a quiet yard with light sensor noise, into which one person walks
// from the left, crosses it and leaves: H.264 Main without B-pictures, as a
// camera makes it, 640×360, 12 pictures a second, a keyframe every 1.5 s.
// WalkerCentre says where the person is.
func Walker() []byte { return clone(walker) }

// What Walker shows.
const (
	WalkerWidth  = 640
	WalkerHeight = 360
	WalkerFPS    = 12
	// WalkerLength is the length of the clip. Until WalkerEnters nothing moves,
	// nor after WalkerLeaves.
	WalkerLength = 14 * time.Second
	WalkerEnters = 4 * time.Second
	WalkerLeaves = 11 * time.Second
)

// walkerWide is the walker's width with a full stride, as a fraction of the picture's.
const walkerWide = 0.09

// WalkerCentre returns the middle of the walker's body as a fraction of the
// picture's width, which is outside of 0 to 1 while nothing of the body is to be seen.
func WalkerCentre(at time.Duration) float64 {
	part := float64(at-WalkerEnters) / float64(WalkerLeaves-WalkerEnters)
	return -walkerWide/2 + part*(1+walkerWide)
}
