package find

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/media"
	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
)

// Stream is one stream of a device that was opened and watched.
type Stream struct {
	URL config.URL `json:"-"` // with user and password
	// Shown is the URL without the password.
	Shown    string        `json:"url"`
	Origin   string        `json:"origin"` // where its address is from: ONVIF with the profile's name, a template, DVRIP
	Codec    string        `json:"codec"`
	Width    int           `json:"width"`
	Height   int           `json:"height"`
	FPS      float64       `json:"fps"`     // as it came
	Bitrate  float64       `json:"bitrate"` // bits a second, as it came
	Keyframe time.Duration `json:"-"`       // between two keyframes; 0: longer than it was watched
	Watched  time.Duration `json:"-"`
	// KeyframeSeconds and WatchedSeconds are the same in seconds.
	KeyframeSeconds float64 `json:"keyframe_seconds"`
	WatchedSeconds  float64 `json:"watched_seconds"`
	Notes           []Note  `json:"notes,omitempty"`
	// Transport that worked: tcp or udp.
	Transport string `json:"transport,omitempty"`

	snippet string // the URL with ${…} for the password
}

// Note is something that a technician should know, by a key of the catalogue.
type Note struct {
	Key  text.Key `json:"key"`
	Args []any    `json:"args,omitempty"`
}

// Text returns the note in a language.
func (n Note) Text(l text.Lang) string { return text.T(l, n.Key, n.Args...) }

// opener opens streams with one account.
type opener struct {
	opt       *SignInOptions
	refused   error // RTSP or DVRIP refused the account: nothing more is tried
	lockedOut bool  // the device said that it locks people out
	channels  int   // that DVRIP told
}

// address is where a stream may be.
type address struct {
	url     string // with user and password
	snippet string
	origin  string
}

// at builds an address from one without an account.
func (o *opener) at(bare, origin string) address {
	scheme, rest, _ := strings.Cut(bare, "://")
	user := url.User(o.opt.User).String()
	a := address{url: bare, snippet: bare, origin: origin}
	if o.opt.User != "" {
		a.url = scheme + "://" + url.UserPassword(o.opt.User, o.opt.Password.Reveal()).String() + "@" + rest
		a.snippet = scheme + "://" + user + ":${" + o.opt.variable() + "}@" + rest
	}
	return a
}

// open watches a stream. It returns nil and no error if there is none at that
// address; an error ends everything that is left to try with this device.
func (o *opener) open(ctx context.Context, a address) (*Stream, error) {
	if o.refused != nil {
		return nil, o.refused
	}
	s := &Stream{URL: config.NewURL(a.url), Origin: a.origin, snippet: a.snippet}
	s.Shown = s.URL.String()
	var err error
	if strings.HasPrefix(a.url, "dvrip://") {
		err = o.dvrip(ctx, s)
	} else {
		err = o.rtsp(ctx, s)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		s.judge()
		return s, nil
	}
	return nil, err
}

// errNoStream means that there is nothing to be watched at an address.
var errNoStream = errors.New("no such stream")

func (o *opener) rtsp(ctx context.Context, s *Stream) error {
	rep, err := rtsp.Probe(ctx, rtsp.Config{URL: s.URL.Reveal(), ProbeTime: o.opt.watch(), Timeout: o.opt.Timeout})
	var e *rtsp.Error
	switch {
	case errors.As(err, &e) && e.Phase == media.Refused:
		o.refused = err
		return err
	case errors.As(err, &e) && e.Phase == media.NoVideo:
		return errNoStream
	case err != nil:
		return err
	}
	s.Codec, s.Width, s.Height = rep.Info.Codec.String(), rep.Info.Width, rep.Info.Height
	s.FPS, s.Bitrate, s.Keyframe, s.Watched, s.Transport = rep.FPS, rep.Bitrate, rep.KeyframeInterval, rep.Watched, string(rep.Transport)
	if rep.PacketsLost > 0 {
		s.Notes = append(s.Notes, Note{"find.note.lost", []any{rep.PacketsLost}})
	}
	return nil
}

func (o *opener) dvrip(ctx context.Context, s *Stream) error {
	rep, err := dvrip.Probe(ctx, dvrip.Config{URL: s.URL.Reveal(), ProbeTime: o.opt.watch(), Timeout: o.opt.Timeout, Process: o.opt.Process})
	var e *dvrip.Error
	switch {
	case errors.As(err, &e) && e.Phase == media.Refused:
		o.refused, o.lockedOut = err, e.Locked()
		return err
	case errors.As(err, &e) && e.Phase == media.NoVideo:
		return errNoStream
	case err != nil:
		return err
	}
	o.channels = rep.Channels
	s.Codec, s.Width, s.Height = rep.Info.Codec.String(), rep.Info.Width, rep.Info.Height
	s.FPS, s.Bitrate, s.Keyframe, s.Watched = rep.FPS, rep.Bitrate, rep.KeyframeInterval, rep.Watched
	return nil
}

// What a stream for analysis should be like.
const (
	detectPixels   = 720 * 576
	detectFPS      = 8
	detectKeyframe = 4 * time.Second
	detectWidth    = 320
)

// judge notes what matters of a stream whatever it is used for.
func (s *Stream) judge() {
	s.KeyframeSeconds, s.WatchedSeconds = s.Keyframe.Seconds(), s.Watched.Seconds()
	if s.Codec == "H.265" {
		s.Notes = append(s.Notes, Note{Key: "find.note.h265"})
	}
	if s.Codec == "MJPEG" {
		s.Notes = append(s.Notes, Note{Key: "find.note.mjpeg"})
	}
	switch {
	case s.Keyframe > detectKeyframe:
		s.Notes = append(s.Notes, Note{"find.note.keyframes", []any{fmt.Sprintf("%.0f", s.Keyframe.Seconds())}})
	case s.Keyframe == 0 && s.Watched > detectKeyframe:
		s.Notes = append(s.Notes, Note{"find.note.rare", []any{fmt.Sprintf("%.0f", s.Watched.Seconds())}})
	}
}

// suits says whether a stream is one for analysis without a but.
func (s *Stream) suits() bool {
	return s.Codec == "H.264" && s.Width >= detectWidth && s.Width*s.Height <= detectPixels && s.FPS >= detectFPS-0.5 && s.Keyframe > 0 && s.Keyframe <= detectKeyframe
}

func (s *Stream) pixels() int { return s.Width * s.Height }
