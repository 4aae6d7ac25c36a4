package find

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sentrybox/drivers/onvif"
	"sentrybox/gateway/config"
)

// SignInOptions are one account, and how it is tried.
type SignInOptions struct {
	User      string
	Password  config.Secret
	Plain     bool // let ONVIF send the password in clear, as the last way
	Templates []Template
	// Template is the ID of the template whose paths are tried, whatever the device says of
	// itself; as recognised if empty.
	Template string
	// Channels is how many channels of a recorder are looked at; 1 if 0.
	Channels int
	Watch    time.Duration // each stream; 4 s if 0
	Timeout  time.Duration // of each answer; if 0 what the drivers give a camera: who can be read later is found
	// Variable is the environment variable that stands for the password in what Snippet
	// writes; CAM_PASSWORD if empty.
	Variable string
	// Process is dvrip.Config's, for tests.
	Process []string
}

func (o *SignInOptions) watch() time.Duration { return cmp.Or(o.Watch, 4*time.Second) }
func (o *SignInOptions) variable() string     { return cmp.Or(o.Variable, "CAM_PASSWORD") }

// Result is what came of signing in to one device.
type Result struct {
	Candidate
	// Attempts are the ways that were tried, in their order.
	Attempts []Attempt `json:"attempts"`
	// Cameras are the pictures that the device has: one, or one a channel.
	Cameras []Camera `json:"cameras"`
	Notes   []Note   `json:"notes,omitempty"`
	// Failure is why there are no cameras: one of the failures below; "" if there are.
	Failure Failure `json:"failure,omitempty"`
	// Reason is what the device said, in English.
	Reason string `json:"reason,omitempty"`
	// Hint is what is known of the brand, if signing in failed: see Template.Hint.
	hint *Template
}

// Failure is why a device's streams could not be had.
type Failure string

// The failures.
const (
	Refused     Failure = "refused"     // user or password
	Locked      Failure = "locked"      // after too many wrong passwords
	Unreachable Failure = "unreachable" // nobody there, or nobody who speaks what we do
	NoStream    Failure = "no_stream"   // signed in, or not asked to, but no path led to a stream
	Stopped     Failure = "stopped"     // by whoever asked, before it was done
)

// Failures of one attempt alone.
const (
	NotONVIF Failure = "not_onvif" // somebody who does not speak ONVIF
	Fault    Failure = "fault"     // the device could not or would not
	Codec    Failure = "codec"     // video, but none that we can read
	Stalled  Failure = "stalled"   // connected, and no picture came
)

// Attempt is one way that was tried.
type Attempt struct {
	Way     string  `json:"way"` // such as ONVIF, HTTP Digest, or the path of a template
	Well    bool    `json:"well"`
	Failure Failure `json:"failure,omitempty"` // why not
	Reason  string  `json:"reason,omitempty"`  // the same as the device or the network said it, in English
}

// Camera is one picture, with its streams.
type Camera struct {
	ID      string   `json:"id"` // that the snippet gives it
	Channel int      `json:"channel"`
	Streams []Stream `json:"streams"`
	// Main and Detect are the streams to use for evidence and for analysis, as indices;
	// Detect is -1 if the main stream has to serve for both.
	Main   int    `json:"main"`
	Detect int    `json:"detect"`
	Notes  []Note `json:"notes,omitempty"`
}

// maxPaths is how many paths of templates are tried at one device.
const maxPaths = 8

// SignIn tries an account at one device, politely: ONVIF's ways once each, then the
// paths of the brand's template or of the generic one, with DVRIP first where it was
// found. It stops at the first refusal of RTSP or DVRIP, and at once when the device
// says that it locks people out. What it opens, it watches for a few seconds.
func SignIn(ctx context.Context, c Candidate, opt SignInOptions) Result {
	s := &signer{opt: &opt, res: Result{Candidate: c}, o: opener{opt: &opt}}
	s.hint()
	for _, way := range []func(context.Context) bool{s.onvif, s.dvrip, s.templates} {
		// A device's RTSP and DVRIP have the same users.
		if way(ctx) || s.o.refused != nil || s.o.lockedOut || ctx.Err() != nil {
			break
		}
	}
	s.finish()
	if ctx.Err() != nil && s.res.Failure != "" {
		s.res.Failure = Stopped
	}
	return s.res
}

type signer struct {
	opt       *SignInOptions
	res       Result
	o         opener
	brand     *Template
	reached   bool
	onvifSaid *onvif.Error
	last      error
}

func (s *signer) hint() {
	s.brand = brandOf(s.opt.Templates, s.res.Candidate)
	if i := slices.IndexFunc(s.opt.Templates, func(t Template) bool { return t.ID == s.opt.Template }); i >= 0 && s.opt.Template != "" {
		s.brand = &s.opt.Templates[i]
	}
	if s.brand != nil {
		s.res.Brand, s.res.hint = s.brand.Brand, s.brand
	}
}

func (s *signer) attempt(way string, err error) {
	a := Attempt{Way: way, Well: err == nil}
	if err != nil {
		a.Reason, a.Failure = err.Error(), failureOf(err)
	}
	s.res.Attempts = append(s.res.Attempts, a)
}

// onvif signs in by ONVIF; true if that led to streams.
func (s *signer) onvif(ctx context.Context) bool {
	if s.res.ONVIF == "" {
		return false
	}
	d, err := onvif.Inspect(ctx, onvif.Config{
		Address: s.res.ONVIF, User: s.opt.User, Password: s.opt.Password.Reveal(), AllowPlain: s.opt.Plain, Timeout: s.opt.Timeout,
	})
	for _, a := range d.Attempts {
		one := Attempt{Way: "ONVIF, " + string(a.Method), Well: a.Well, Reason: a.Reason}
		if !a.Well {
			one.Failure = Refused
		}
		s.res.Attempts = append(s.res.Attempts, one)
	}
	if errors.As(err, &s.onvifSaid) {
		s.last = err
		s.reached = s.reached || s.onvifSaid.Kind != onvif.Unreachable
		s.o.lockedOut = s.onvifSaid.Kind == onvif.Locked
		switch n := len(d.Attempts); {
		case n == 0:
			s.attempt("ONVIF", err)
		case s.o.lockedOut: // by the last of them
			s.res.Attempts[len(s.res.Attempts)-1].Failure = Locked
		}
	} else if err == nil {
		s.reached = true
	}
	if i := d.Information; i.Manufacturer != "" || i.Model != "" {
		s.res.Name = cmp.Or(s.res.Name, i.Manufacturer)
		s.res.Model = strings.TrimSpace(i.Manufacturer + " " + i.Model)
		s.hint()
		if strings.EqualFold(i.Manufacturer, s.res.Brand) {
			s.res.Model = i.Model
		}
	}
	if d.ClockKnown && (d.ClockOffset > 5*time.Second || d.ClockOffset < -5*time.Second) {
		s.res.Notes = append(s.res.Notes, Note{"find.note.clock", []any{d.ClockOffset.Round(time.Second).String()}})
	}
	for _, group := range bySource(d.Profiles) {
		if len(s.res.Cameras) == max(s.opt.Channels, 1) {
			break
		}
		var list []address
		for _, p := range group {
			if p.StreamURL != "" {
				list = append(list, s.o.at(p.StreamURL, "ONVIF, "+cmp.Or(p.Name, p.Token)))
			}
		}
		s.camera(ctx, list, len(list))
	}
	return len(s.res.Cameras) > 0
}

// bySource groups profiles by what they show, largest first: the first two of a
// group are looked at, and the smallest.
func bySource(profiles []onvif.Profile) [][]onvif.Profile {
	var order []string
	groups := map[string][]onvif.Profile{}
	for _, p := range profiles {
		if groups[p.Source] == nil {
			order = append(order, p.Source)
		}
		groups[p.Source] = append(groups[p.Source], p)
	}
	var all [][]onvif.Profile
	for _, source := range order {
		g := groups[source]
		slices.SortStableFunc(g, func(a, b onvif.Profile) int { return b.Width*b.Height - a.Width*a.Height })
		seen := map[string]bool{}
		g = slices.DeleteFunc(g, func(p onvif.Profile) bool { twice := seen[p.StreamURL]; seen[p.StreamURL] = true; return twice })
		if len(g) > 3 {
			g = append(g[:2], g[len(g)-1])
		}
		all = append(all, g)
	}
	return all
}

// camera opens streams until enough have been, and adds a camera of them.
func (s *signer) camera(ctx context.Context, list []address, enough int) bool {
	cam := Camera{Channel: len(s.res.Cameras) + 1}
	for _, a := range list {
		if len(cam.Streams) == enough || s.o.refused != nil || ctx.Err() != nil {
			break
		}
		st, err := s.o.open(ctx, a)
		s.attempt(a.origin, err)
		if err == nil {
			s.reached = true
			cam.Streams = append(cam.Streams, *st)
		} else {
			s.last = err
			s.reached = s.reached || errors.Is(err, errNoStream) || s.o.refused != nil
		}
	}
	if len(cam.Streams) == 0 {
		return false
	}
	cam.recommend()
	s.res.Cameras = append(s.res.Cameras, cam)
	return true
}

// dvrip signs in by DVRIP where that was found.
func (s *signer) dvrip(ctx context.Context) bool {
	if s.res.DVRIP == 0 {
		return false
	}
	at := netip.AddrPortFrom(s.res.Addr, s.res.DVRIP)
	for channel := 0; channel < max(s.opt.Channels, 1) && (channel == 0 || channel < s.o.channels); channel++ {
		var list []address
		for stream := range 2 {
			list = append(list, s.o.at(fmt.Sprintf("dvrip://%s/%d?stream=%d", at, channel, stream), fmt.Sprintf("DVRIP, %d/%d", channel, stream)))
		}
		if !s.camera(ctx, list, 2) && channel == 0 {
			break
		}
	}
	s.res.Channels = max(s.res.Channels, s.o.channels)
	return len(s.res.Cameras) > 0
}

// templates tries the paths of the brand, or of those that are tried on the unknown.
func (s *signer) templates(ctx context.Context) bool {
	t := s.brand
	if t == nil || len(t.RTSP.Main) == 0 {
		i := slices.IndexFunc(s.opt.Templates, func(t Template) bool { return t.Brand == "" })
		if i < 0 {
			return false
		}
		t = &s.opt.Templates[i]
	}
	ports := s.res.RTSP
	if len(ports) == 0 {
		ports = []uint16{cmp.Or(t.RTSP.Port, 554)}
	}
	left := maxPaths
	for channel := 1; channel <= max(s.opt.Channels, 1); channel++ {
		for _, port := range ports {
			s.channel(ctx, t, port, channel, &left)
		}
		if len(s.res.Cameras) < channel || s.o.refused != nil {
			break
		}
		left = maxPaths
	}
	return len(s.res.Cameras) > 0
}

// channel tries the paths of one channel: main ones until one works, then the
// substream beside it.
func (s *signer) channel(ctx context.Context, t *Template, port uint16, channel int, left *int) {
	base := "rtsp://" + host(s.res.Addr)
	if port != 554 {
		base += fmt.Sprintf(":%d", port)
	}
	build := func(path string) address {
		full := fill(path, channel, s.opt.User, s.opt.Password.Reveal())
		shown := fill(path, channel, s.opt.User, "\x00")
		a := s.o.at(base+full, cmp.Or(t.Brand, "generic")+", "+strings.ReplaceAll(shown, "%00", "***"))
		a.snippet = s.o.at(base+strings.ReplaceAll(shown, "%00", "${"+s.opt.variable()+"}"), "").snippet
		return a
	}
	for i, path := range t.RTSP.Main {
		if *left <= 0 || s.o.refused != nil || ctx.Err() != nil || len(s.res.Cameras) >= channel {
			return
		}
		*left--
		list := []address{build(path)}
		if i < len(t.RTSP.Sub) {
			list = append(list, build(t.RTSP.Sub[i]))
		}
		main, err := s.o.open(ctx, list[0])
		s.attempt(list[0].origin, err)
		if err != nil {
			s.last = err
			s.reached = s.reached || errors.Is(err, errNoStream) || s.o.refused != nil
			if nobody(err) {
				return
			}
			continue
		}
		s.reached = true
		cam := Camera{Channel: channel, Streams: []Stream{*main}}
		if len(list) > 1 {
			sub, err := s.o.open(ctx, list[1])
			s.attempt(list[1].origin, err)
			if err == nil {
				cam.Streams = append(cam.Streams, *sub)
			}
		}
		cam.recommend()
		s.res.Cameras = append(s.res.Cameras, cam)
	}
}

// finish names the cameras, and says why there are none.
func (s *signer) finish() {
	for i := range s.res.Cameras {
		id := "cam-" + strings.NewReplacer(".", "-", ":", "-", "%", "-").Replace(s.res.Addr.String())
		if len(s.res.Cameras) > 1 {
			id += fmt.Sprintf("-%d", s.res.Cameras[i].Channel)
		}
		s.res.Cameras[i].ID = id
	}
	if len(s.res.Cameras) > 0 {
		s.res.Channels = max(s.res.Channels, len(s.res.Cameras))
		return
	}
	cause := s.last
	if s.o.refused != nil {
		cause = s.o.refused
	}
	switch {
	case s.o.lockedOut || s.onvifSaid != nil && s.onvifSaid.Kind == onvif.Locked:
		s.res.Failure = Locked
	case s.o.refused != nil:
		s.res.Failure = Refused
	case s.onvifSaid != nil && s.onvifSaid.Kind == onvif.Refused:
		s.res.Failure, cause = Refused, s.onvifSaid
	case s.reached:
		s.res.Failure = NoStream
	default:
		s.res.Failure = Unreachable
	}
	if cause != nil {
		s.res.Reason = cause.Error()
	}
}
