package rtsp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/sdp"

	"sentrybox/drivers/media"
)

// mend prepares a session description for the library, and returns the parameter
// sets that were in it, by media.
//
// The library refuses a whole description for one media that it cannot parse.
// If it would, the media other than video are left out.
func mend(body []byte) ([]byte, map[int][][]byte) {
	clean, sets := takeSets(body)
	err := parses(clean)
	if err == nil {
		return clean, sets
	}
	video, videoSets := takeSets(onlyVideo(body))
	if parses(video) == nil {
		return video, videoSets
	}
	if errors.Is(err, errPanic) {
		return nil, nil
	}
	return clean, sets
}

var errPanic = errors.New("the parser failed")

// parses tries what the library will do, where it can still be caught.
func parses(b []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	var raw sdp.SessionDescription
	if err := raw.Unmarshal(b); err != nil {
		return err
	}
	var desc description.Session
	return desc.Unmarshal(&raw)
}

func onlyVideo(body []byte) []byte {
	var out bytes.Buffer
	keep := true
	for line := range bytes.Lines(body) {
		if bytes.HasPrefix(line, []byte("m=")) {
			keep = bytes.HasPrefix(line, []byte("m=video"))
		}
		if keep {
			out.Write(line)
		}
	}
	return out.Bytes()
}

// takeSets takes the parameter sets out of a session description (RFC 6184
// 8.2.1, RFC 7798 7.1), by media, and returns it without them.
//
// The library refuses a description, too, for one parameter set that it cannot
// parse, such as an H.265 SPS with long-term reference pictures, and keeps one
// H.264 PPS where there may be several. A camera can be read all the same: the
// sets are wanted as bytes only.
func takeSets(body []byte) (clean []byte, sets map[int][][]byte) {
	sets = map[int][][]byte{}
	var out bytes.Buffer
	index := -1
	for line := range bytes.Lines(body) {
		text := strings.TrimRight(string(line), "\r\n")
		if strings.HasPrefix(text, "m=") {
			index++
		}
		if index >= 0 && strings.HasPrefix(text, "a=fmtp:") {
			var found [][]byte
			text, found = takeFromFMTP(text)
			sets[index] = append(sets[index], found...)
		}
		out.WriteString(text)
		out.WriteString("\r\n")
	}
	return out.Bytes(), sets
}

func takeFromFMTP(line string) (string, [][]byte) {
	head, params, ok := strings.Cut(line, " ")
	if !ok {
		return line, nil
	}
	var keep []string
	var sets [][]byte
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps":
			for s := range strings.SplitSeq(value, ",") {
				if set := decodeSet(s); len(set) > 0 {
					sets = append(sets, set)
				}
			}
		case "":
		default:
			keep = append(keep, strings.TrimSpace(param))
		}
	}
	return head + " " + strings.Join(keep, "; "), sets
}

// decodeSet decodes a parameter set, with or without padding. Some cameras put
// a start code before it.
func decodeSet(s string) []byte {
	s = strings.TrimRight(strings.Trim(s, ` "`), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	b = bytes.TrimPrefix(b, []byte{0, 0, 0, 1})
	return bytes.TrimPrefix(b, []byte{0, 0, 1})
}

// choice is the video that was picked of what a camera offers.
type choice struct {
	index  int // of its media
	media  *description.Media
	format format.Format
	codec  media.Codec
}

// choose picks the first media with H.264 or H.265, or else the first with
// MJPEG. The media of its answer is a copy that has the chosen format only, so
// that nothing else is set up or received.
func choose(desc *description.Session) (choice, *Error) {
	best := choice{index: -1}
	var video []string
	for i, m := range desc.Medias {
		if m.Type != description.MediaTypeVideo || m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			c, ok := codecOf(f)
			if !ok {
				video = append(video, formatName(f))
				continue
			}
			if best.index < 0 || (best.codec == media.MJPEG && c != media.MJPEG) {
				best = choice{i, m, f, c}
			}
		}
	}
	switch {
	case best.index >= 0:
		only := *best.media
		only.Formats = []format.Format{best.format}
		best.media = &only
		return best, nil
	case len(video) > 0:
		return best, &Error{Phase: media.Unreadable, text: fmt.Sprintf("the camera offers video as %s only; set it to H.264, H.265 or MJPEG", strings.Join(video, ", "))}
	default:
		return best, &Error{Phase: media.NoVideo, text: "the stream has no video, only " + kinds(desc)}
	}
}

func kinds(desc *description.Session) string {
	var all []string
	for _, m := range desc.Medias {
		all = append(all, shorten(printable(string(m.Type)), 20))
	}
	return strings.Join(all, ", ")
}
