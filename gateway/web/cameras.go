package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/text"
)

// Probe is what a camera offers, as the page shows it.
type Probe struct {
	Server    string   `json:"server,omitempty"`
	Codec     string   `json:"codec"`
	Width     int      `json:"width"`
	Height    int      `json:"height"`
	FPS       float64  `json:"fps"`
	Keyframes float64  `json:"keyframe_seconds"` // from one to the next, 0 if unknown
	Bitrate   float64  `json:"bitrate"`          // bits a second
	Transport string   `json:"transport"`
	Auth      string   `json:"auth"`
	Problems  []string `json:"problems"`         // in English
	Advice    []string `json:"advice"`           // in the language of who asks
	Phase     string   `json:"phase,omitempty"`  // of a failure, a camera.Phase
	Failed    string   `json:"failed,omitempty"` // why, in words
	Why       string   `json:"why,omitempty"`    // in English
}

// Prober tries a camera and says what it offers. Its error is only that of ctx.
type Prober func(ctx context.Context, url, transport string) (Probe, error)

// cameraForm is a camera as a form has it. The password is never sent to a browser.
type cameraForm struct {
	ID        string `json:"id"`
	Address   string `json:"address"` // rtsp:// without user and password
	Detect    string `json:"detect"`  // the same of the substream, or empty
	User      string `json:"user"`
	Password  string `json:"password"` // empty: as it was
	Transport string `json:"transport"`
	Grid      string `json:"grid"`
}

// cameraView is a camera in the file.
type cameraView struct {
	cameraForm
	HasPassword bool   `json:"has_password"`
	Zones       int    `json:"zones"`
	Rules       int    `json:"rules"`
	State       *Line  `json:"state,omitempty"`
	Stream      string `json:"stream,omitempty"`
}

// apart takes user and password out of an address as it stands in the file, with
// its variables. It need not be a valid one.
func apart(raw string) (address, user, password string) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw, "", ""
	}
	end := len(rest)
	if i := strings.IndexByte(rest, '/'); i >= 0 && !strings.Contains(rest[i:], "@") {
		end = i
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return raw, "", ""
	}
	user, password, _ = strings.Cut(rest[:at], ":")
	return scheme + "://" + rest[at+1:], user, password
}

// together is the reverse of apart. What a person typed is escaped; a variable stays
// what it is.
func together(address, user, password string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || user == "" {
		return address
	}
	return scheme + "://" + user + ":" + password + "@" + rest
}

// escape writes a user or password for an address (RFC 3986, 3.2.1), in which a $
// begins no variable.
func escape(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(url.UserPassword("", s).String(), ":"), "$", "%24")
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil && !strings.Contains(s, "${") {
		return plain
	}
	return s
}

func (s *Server) listCameras(r *http.Request) (any, error) {
	now, body, err := s.Care.Current(r.Context())
	if err != nil {
		return nil, err
	}
	cameras, err := revision.Cameras(body)
	if err != nil {
		return nil, err
	}
	st, err := s.look(r.Context())
	if err != nil {
		return nil, err
	}
	all := []cameraView{}
	for _, f := range cameras {
		v := cameraView{cameraForm: cameraForm{ID: f.Text("id"), Transport: f.Text("transport"), Grid: f.Text("grid")}}
		var password string
		v.Address, v.User, password = apart(f.Text("url"))
		v.Detect, _, _ = apart(f.Text("detect_url"))
		v.User, v.HasPassword = unescape(v.User), password != ""
		v.Zones, v.Rules = length(f.Get("zones")), length(f.Get("detect"))
		if i := slices.IndexFunc(st.Cameras, func(c Camera) bool { return c.ID == v.ID }); i >= 0 {
			line := cameraLine(&st.Cameras[i], from(r).lang)
			v.State, v.Stream = &line, line.Note
		}
		all = append(all, v)
	}
	return cameraList{now.Sum, all}, nil
}

// cameraList is the cameras of the file with the sum Base.
type cameraList struct {
	Base    string       `json:"base"`
	Cameras []cameraView `json:"cameras"`
}

// change makes the entry of a form out of the one that was there.
func change(f revision.Fields, in *cameraForm) revision.Fields {
	_, oldUser, password := apart(f.Text("url"))
	user := oldUser
	if in.User != unescape(oldUser) {
		user = escape(in.User)
	}
	if in.Password != "" {
		password = escape(in.Password)
	}
	f = f.Set("id", in.ID).Set("url", together(in.Address, user, password))
	detect := ""
	if in.Detect != "" {
		detect = together(in.Detect, user, password)
	}
	transport := in.Transport
	if transport == "auto" {
		transport = ""
	}
	return f.Set("detect_url", detect).Set("transport", transport).Set("grid", in.Grid)
}

// cameraChange asks what the file becomes with a camera changed.
type cameraChange struct {
	Old    string      `json:"old"`    // id of the one to change, empty for a new one
	Camera *cameraForm `json:"camera"` // null to take it out
}

// planCamera answers with what the file becomes when a camera is added, changed or
// removed: it is saved as any other change is, once somebody has seen it.
func (s *Server) planCamera(r *http.Request) (any, error) {
	var in cameraChange
	if err := read(r, &in); err != nil {
		return nil, err
	}
	body, err := s.current(r)
	if err != nil {
		return nil, err
	}
	var fields revision.Fields
	if in.Camera != nil {
		old, err := cameraOf(body, in.Old)
		if err != nil {
			return nil, err
		}
		in.Camera.trim()
		fields = change(old, in.Camera)
	}
	body, err = revision.Put(body, in.Old, fields)
	if err != nil {
		return nil, err
	}
	return s.plan(r, body)
}

func (c *cameraForm) trim() {
	for _, field := range []*string{&c.ID, &c.Address, &c.Detect, &c.User, &c.Grid} {
		*field = strings.TrimSpace(*field)
	}
}

// cameraOf returns the entry of a camera, an empty one for no id.
func cameraOf(body []byte, id string) (revision.Fields, error) {
	if id == "" {
		return nil, nil
	}
	all, err := revision.Cameras(body)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(f revision.Fields) bool { return f.Text("id") == id })
	if i < 0 {
		return nil, revision.ErrUnknown
	}
	return all[i], nil
}

// probeRequest asks to try a camera.
type probeRequest struct {
	Old    string     `json:"old"`
	Camera cameraForm `json:"camera"`
	Sub    bool       `json:"sub"` // the substream
}

// probeWithin bounds a probe, over both transports, of a camera that is in no hurry with any of its answers.
const probeWithin = 50 * time.Second

// probeCamera tries a camera that is in a form, before it is saved.
func (s *Server) probeCamera(r *http.Request) (any, error) {
	var in probeRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	in.Camera.trim()
	select {
	case s.probing <- struct{}{}:
		defer func() { <-s.probing }()
	default:
		return nil, problem(http.StatusServiceUnavailable, "web.error.probing")
	}
	body, err := s.current(r)
	if err != nil {
		return nil, err
	}
	old, err := cameraOf(body, in.Old)
	if err != nil && !errors.Is(err, revision.ErrByHand) {
		return nil, err
	}
	fields, address := change(old, &in.Camera), "url"
	if in.Sub {
		address = "detect_url"
	}
	raw, err := s.Care.Meant(r.Context(), fields.Text(address))
	if problems := (*config.Problems)(nil); errors.As(err, &problems) {
		return nil, problem(http.StatusUnprocessableEntity, "config.secret.moved")
	}
	if err == nil {
		raw, err = s.expand(raw)
	}
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(raw); err != nil || u.Scheme != "rtsp" && u.Scheme != "rtsps" && u.Scheme != "dvrip" || u.Host == "" {
		return nil, problem(http.StatusUnprocessableEntity, "web.error.address")
	}
	ctx, cancel := context.WithTimeout(r.Context(), probeWithin)
	defer cancel()
	got, err := s.Probe(ctx, raw, in.Camera.Transport)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, problem(http.StatusGatewayTimeout, "web.error.probe")
	}
	if err != nil {
		return nil, err
	}
	got.words(from(r).lang)
	return got, nil
}

const (
	longKeyframes = 4     // seconds: a fresh look at the picture waits so long
	largeWidth    = 1280  // for analysis a substream will do
	fewPictures   = 5 - 1 // a second
)

// words says what was found, and what would be better.
func (p *Probe) words(l text.Lang) {
	if p.Phase != "" {
		p.Failed = text.State(l, p.Phase)
		if hint := text.Key("web.hint." + p.Phase); text.Has(hint) {
			p.Failed += text.T(l, "web.dash") + text.T(l, hint)
		}
		return
	}
	add := func(when bool, key text.Key) {
		if when {
			p.Advice = append(p.Advice, text.T(l, key))
		}
	}
	add(p.Codec == "H.265", "web.advice.h265")
	add(p.Width > largeWidth, "web.advice.large")
	add(p.Keyframes > longKeyframes, "web.advice.keyframes")
	add(p.FPS > 0 && p.FPS < fewPictures, "web.advice.slow")
	if len(p.Advice) == 0 {
		p.Advice = []string{text.T(l, "web.advice.good")}
	}
}

// length returns how many parts a value of the file has.
func length(v any) int {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Slice {
		return 0
	}
	return rv.Len()
}

// expand puts the environment's variables into an address, as reading the file does.
func (s *Server) expand(raw string) (string, error) {
	c, err := config.ParseCamera("camera", fmt.Appendf(nil, "{id: x, url: %q}", raw), config.Environment(s.Path))
	if err != nil {
		return "", problem(http.StatusUnprocessableEntity, "web.error.address")
	}
	return c.URL.Reveal(), nil
}
