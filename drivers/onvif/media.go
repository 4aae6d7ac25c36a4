package onvif

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// maxProfiles is how many profiles of a device are looked at: recorders have two
// for each of up to 64 channels.
const maxProfiles = 128

// Profile is one stream that a device offers, as it describes it.
type Profile struct {
	Token, Name   string
	Source        string // of the picture: streams of one source show the same
	Codec         string // H.264, H.265, JPEG, or the device's word
	Width, Height int
	FPS           float64 // that it is limited to
	Bitrate       int     // kbit/s that it is limited to
	GOP           int     // pictures from keyframe to keyframe, 0 if it is not said
	// StreamURL is rtsp://…, on the host that was asked, without a user; empty if
	// the device does not tell.
	StreamURL   string
	SnapshotURL string
	// Moved says that the device named another host in its stream's address.
	Moved bool
}

type encoder struct {
	Encoding    string
	Resolution  struct{ Width, Height int }
	RateControl struct {
		FrameRateLimit float64
		BitrateLimit   int
	}
	GovLength int                     `xml:"GovLength,attr"` // Media2
	H264      struct{ GovLength int } // Media
	MPEG4     struct{ GovLength int }
}

type rawProfile struct {
	Token         string                       `xml:"token,attr"`
	Name          string                       `xml:"Name"`
	Source        struct{ SourceToken string } `xml:"VideoSourceConfiguration"`
	Encoder       *encoder                     `xml:"VideoEncoderConfiguration"`
	Configuration struct {                     // Media2
		Source  struct{ SourceToken string } `xml:"VideoSource"`
		Encoder *encoder                     `xml:"VideoEncoder"`
	} `xml:"Configurations"`
}

type profileList struct {
	Profiles []rawProfile
}

// Profiles asks for the streams with their addresses, by Media2 where there is one,
// since H.265 is not known to the older service.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	s, err := c.services(ctx)
	if err != nil {
		return nil, err
	}
	if s.media2 != nil {
		list, err := c.profiles(ctx, s.media2, true)
		if err == nil && len(list) > 0 || s.media == nil || c.barred != nil {
			return list, err
		}
	}
	return c.profiles(ctx, s.media, false)
}

func (c *Client) profiles(ctx context.Context, to *url.URL, second bool) ([]Profile, error) {
	body := `<GetProfiles xmlns="` + nsMedia + `"/>`
	if second {
		body = `<GetProfiles xmlns="` + nsMedia2 + `"><Type>VideoSource</Type><Type>VideoEncoder</Type></GetProfiles>`
	}
	got, err := ask[profileList](ctx, c, to, body)
	if err != nil {
		return nil, err
	}
	var list []Profile
	for _, raw := range got.Profiles {
		enc, source := raw.Encoder, raw.Source.SourceToken
		if second {
			enc, source = raw.Configuration.Encoder, raw.Configuration.Source.SourceToken
		}
		if enc == nil || raw.Token == "" || len(raw.Token) > maxName {
			continue // one without video
		}
		p := Profile{
			Token: raw.Token, Name: clean(raw.Name), Source: clean(source), Codec: codecName(enc.Encoding),
			Width: within(enc.Resolution.Width, 16384), Height: within(enc.Resolution.Height, 16384),
			Bitrate: within(enc.RateControl.BitrateLimit, 1e6), GOP: within(max(enc.GovLength, enc.H264.GovLength, enc.MPEG4.GovLength), 1e5),
		}
		if f := enc.RateControl.FrameRateLimit; f > 0 && f < 1000 {
			p.FPS = f
		}
		c.addresses(ctx, to, &p, second)
		if list = append(list, p); len(list) == maxProfiles || ctx.Err() != nil {
			break
		}
	}
	return list, ctx.Err()
}

// addresses asks where a profile's stream and picture are. A device that tells
// neither has a profile all the same.
func (c *Client) addresses(ctx context.Context, to *url.URL, p *Profile, second bool) {
	type content struct {
		Uri      string               //nolint:revive // Media2's name
		MediaUri struct{ Uri string } //nolint:revive // Media's
	}
	token := `<ProfileToken>` + escape(p.Token) + `</ProfileToken>`
	stream := `<GetStreamUri xmlns="` + nsMedia + `"><StreamSetup><Stream xmlns="` + nsSchema + `">RTP-Unicast</Stream>` +
		`<Transport xmlns="` + nsSchema + `"><Protocol>RTSP</Protocol></Transport></StreamSetup>` + token + `</GetStreamUri>`
	snapshot := `<GetSnapshotUri xmlns="` + nsMedia + `">` + token + `</GetSnapshotUri>`
	if second {
		stream = `<GetStreamUri xmlns="` + nsMedia2 + `"><Protocol>RTSP</Protocol>` + token + `</GetStreamUri>`
		snapshot = `<GetSnapshotUri xmlns="` + nsMedia2 + `">` + token + `</GetSnapshotUri>`
	}
	if got, err := ask[content](ctx, c, to, stream); err == nil {
		p.StreamURL, p.Moved = c.streamAddress(got.Uri+got.MediaUri.Uri, "rtsp", "554")
	}
	if got, err := ask[content](ctx, c, to, snapshot); err == nil {
		p.SnapshotURL, _ = c.streamAddress(got.Uri+got.MediaUri.Uri, "http", "80")
	}
}

// streamAddress checks an address that the device gave: it must be of the scheme, and
// is put on the host that was asked. moved says that it was not.
func (c *Client) streamAddress(raw, scheme, port string) (address string, moved bool) {
	if len(raw) > 2048 {
		return "", false
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Scheme != scheme && u.Scheme != scheme+"s" || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' && r != ' ' }) {
		return "", false
	}
	host := c.device.Hostname()
	moved = !strings.EqualFold(u.Hostname(), host)
	p := u.Port()
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
		p = ""
	}
	switch {
	case p != "" && p != port:
		u.Host = net.JoinHostPort(host, p)
	case strings.Contains(host, ":"):
		u.Host = "[" + host + "]"
	default:
		u.Host = host
	}
	u.User = nil
	return u.String(), moved
}

func codecName(s string) string {
	switch strings.ToUpper(s) {
	case "H264":
		return "H.264"
	case "H265":
		return "H.265"
	case "JPEG":
		return "JPEG"
	}
	return clean(s)
}

func within(n, most int) int {
	if n < 0 || n > most {
		return 0
	}
	return n
}
