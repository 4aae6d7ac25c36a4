package web

import (
	"net/http"
	"time"

	"sentrybox/gateway/backup"
	"sentrybox/gateway/text"
	"sentrybox/gateway/update"
)

// updateWish asks for the update of that version, as the upload was answered.
type updateWish struct {
	Version string `json:"version"`
}

type updateView struct {
	Version string        `json:"version"`       // of the program that answers
	Ready   bool          `json:"ready"`         // to take an upload
	Why     string        `json:"why,omitempty"` // it is not
	Offer   *update.Offer `json:"offer,omitempty"`
	Waiting bool          `json:"waiting"` // one is handed over, or being installed
	Last    *updateLast   `json:"last,omitempty"`
}

type updateLast struct {
	State update.State `json:"state"`
	At    time.Time    `json:"at"`
	Text  string       `json:"text"`
}

// updates guards a handler that needs the inbox of updates.
func updates(handle func(*Server, http.ResponseWriter, *http.Request)) func(*Server, http.ResponseWriter, *http.Request) {
	return provided(func(s *Server) bool { return s.Update != nil }, handle)
}

func (s *Server) getUpdate(r *http.Request) (any, error) {
	l := from(r).lang
	v := updateView{Version: s.Version, Offer: s.Update.Offer(), Waiting: s.Update.Waiting()}
	if err := s.Update.Ready(); err == nil {
		v.Ready = true
	} else {
		f := s.failureOf(r, err)
		v.Why = text.T(l, f.key, f.args...)
	}
	last, err := s.Update.Last()
	if err != nil {
		return nil, err
	}
	if last != nil {
		v.Last = &updateLast{State: last.State, At: last.At, Text: updateText(l, last)}
	}
	return v, nil
}

// updateText says what has become of an update.
func updateText(l text.Lang, r *update.Result) string {
	said := r.Why
	if r.State == update.Refused {
		if text.Has(r.Reason) {
			said = text.T(l, r.Reason, r.Why)
		}
		return text.T(l, "web.update.refused", said)
	}
	if said != "" {
		said = " (" + said + ")"
	}
	return text.T(l, text.Key("update."+string(r.State)), r.From, r.To) + said
}

// uploadUpdate takes a file and verifies it. Nothing is installed by that.
func (s *Server) uploadUpdate(w http.ResponseWriter, r *http.Request) {
	ctrl := http.NewResponseController(w)
	o, err := s.Update.Put(r.Context(), &pause{r: r.Body, ctrl: ctrl}, backup.Room(s.Update.Data))
	_ = ctrl.SetWriteDeadline(time.Now().Add(chunkWithin))
	said := o.Version
	if err != nil {
		said = "refused: " + string(s.failureOf(r, err).key)
	}
	s.Accounts.Audit(r.Context(), from(r).actor(), "update.upload", said)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer((*Server).getUpdate)(s, w, r)
}

// handUpdate hands what was uploaded to root's part, which installs it.
func (s *Server) handUpdate(r *http.Request) (any, error) {
	var wish updateWish
	if err := read(r, &wish); err != nil {
		return nil, err
	}
	o, err := s.Update.Hand(wish.Version)
	if err != nil {
		return nil, err
	}
	s.Accounts.Audit(r.Context(), from(r).actor(), "update", o.From+" to "+o.Version)
	return s.getUpdate(r)
}
