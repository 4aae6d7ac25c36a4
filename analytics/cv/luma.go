package cv

import (
	"errors"
	"fmt"
	"time"
)

// Limits on what a stream may ask for. A stream beyond them is refused with
// [ErrDamaged].
const (
	// MaxPixels is the most pixels of a coded picture: 4096×4096, which holds 4K,
	// 12-megapixel fisheyes and two 4K pictures side by side. H.264 and H.265 may
	// make a decoder keep 17 pictures; at this size, 8 bits and 4:2:0 that is 430 MB.
	MaxPixels = 4096 * 4096
	// MaxSide is the longest side of a picture, in pixels.
	MaxSide = 8192
	// MaxAccessUnit is the longest access unit, in bytes.
	MaxAccessUnit = 16 << 20

	maxWorkWidth  = 720
	maxWorkHeight = 1280
)

var (
	// ErrDamaged means that the decoder refused an access unit or a picture. The
	// decoder can go on with the next one; until the next keyframe its pictures may be wrong.
	ErrDamaged = errors.New("damaged or unsupported video")
	// ErrUnsupported means that a picture was decoded but has no plane of luma to
	// take: RGB, packed or paletted pixels. It is also ErrDamaged.
	ErrUnsupported = fmt.Errorf("no plane of luma: %w", ErrDamaged)
	// ErrFull means that pictures wait in the decoder: Receive until it returns
	// false before the next Send.
	ErrFull = errors.New("decoded pictures not yet received")
	// ErrClosed means that the decoder was closed.
	ErrClosed = errors.New("decoder is closed")
	// ErrNoHardware means that no hardware here decodes such a stream, or libavcodec was built
	// without what drives it.
	ErrNoHardware = errors.New("no hardware decoder")
	// ErrNoDecoder means that the program was built without cgo.
	ErrNoDecoder = errors.New("built without cgo: no video decoder")
	// ErrNoEncoder means that libavcodec was built without libx264, or the program
	// without cgo.
	ErrNoEncoder = errors.New("libavcodec has no H.264 encoder (libx264)")
)

// LoopFilter says which pictures are smoothed at the edges of their blocks, as
// H.264 and H.265 ask for.
type LoopFilter int

// The kinds of filtering.
const (
	FilterAll  LoopFilter = iota // every picture, as the standards say
	FilterKey                    // keyframes alone
	FilterNone                   // no picture
)

// Luma is one picture at the working size. Its range, full or limited, is the
// stream's.
type Luma struct {
	Pix           []byte        // Width × Height, rows follow each other
	Width, Height int           // working size, see WorkingSize
	CodedWidth    int           // of the picture as shown, after the stream's crop, in pixels
	CodedHeight   int           //
	PTS           time.Duration // that of the access unit; not checked for order
	Keyframe      bool
	// Corrupt says that the decoder knows of errors in the picture: concealed
	// slices, or a start without a keyframe. It is a hint, not a verdict. FFmpeg
	// 5.1 does not say it of H.265, nor of pictures whose reference was lost
	// on the way; and cameras that never mark a point of random access have it on
	// most pictures for good.
	Corrupt bool
}

// Factor returns the side of the squares of pixels that become one pixel of the working
// size: the smallest that leaves at most 720 columns and 1280 rows.
func Factor(width, height int) int {
	f := 1
	for width/f > maxWorkWidth || height/f > maxWorkHeight {
		f++
	}
	return f
}

// WorkingSize returns the size of the luma of a picture: its size over Factor, the
// remainders at the right and the bottom dropped.
func WorkingSize(width, height int) (int, int) {
	f := Factor(width, height)
	return width / f, height / f
}
