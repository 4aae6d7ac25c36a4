package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ErrNotMP4 is wrapped by the error of Open for a file that is something else
// than MP4 or QuickTime; the error says what it is and how to convert it.
var ErrNotMP4 = errors.New("not an MP4 file")

// How people get from what they have to what can be read here. A container
// whose pictures are usually fine is only repacked.
const (
	repack   = "ffmpeg -i IN -c copy OUT.mp4"
	reencode = "ffmpeg -i IN -c:v libx264 OUT.mp4"
)

const sniffLength = 1024

type container struct {
	name    string
	convert string
	is      func(head []byte) bool
}

func containers() []container {
	prefix := func(magic string) func([]byte) bool {
		return func(b []byte) bool { return bytes.HasPrefix(b, []byte(magic)) }
	}
	riff := func(form string) func([]byte) bool {
		return func(b []byte) bool {
			return len(b) >= 12 && string(b[:4]) == "RIFF" && strings.HasPrefix(string(b[8:12]), form)
		}
	}
	return []container{
		{"an AVI file", repack + ", or for its older codecs " + reencode, riff("AVI")},
		{"a WebP picture", "", riff("WEBP")},
		{"a WAVE sound", "", riff("WAVE")},
		{"a Matroska or WebM file (MKV)", repack, prefix("\x1a\x45\xdf\xa3")},
		{"a Hikvision recording in an MPEG program stream", repack, prefix("IMKH")},
		{"a Dahua recording (DAV)", repack, prefix("DHAV")},
		{"an MPEG program stream", repack, prefix("\x00\x00\x01\xba")},
		{"an MPEG-1 or MPEG-2 video stream", reencode, prefix("\x00\x00\x01\xb3")},
		{"an MPEG transport stream (TS)", repack, func(b []byte) bool { return syncBytes(b, 0, 188) || syncBytes(b, 4, 192) }},
		{"a Flash video (FLV)", repack, prefix("FLV")},
		{"a Windows Media file (ASF, WMV)", reencode, prefix("\x30\x26\xb2\x75\x8e\x66\xcf\x11")},
		{"an Ogg file", reencode, prefix("OggS")},
		{"a RealMedia file", reencode, prefix(".RMF")},
		{"a bare H.264 or H.265 stream", repack, func(b []byte) bool {
			return bytes.HasPrefix(b, []byte{0, 0, 0, 1}) && len(b) > 4 && b[4]&0x80 == 0 ||
				bytes.HasPrefix(b, []byte{0, 0, 1}) && len(b) > 3 && b[3]&0x80 == 0
		}},
		{"a JPEG picture or a bare MJPEG stream", reencode, prefix("\xff\xd8\xff")},
		{"a PNG picture", "", prefix("\x89PNG\r\n\x1a\n")},
		{"a GIF picture", reencode, prefix("GIF8")},
		{"a web page", "", func(b []byte) bool {
			b = bytes.ToLower(bytes.TrimSpace(b))
			return bytes.HasPrefix(b, []byte("<!doctype")) || bytes.HasPrefix(b, []byte("<html"))
		}},
	}
}

// syncBytes says whether b has the sync byte of ISO/IEC 13818-1 2.4.3.3 at the
// start of each packet that fits, two at least.
func syncBytes(b []byte, first, packet int) bool {
	n := 0
	for i := first; i < len(b); i += packet {
		if b[i] != 0x47 {
			return false
		}
		n++
	}
	return n >= 2
}

// sniff checks that head, the first bytes of a file, can begin an MP4 or
// QuickTime file: with a box that is known to come first (ISO/IEC 14496-12
// 4.3; older QuickTime files have no ftyp).
func sniff(head []byte) error {
	if len(head) == 0 {
		return fmt.Errorf("%w: it is empty", ErrNotMP4)
	}
	if len(head) >= 8 {
		switch string(head[4:8]) {
		case "ftyp", "styp", "moov", "moof", "mdat", "wide", "free", "skip", "pnot", "uuid", "sidx":
			return nil
		}
	}
	for _, c := range containers() {
		if !c.is(head) {
			continue
		}
		if c.convert == "" {
			return fmt.Errorf("%w: it is %s", ErrNotMP4, c.name)
		}
		return fmt.Errorf("%w: it is %s; convert it: %s", ErrNotMP4, c.name, c.convert)
	}
	return fmt.Errorf("%w: it begins with % x; if it is a video, convert it: %s", ErrNotMP4, head[:min(len(head), 12)], reencode)
}
