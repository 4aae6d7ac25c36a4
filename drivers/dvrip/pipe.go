package dvrip

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/sandbox"
)

// What goes over the pipes between a Source and its session's process. Both ends
// are the same program, so there is no version; but the process has read a
// stranger's bytes, and nothing that it says is believed unchecked.

// order is what the process is told to do, one JSON object on its standard input.
type order struct {
	User, Password string
	Channel        int
	Stream         string        // Main or Extra1
	MaxFrame       int           // bytes
	Timeout        time.Duration // for the answer to the request for video; none if 0
}

// The kinds of records on the process's standard output. Each is a byte of kind,
// three that a picture uses, two numbers of 16 bits (width and height), and the
// length of what follows, little-endian.
const (
	recordHello   = 1 // JSON of hello, when logged in
	recordPicture = 2
	recordEnd     = 3 // JSON of end: why the session is over
)

const (
	recordHead  = 12
	maxTextual  = 4 << 10
	flagKey     = 1
	flagGap     = 2
	largestSide = 16384 // pixels
)

// hello is what the process tells when the device has taken the login.
type hello struct {
	Device   string // as it names its type
	Channels int
	Sandbox  sandbox.Report
}

// end is why a session is over, with what it has counted.
type end struct {
	Phase            media.Phase
	Ret              int
	Text             string
	Damaged, Waiting uint64
}

type record struct {
	kind    byte
	picture picture // of recordPicture
	text    []byte  // of the others
}

func writePicture(w io.Writer, p picture) error {
	b := make([]byte, recordHead, recordHead+len(p.data))
	b[0], b[2] = recordPicture, byte(p.codec)
	if p.key {
		b[1] |= flagKey
	}
	if p.gap {
		b[1] |= flagGap
	}
	b[3] = byte(p.fps)
	binary.LittleEndian.PutUint16(b[4:], uint16(min(p.width, largestSide)))
	binary.LittleEndian.PutUint16(b[6:], uint16(min(p.height, largestSide)))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(p.data)))
	_, err := w.Write(append(b, p.data...))
	return err
}

func writeJSON(w io.Writer, kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b := make([]byte, recordHead, recordHead+len(text))
	b[0] = kind
	binary.LittleEndian.PutUint32(b[8:], uint32(len(text)))
	_, err = w.Write(append(b, text...))
	return err
}

// readRecord reads and checks one record, whose pictures have at most limit bytes.
func readRecord(r io.Reader, limit int) (record, error) {
	var h [recordHead]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return record{}, err
	}
	rec := record{kind: h[0]}
	size := binary.LittleEndian.Uint32(h[8:])
	switch rec.kind {
	case recordHello, recordEnd:
		if size > maxTextual {
			return rec, fmt.Errorf("a text of %d bytes", size)
		}
		rec.text = make([]byte, size)
		_, err := io.ReadFull(r, rec.text)
		return rec, err
	case recordPicture:
	default:
		return rec, fmt.Errorf("a record of kind %d", rec.kind)
	}
	p := &rec.picture
	p.key, p.gap, p.fps = h[1]&flagKey != 0, h[1]&flagGap != 0, int(h[3])
	p.codec = media.Codec(h[2])
	p.width, p.height = int(binary.LittleEndian.Uint16(h[4:])), int(binary.LittleEndian.Uint16(h[6:]))
	switch {
	case p.codec != media.H264 && p.codec != media.H265:
		return rec, fmt.Errorf("a picture of codec %d", h[2])
	case size == 0 || uint64(size) > uint64(limit):
		return rec, fmt.Errorf("a picture of %d bytes", size)
	case p.width > largestSide || p.height > largestSide:
		return rec, fmt.Errorf("a picture of %d×%d", p.width, p.height)
	}
	p.data = make([]byte, size)
	_, err := io.ReadFull(r, p.data)
	return rec, err
}
