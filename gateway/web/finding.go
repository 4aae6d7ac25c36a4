package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/survey"
)

// getFound answers with the job that is under way and all that has been found.
func (s *Server) getFound(r *http.Request) (any, error) {
	networks, err := survey.Networks()
	if err != nil {
		return nil, err
	}
	out := foundView{Networks: networks, Devices: []deviceView{}, Templates: []templateView{}}
	if out.Networks == nil {
		out.Networks = []survey.Network{}
	}
	l := from(r).lang
	job, devices := s.Survey.State()
	out.Job = jobOf(&job, l)
	added := s.addedAt()
	for i := range devices {
		out.Devices = append(out.Devices, s.deviceOf(&devices[i], added, l))
	}
	for i := range s.Survey.Templates {
		t := &s.Survey.Templates[i]
		name := find.BrandName(s.Survey.Templates, t.Brand, l)
		out.Templates = append(out.Templates, templateView{ID: t.ID, Name: name, User: t.User, Hint: strings.TrimSpace(t.Hint(chinese(l)))})
	}
	return out, nil
}

// addedAt returns the ids of the cameras in use by their hosts.
func (s *Server) addedAt() map[string][]string {
	at := map[string][]string{}
	for _, c := range s.Running().Cameras {
		if u, err := c.URL.Parse(); err == nil {
			at[u.Hostname()] = append(at[u.Hostname()], c.ID)
		}
	}
	return at
}

// begun answers with the job that has begun, and notes it.
func (s *Server) begun(r *http.Request, err error, action, of string) (any, error) {
	switch {
	case errors.Is(err, survey.ErrBusy):
		return nil, problem(http.StatusConflict, "web.error.searching")
	case errors.Is(err, find.ErrRange):
		return nil, problem(http.StatusUnprocessableEntity, "web.error.range")
	case errors.Is(err, survey.ErrAddress):
		return nil, problem(http.StatusUnprocessableEntity, "web.error.host")
	case errors.Is(err, survey.ErrUnknown):
		return nil, problem(http.StatusNotFound, "web.error.nodevice")
	case err != nil:
		return nil, err
	}
	s.Accounts.Audit(context.WithoutCancel(r.Context()), from(r).actor(), action, of)
	job, _ := s.Survey.State()
	return jobOf(&job, from(r).lang), nil
}

func (s *Server) startSearch(r *http.Request) (any, error) {
	return s.begun(r, s.Survey.Search(), "find.search", "")
}

func (s *Server) startScan(r *http.Request) (any, error) {
	var in scanRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	subnet, err := netip.ParsePrefix(strings.TrimSpace(in.Subnet))
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "web.error.range")
	}
	return s.begun(r, s.Survey.Scan(subnet), "find.scan", subnet.String())
}

// startLook looks at an address that somebody has typed: an IP address, or one with a port.
func (s *Server) startLook(r *http.Request) (any, error) {
	var in lookRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	in.Address = strings.TrimSpace(in.Address)
	at, err := find.ParseAddress(in.Address)
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "web.error.host")
	}
	return s.begun(r, s.Survey.Look(at), "find.look", in.Address)
}

func (s *Server) startSignIn(r *http.Request) (any, error) {
	var in signInRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	const most = 64
	if in.Channels < 0 || in.Channels > most || len(in.Devices) > most || len(in.User) > 256 || len(in.Password) > 256 {
		return nil, problem(http.StatusBadRequest, "web.error.json")
	}
	var addrs []netip.Addr
	for _, d := range in.Devices {
		addr, err := netip.ParseAddr(d)
		if err != nil {
			return nil, problem(http.StatusNotFound, "web.error.nodevice")
		}
		if !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	err := s.Survey.SignIn(addrs, survey.Account{
		User: strings.TrimSpace(in.User), Password: config.NewSecret(in.Password), Plain: in.Plain, Channels: in.Channels,
	})
	return s.begun(r, err, "find.signin", strings.Join(in.Devices, " "))
}

func (s *Server) stopSearch(*http.Request) (any, error) {
	s.Survey.Stop()
	return done{}, nil
}

// changeFound notes that a device is not to be seen any more, or what brand it is.
func (s *Server) changeFound(r *http.Request) (any, error) {
	var in foundChange
	if err := read(r, &in); err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddr(r.PathValue("address"))
	if err == nil {
		err = s.Survey.Change(r.Context(), addr, survey.Change{Ignored: in.Ignored, Template: in.Template})
	}
	if err != nil && r.Context().Err() == nil {
		return nil, problem(http.StatusNotFound, "web.error.nodevice")
	}
	return done{}, err
}

// stillWait bounds how long a picture of a camera that is not added yet may take: a
// vision process begins, and a keyframe comes.
const stillWait = 25 * time.Second

// foundPicture is a picture of a camera that has been signed in to.
func (s *Server) foundPicture(w http.ResponseWriter, r *http.Request) {
	addr, err := netip.ParseAddr(r.PathValue("address"))
	channel, bad := strconv.Atoi(r.PathValue("channel"))
	if err != nil || bad != nil {
		s.fail(w, r, problem(http.StatusNotFound, "web.error.nodevice"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), stillWait)
	defer cancel()
	jpeg, err := s.Survey.Still(ctx, addr, channel)
	switch {
	case errors.Is(err, survey.ErrUnknown):
		err = problem(http.StatusNotFound, "web.error.nodevice")
	case err != nil && r.Context().Err() == nil:
		s.Log.Info("no picture of a camera that is being added", "address", addr, "error", err)
		err = problem(http.StatusNotFound, "web.error.nopicture")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(jpeg) // nobody is left to tell
}

// chosen is a camera that is to be added.
type chosen struct {
	Address string `json:"address"` // of the device
	Channel int    `json:"channel"` // from 1
	ID      string `json:"id"`
	Grid    string `json:"grid"`
	Main    int    `json:"main"`   // the stream for evidence, an index
	Detect  int    `json:"detect"` // for analysis; -1 for the same
}

// planFound answers with what the file becomes with several cameras more: it is saved as
// any other change is, once somebody has seen it.
func (s *Server) planFound(r *http.Request) (any, error) {
	var in foundPlan
	if err := read(r, &in); err != nil {
		return nil, err
	}
	body, err := s.current(r)
	if err != nil {
		return nil, err
	}
	for i := range in.Cameras {
		fields, err := s.fieldsOf(&in.Cameras[i])
		if err != nil {
			return nil, err
		}
		if body, err = revision.Put(body, "", fields); err != nil {
			return nil, err
		}
	}
	return s.plan(r, body)
}

// fieldsOf makes the entry of the file of a camera that was signed in to.
func (s *Server) fieldsOf(in *chosen) (revision.Fields, error) {
	addr, err := netip.ParseAddr(in.Address)
	if err != nil {
		return nil, problem(http.StatusNotFound, "web.error.nodevice")
	}
	c, err := s.Survey.Camera(addr, in.Channel)
	if err != nil {
		return nil, problem(http.StatusConflict, "web.error.nosignin", in.Address)
	}
	n := len(c.Streams)
	if in.Main < 0 || in.Main >= n || in.Detect < -1 || in.Detect >= n {
		return nil, problem(http.StatusBadRequest, "web.error.json")
	}
	f := revision.Fields(nil).Set("id", strings.TrimSpace(in.ID)).Set("url", literal(c.Streams[in.Main].URL))
	if in.Detect >= 0 && in.Detect != in.Main {
		f = f.Set("detect_url", literal(c.Streams[in.Detect].URL))
	}
	return f.Set("grid", strings.TrimSpace(in.Grid)), nil
}

// literal writes an address for the file, in which a $ begins no variable.
func literal(u config.URL) string {
	address, user, password := apart(u.Reveal())
	dollars := strings.NewReplacer("$", "%24")
	return together(strings.ReplaceAll(address, "${", "$${"), dollars.Replace(user), dollars.Replace(password))
}
