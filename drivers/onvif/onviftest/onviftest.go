// Package onviftest simulates ONVIF devices, with their faults.
//
// A Server answers the device service, Media and Media2 over HTTP, and WS-Discovery where
// a test gives it a socket. Its streams are wherever the test says, mostly at a
// drivers/rtsp/rtsptest server. It is as strict about passwords as devices are: a token
// must carry the device's time, a nonce may be used once.
package onviftest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" // WS-Security's
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Stream is one profile.
type Stream struct {
	Token, Name   string // Token must be unique
	URL           string // rtsp://…, without a user
	SnapshotURL   string
	Codec         string // H264, H265 or JPEG
	Width, Height int
	FPS, Bitrate  int
	GOP           int
}

// Server is a simulated device. Set the fields, then call Start. Fields may not change
// afterwards but by methods.
type Server struct {
	Address string // to listen at, "127.0.0.1:0" if empty
	// Listener is where it is served in place of Address; nil for none.
	Listener net.Listener
	// User and Password are asked for, for all but the time, unless User is empty.
	User, Password string
	// NoDigest and NoToken leave out a way of signing in; Plain takes a password in clear.
	NoDigest, NoToken, Plain bool
	// ClockError is what its clock is ahead of the true time. A token must be within 5 s of it.
	ClockError time.Duration
	// NoClock makes it keep its time a secret.
	NoClock bool
	// LockAfter is how many wrong tries lock the user; never if 0.
	LockAfter int
	// NoMedia2 leaves out Media2; NoServices answers GetServices with a fault, as old devices.
	NoMedia2, NoServices bool
	// Host is what it names itself in addresses, where it is reached if empty.
	Host         string
	Manufacturer string
	Model        string
	Streams      []Stream
	// Events is its service of events; none if nil.
	Events *Events
	// Mangle may change each answer's body; action is the request's element.
	Mangle func(action string, body []byte) []byte
	// Handler stands in front of everything if it is not nil, and says whether it answered.
	Handler func(w http.ResponseWriter, r *http.Request) bool

	ln   net.Listener
	http *http.Server
	done chan struct{}

	mu      sync.Mutex // guards what follows
	nonces  map[string]int
	created map[string]bool
	wrong   int
	tries   int
	asked   []string
}

// Start listens.
func (s *Server) Start() error {
	if s.Address == "" {
		s.Address = "127.0.0.1:0"
	}
	ln, err := s.Listener, error(nil)
	if ln == nil {
		if ln, err = net.Listen("tcp", s.Address); err != nil {
			return fmt.Errorf("onviftest: %w", err)
		}
	}
	s.ln, s.done = ln, make(chan struct{})
	s.mu.Lock()
	s.nonces, s.created = map[string]int{}, map[string]bool{}
	s.mu.Unlock()
	server, done := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}, s.done
	s.http = server
	go func() {
		defer close(done)
		_ = server.Serve(ln)
	}()
	return nil
}

// Close ends everything and waits for it.
func (s *Server) Close() {
	if s.http == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	<-s.done
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Tries returns how many times a password was tried, right or wrong.
func (s *Server) Tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// Asked returns the requests in their order, by their elements' names.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.asked...)
}

// envelope is a request.
type envelope struct {
	Header struct {
		Security *struct {
			UsernameToken struct {
				Username string
				Password struct {
					Type  string `xml:"Type,attr"`
					Value string `xml:",chardata"`
				}
				Nonce, Created string
			}
		}
	}
	Body struct {
		Action struct {
			XMLName      xml.Name
			ProfileToken string
		} `xml:",any"`
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.Handler != nil && s.Handler(w, r) {
		return
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	var env envelope
	if err != nil || r.Method != http.MethodPost || xml.Unmarshal(b, &env) != nil || env.Body.Action.XMLName.Local == "" {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	action := env.Body.Action.XMLName
	s.mu.Lock()
	s.asked = append(s.asked, action.Local)
	s.mu.Unlock()
	if action.Local != "GetSystemDateAndTime" || s.NoClock {
		challenge, reason := s.refusal(r, &env)
		if challenge != "" {
			w.Header().Add("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if reason != "" {
			s.reply(w, action.Local, http.StatusBadRequest, fault("Sender", reason))
			return
		}
	}
	if s.Events != nil {
		if status, body, known := s.Events.answer(r.Context(), s, action.Local, r); known {
			s.reply(w, action.Local, status, body)
			return
		}
	}
	status, body := s.answer(action, env.Body.Action.ProfileToken)
	s.reply(w, action.Local, status, body)
}

func (s *Server) reply(w http.ResponseWriter, action string, status int, body string) {
	b := []byte(`<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" ` +
		`xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" ` +
		`xmlns:ter="http://www.onvif.org/ver10/error"><env:Body>` + body + `</env:Body></env:Envelope>`)
	if s.Mangle != nil {
		b = s.Mangle(action, b)
	}
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.Header().Set("Server", "onviftest")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func fault(code, reason string) string {
	return `<env:Fault><env:Code><env:Value>env:` + code + `</env:Value><env:Subcode><env:Value>ter:NotAuthorized</env:Value></env:Subcode></env:Code>` +
		`<env:Reason><env:Text xml:lang="en">` + reason + `</env:Text></env:Reason></env:Fault>`
}

// refusal checks who asks. It returns a challenge to be answered with 401, or a
// reason for a fault, or nothing if all is well.
func (s *Server) refusal(r *http.Request, env *envelope) (challenge, reason string) {
	if s.User == "" {
		return "", ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	auth := r.Header.Get("Authorization")
	tried := auth != "" || env.Header.Security != nil
	if tried {
		s.tries++
	}
	if s.LockAfter > 0 && s.wrong >= s.LockAfter {
		return "", "The account is locked"
	}
	if auth != "" && !s.NoDigest && s.digestRight(auth, r.URL.RequestURI()) || s.tokenRight(env) {
		s.wrong = 0
		return "", ""
	}
	if tried {
		s.wrong++
	}
	if s.NoDigest {
		return "", "Sender not Authorized"
	}
	nonce := rand.Text()
	s.nonces[nonce] = 0
	return fmt.Sprintf(`Digest realm="IP Camera(\"1\")", qop="auth", nonce="%s", opaque="abc", algorithm=MD5, stale="FALSE"`, nonce), ""
}

func (s *Server) tokenRight(env *envelope) bool {
	if env.Header.Security == nil {
		return false
	}
	t := env.Header.Security.UsernameToken
	if t.Username != s.User {
		return false
	}
	if strings.HasSuffix(t.Password.Type, "#PasswordText") {
		return s.Plain && t.Password.Value == s.Password
	}
	if s.NoToken {
		return false
	}
	nonce, err := base64.StdEncoding.DecodeString(t.Nonce)
	created, err2 := time.Parse(time.RFC3339Nano, t.Created)
	if err != nil || err2 != nil || s.created[t.Nonce] {
		return false
	}
	if off := created.Sub(s.now()); off > 5*time.Second || off < -5*time.Second {
		return false
	}
	s.created[t.Nonce] = true
	sum := sha1.Sum(bytes.Join([][]byte{nonce, []byte(t.Created), []byte(s.Password)}, nil)) // WS-Security's
	return t.Password.Value == base64.StdEncoding.EncodeToString(sum[:])
}

func (s *Server) now() time.Time { return time.Now().UTC().Add(s.ClockError) }
