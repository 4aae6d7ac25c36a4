package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/find"
	"sentrybox/gateway/survey"
	"sentrybox/gateway/text"
)

// foundView is what the page shows of a search for cameras.
type foundView struct {
	Job       jobView          `json:"job"`
	Devices   []deviceView     `json:"devices"`
	Templates []templateView   `json:"templates"`
	Networks  []survey.Network `json:"networks"`
}

// jobView is a job in words.
type jobView struct {
	Kind    string `json:"kind"` // search, scan, look or signin; "" if there has been none
	Running bool   `json:"running"`
	Done    int    `json:"done"`
	All     int    `json:"all"` // 0 where that cannot be told
	Text    string `json:"text"`
	Why     string `json:"why,omitempty"` // in English, what could not be done
}

// templateView is a brand that can be chosen.
type templateView struct {
	ID   string `json:"id"`
	Name string `json:"name"` // "" for what is tried on the unknown
	User string `json:"user"` // from the factory
	Hint string `json:"hint"`
}

// deviceView is a device that has been found, in words.
type deviceView struct {
	Address   string      `json:"address"`
	Brand     string      `json:"brand"`
	Template  string      `json:"template"` // the one that was chosen, "" for the one that is recognised
	Name      string      `json:"name"`
	Model     string      `json:"model"`
	Speaks    []string    `json:"speaks"`
	Ways      []string    `json:"ways"` // how it was found
	Channels  int         `json:"channels"`
	Elsewhere string      `json:"elsewhere,omitempty"` // a warning
	Seen      time.Time   `json:"seen"`
	Ignored   bool        `json:"ignored"`
	Added     []string    `json:"added"` // cameras in use at this address
	SigningIn bool        `json:"signing_in"`
	Failed    string      `json:"failed,omitempty"`
	Hint      string      `json:"hint,omitempty"`
	Tried     []triedView `json:"tried"`
	Notes     []string    `json:"notes"`
	Cameras   []foundCam  `json:"cameras"`
}

// triedView is one way of signing in, in words.
type triedView struct {
	Way  string `json:"way"`
	Well bool   `json:"well"`
	Text string `json:"text"`
	Why  string `json:"why,omitempty"` // what the device said, in English
}

// foundCam is one picture of a device.
type foundCam struct {
	Channel int          `json:"channel"`
	ID      string       `json:"id"` // that is proposed
	Streams []streamView `json:"streams"`
	Main    int          `json:"main"`   // for evidence, an index
	Detect  int          `json:"detect"` // for analysis; -1 for the same
	Notes   []string     `json:"notes"`
}

type streamView struct {
	Address   string   `json:"address"` // without the password
	Codec     string   `json:"codec"`
	Width     int      `json:"width"`
	Height    int      `json:"height"`
	FPS       float64  `json:"fps"`
	Bitrate   float64  `json:"bitrate"`          // bits a second
	Keyframes float64  `json:"keyframe_seconds"` // from one to the next; 0: more than was waited for
	Text      string   `json:"text"`
	Notes     []string `json:"notes"`
}

// scanRequest says which subnet to scan.
type scanRequest struct {
	Subnet string `json:"subnet"` // such as 192.168.1.0/24
}

// lookRequest says which address to look at.
type lookRequest struct {
	Address string `json:"address"`
}

// signInRequest is an account, and the devices that it is tried at.
type signInRequest struct {
	Devices  []string `json:"devices"` // their addresses
	User     string   `json:"user"`
	Password string   `json:"password"`
	Plain    bool     `json:"plain"`    // in clear, if a device wants it so
	Channels int      `json:"channels"` // of a recorder
}

// foundChange is what somebody says of a device that was found.
type foundChange struct {
	Ignored  *bool   `json:"ignored"`
	Template *string `json:"template"` // "" for the one that is recognised
}

// foundPlan is the cameras that are to be added.
type foundPlan struct {
	Cameras []chosen `json:"cameras"`
}

func chinese(l text.Lang) bool { return l == text.Chinese }

func jobOf(j *survey.Job, l text.Lang) jobView {
	v := jobView{Kind: j.Kind, Running: j.Running(), Done: j.Done, All: j.All}
	switch {
	case j.Kind == "":
	case v.Running:
		var of []any
		if j.Of != "" {
			of = []any{j.Of}
		}
		v.Text = text.T(l, text.Key("find.job."+j.Kind), of...)
		if j.All > 0 {
			v.Text += text.T(l, "find.job.of", j.Done, j.All)
		}
	case j.Stopped:
		v.Text = text.T(l, "find.job.stopped")
	case j.Err != nil:
		v.Text, v.Why = text.T(l, "find.job.partly"), j.Err.Error()
	default:
		v.Text = text.T(l, "find.job.done")
	}
	return v
}

func (s *Server) deviceOf(d *survey.Device, added map[string][]string, l text.Lang) deviceView {
	v := deviceView{
		Address: d.Addr.String(), Brand: find.BrandName(s.Survey.Templates, d.Brand, l), Template: d.Template, Name: d.Name, Model: d.Model,
		Speaks: speaks(d), Ways: []string{}, Channels: d.Channels, Seen: d.Seen.UTC(), Ignored: d.Ignored, Added: added[d.Addr.String()],
		SigningIn: d.SigningIn, Tried: []triedView{}, Notes: []string{}, Cameras: []foundCam{},
	}
	if v.Added == nil {
		v.Added = []string{}
	}
	for _, w := range d.Ways {
		v.Ways = append(v.Ways, text.T(l, text.Key("find.way."+string(w))))
	}
	if d.Elsewhere != "" {
		v.Elsewhere = text.T(l, "find.elsewhere", d.Elsewhere)
	}
	if d.Result != nil {
		v.result(d.Result, s.Survey.Templates, l)
	}
	return v
}

func speaks(d *survey.Device) []string {
	all := []string{}
	if d.ONVIF != "" {
		all = append(all, "ONVIF")
	}
	for _, p := range d.RTSP {
		all = append(all, "RTSP "+strconv.Itoa(int(p)))
	}
	if d.DVRIP != 0 {
		all = append(all, "DVRIP")
	}
	return all
}

// result says what signing in led to.
func (v *deviceView) result(res *find.Result, templates []find.Template, l text.Lang) {
	if res.Brand != "" {
		v.Brand = find.BrandName(templates, res.Brand, l)
	}
	if res.Model != "" {
		v.Model = res.Model
	}
	v.Channels = max(v.Channels, res.Channels)
	for _, a := range res.Attempts {
		t := triedView{Way: wayText(a.Way, l), Well: a.Well, Text: text.T(l, "find.ok"), Why: a.Reason}
		if !a.Well {
			t.Text = text.T(l, text.Key("find."+string(a.Failure)))
		}
		v.Tried = append(v.Tried, t)
	}
	v.Notes = notes(res.Notes, l)
	if res.Failure != "" {
		v.Failed, v.Hint = text.T(l, text.Key("find."+string(res.Failure))), res.Hint(l)
	}
	for i := range res.Cameras {
		v.Cameras = append(v.Cameras, camOf(&res.Cameras[i], l))
	}
}

// wayText says a way of signing in.
func wayText(way string, l text.Lang) string {
	if rest, ok := strings.CutPrefix(way, "generic, "); ok {
		return text.T(l, "find.generic") + " " + rest
	}
	return way
}

func camOf(c *find.Camera, l text.Lang) foundCam {
	v := foundCam{Channel: c.Channel, ID: c.ID, Main: c.Main, Detect: c.Detect, Notes: notes(c.Notes, l)}
	for i := range c.Streams {
		st := &c.Streams[i]
		every := text.T(l, "find.every.rare", fmt.Sprintf("%.0f", st.WatchedSeconds))
		if st.KeyframeSeconds > 0 {
			every = fmt.Sprintf("%.1f s", st.KeyframeSeconds)
		}
		v.Streams = append(v.Streams, streamView{
			Address: st.Shown, Codec: st.Codec, Width: st.Width, Height: st.Height, FPS: st.FPS, Bitrate: st.Bitrate, Keyframes: st.KeyframeSeconds,
			Text: text.T(l, "find.stream", st.Codec, st.Width, st.Height, st.FPS, st.Bitrate/1000, every), Notes: notes(st.Notes, l),
		})
	}
	return v
}

func notes(list []find.Note, l text.Lang) []string {
	all := []string{}
	for _, n := range list {
		all = append(all, n.Text(l))
	}
	return all
}

func findOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/find":                                     {about: "api.find", out: foundView{}},
		"POST /api/v1/find/search":                             {about: "api.find.search", out: jobView{}},
		"POST /api/v1/find/scan":                               {about: "api.find.scan", in: scanRequest{}, out: jobView{}},
		"POST /api/v1/find/look":                               {about: "api.find.look", in: lookRequest{}, out: jobView{}},
		"POST /api/v1/find/signin":                             {about: "api.find.signin", in: signInRequest{}, out: jobView{}},
		"POST /api/v1/find/stop":                               {about: "api.find.stop", out: done{}},
		"POST /api/v1/find/plan":                               {about: "api.find.plan", in: foundPlan{}, out: checked{}},
		"PATCH /api/v1/find/devices/{address}":                 {about: "api.find.change", in: foundChange{}, out: done{}},
		"GET /api/v1/find/devices/{address}/{channel}/picture": {about: "api.find.picture", outMedia: "image/jpeg"},
	}
}
