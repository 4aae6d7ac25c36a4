package sip

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Codec is a way of audio, by its static payload type (RFC 3551 section 6).
type codec int

const (
	pcmu codec = 0
	pcma codec = 8
)

func (c codec) String() string {
	if c == pcma {
		return "PCMA"
	}
	return "PCMU"
}

// What a session description may be.
const (
	maxSDP     = 4 << 10
	maxLines   = 200
	maxMedia   = 8
	maxFormats = 32
)

// session is what one side says of its media (RFC 4566, RFC 3264).
type session struct {
	addr   netip.Addr // where it wants the audio; not valid if that is no address
	port   int        // 0: none
	codecs []format   // those of ours that it has, in its order
	event  int        // payload type of telephone-event (RFC 4733), -1 if it has none
	// sends and receives are its direction.
	sends, receives bool
	audio           int     // which of media is the audio
	media           []media // all that it describes, for an answer has as many
}

// format is a codec by the payload type that the other side has given it.
type format struct {
	codec   codec
	payload int
}

type media struct {
	kind, proto string
	formats     []string
}

var errNoAudio = errors.New("no audio that we speak: PCMU or PCMA over RTP/AVP")

// parseSDP reads a session description. It fails if there is no audio of ours in it.
func parseSDP(b []byte) (*session, error) {
	if len(b) > maxSDP || bytes.Count(b, []byte("\n")) > maxLines {
		return nil, errors.New("a session description too long")
	}
	s := &session{event: -1, sends: true, receives: true, audio: -1}
	names := map[int]string{}
	for line := range strings.SplitSeq(string(b), "\n") {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r"), "=")
		if !ok {
			continue
		}
		switch key {
		case "c":
			// For the whole, or for the audio alone.
			if s.audio < 0 && len(s.media) == 0 || s.audio >= 0 && s.audio == len(s.media)-1 {
				s.connection(value)
			}
		case "m":
			if err := s.describe(value); err != nil {
				return nil, err
			}
		case "a":
			if s.audio >= 0 && s.audio == len(s.media)-1 || len(s.media) == 0 {
				s.attribute(value, names)
			}
		}
	}
	if s.audio < 0 {
		return nil, errNoAudio
	}
	s.choose(names)
	if len(s.codecs) == 0 {
		return nil, errNoAudio
	}
	return s, nil
}

// connection reads "IN IP4 10.0.0.9".
func (s *session) connection(value string) {
	if f := strings.Fields(value); len(f) == 3 && f[0] == "IN" {
		host, _, _ := strings.Cut(f[2], "/")
		if a, err := netip.ParseAddr(host); err == nil {
			s.addr = a.Unmap()
		}
	}
}

// describe reads "audio 49170 RTP/AVP 0 8 101".
func (s *session) describe(value string) error {
	f := strings.Fields(value)
	if len(f) < 4 || len(f) > 3+maxFormats || len(s.media) >= maxMedia {
		return errors.New("a description of media that is none")
	}
	for _, one := range f {
		if !token(one) {
			return errors.New("a description of media that is none")
		}
	}
	s.media = append(s.media, media{kind: f[0], proto: f[2], formats: f[3:]})
	port, _, _ := strings.Cut(f[1], "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return errors.New("a port that is none")
	}
	if s.audio < 0 && f[0] == "audio" && n != 0 && (f[2] == "RTP/AVP" || f[2] == "RTP/AVPF") {
		s.audio, s.port = len(s.media)-1, int(n)
	}
	return nil
}

// token says whether s is of characters that may stand in a line of ours.
func token(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= 64
}

// attribute reads "rtpmap:101 telephone-event/8000" and the directions.
func (s *session) attribute(value string, names map[int]string) {
	switch value {
	case "sendonly":
		s.sends, s.receives = true, false
	case "recvonly":
		s.sends, s.receives = false, true
	case "inactive":
		s.sends, s.receives = false, false
	case "sendrecv":
		s.sends, s.receives = true, true
	}
	if rest, ok := strings.CutPrefix(value, "rtpmap:"); ok && len(names) < maxFormats {
		number, name, _ := strings.Cut(rest, " ")
		if n, err := strconv.ParseUint(number, 10, 7); err == nil {
			names[int(n)] = strings.ToUpper(strings.TrimSuffix(strings.TrimSpace(name), "/1"))
		}
	}
}

// choose finds our codecs among the audio's formats.
func (s *session) choose(names map[int]string) {
	for _, f := range s.media[s.audio].formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		name := names[int(n)]
		switch {
		case name == "PCMU/8000" || n == 0 && name == "":
			s.codecs = append(s.codecs, format{pcmu, int(n)})
		case name == "PCMA/8000" || n == 8 && name == "":
			s.codecs = append(s.codecs, format{pcma, int(n)})
		case name == "TELEPHONE-EVENT/8000" && s.event < 0:
			s.event = int(n)
		}
	}
	if !s.addr.IsValid() || s.addr.IsUnspecified() { // on hold, as RFC 2543 had it
		s.receives = false
	}
}

// description is what we say of our side.
type description struct {
	addr    netip.Addr
	port    int
	id      uint64
	version uint64
	formats []format
	event   int // -1: none
	// sends and receives are our direction.
	sends, receives bool
	answers         *session // nil: it is an offer
}

// bytes returns the description as it goes out.
func (d *description) bytes() []byte {
	family := "IP4"
	if d.addr.Is6() {
		family = "IP6"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "v=0\r\no=%s %d %d IN %s %s\r\ns=-\r\nc=IN %[4]s %[5]s\r\nt=0 0\r\n", product, d.id, d.version, family, d.addr)
	if d.answers == nil {
		d.audio(&b, "RTP/AVP")
		return b.Bytes()
	}
	for i, m := range d.answers.media {
		if i == d.answers.audio {
			d.audio(&b, m.proto)
		} else {
			fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", m.kind, m.proto, strings.Join(m.formats, " "))
		}
	}
	return b.Bytes()
}

func (d *description) audio(b *bytes.Buffer, proto string) {
	fmt.Fprintf(b, "m=audio %d %s", d.port, proto)
	for _, f := range d.formats {
		fmt.Fprintf(b, " %d", f.payload)
	}
	if d.event >= 0 {
		fmt.Fprintf(b, " %d", d.event)
	}
	b.WriteString("\r\n")
	for _, f := range d.formats {
		fmt.Fprintf(b, "a=rtpmap:%d %s/8000\r\n", f.payload, f.codec)
	}
	if d.event >= 0 {
		fmt.Fprintf(b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%[1]d 0-15\r\n", d.event)
	}
	direction := "inactive"
	switch {
	case d.sends && d.receives:
		direction = "sendrecv"
	case d.sends:
		direction = "sendonly"
	case d.receives:
		direction = "recvonly"
	}
	fmt.Fprintf(b, "a=ptime:20\r\na=%s\r\n", direction)
}
