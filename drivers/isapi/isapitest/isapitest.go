// Package isapitest simulates the event stream of Hikvision's devices, with its faults.
package isapitest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"sentrybox/drivers/digest"
)

// Server is a simulated device. Set the fields, then call Start.
type Server struct {
	Address        string // to listen at, "127.0.0.1:0" if empty
	User, Password string
	// Beat is how often it says that no video is lost; every 10 s if 0.
	Beat time.Duration

	http *http.Server
	done chan struct{}

	mu      sync.Mutex // guards what follows
	streams map[chan []byte]bool
	status  string
	tries   int
	nonce   string
}

// Start listens.
func (s *Server) Start() error {
	if s.Address == "" {
		s.Address = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", s.Address)
	if err != nil {
		return fmt.Errorf("isapitest: %w", err)
	}
	s.Address = ln.Addr().String()
	if s.Beat == 0 {
		s.Beat = 10 * time.Second
	}
	s.mu.Lock()
	s.streams, s.nonce = map[chan []byte]bool{}, "4e4f4e4345"
	s.mu.Unlock()
	server, done := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}, make(chan struct{})
	s.http, s.done = server, done
	go func() {
		defer close(done)
		_ = server.Serve(ln)
	}()
	return nil
}

// Close ends everything and waits for it. Start may be called again then.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.done
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.Address }

// Tries returns how many wrong passwords it has seen.
func (s *Server) Tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// Forget makes the device want credentials for a new nonce from now on.
func (s *Server) Forget() {
	s.mu.Lock()
	s.nonce += "0"
	s.mu.Unlock()
}

// Listeners returns how many streams there are.
func (s *Server) Listeners() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// Call sets the state of its call: idle, ring or onCall.
func (s *Server) Call(status string) {
	s.mu.Lock()
	s.status = status
	s.mu.Unlock()
}

// Say sends bytes as they are to all that listen.
func (s *Server) Say(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.streams {
		select {
		case c <- b:
		default:
		}
	}
}

// Part makes a part of a document.
func Part(kind, document string) []byte {
	return fmt.Appendf(nil, "--boundary\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n", kind, len(document), document)
}

// XML makes an alert.
func XML(kind, state string, channel int, more string) []byte {
	return Part(`application/xml; charset="UTF-8"`, fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">`+"\n"+`<ipAddress>192.168.1.64</ipAddress><portNo>80</portNo><protocol>HTTP</protocol>`+
		`<macAddress>44:19:b6:00:00:01</macAddress><channelID>%d</channelID><dateTime>%s</dateTime><activePostCount>1</activePostCount><eventType>%s</eventType><eventState>%s</eventState>`+
		`<eventDescription>%s alarm</eventDescription>%s</EventNotificationAlert>`, channel, time.Now().Format(time.RFC3339), kind, state, kind, more))
}

// Access makes an event of access control.
func Access(major, minor, door, serial int) []byte {
	return Part("application/json", fmt.Sprintf(`{"ipAddress":"192.168.1.65","portNo":80,"protocol":"HTTP","macAddress":"44:19:b6:00:00:02","channelID":1,"dateTime":"%s","activePostCount":1,`+
		`"eventType":"AccessControllerEvent","eventState":"active","eventDescription":"Access Controller Event","AccessControllerEvent":{"deviceName":"Access Controller",`+
		`"majorEventType":%d,"subEventType":%d,"doorNo":%d,"serialNo":%d,"currentVerifyMode":"cardOrFace","currentEvent":true}}`, time.Now().Format(time.RFC3339), major, minor, door, serial))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.known(w, r) {
		return
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/ISAPI/Event/notification/alertStream"):
		s.stream(w, r)
	case r.URL.Path == "/ISAPI/VideoIntercom/callStatus":
		s.mu.Lock()
		status := s.status
		s.mu.Unlock()
		if status == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"CallStatus":{"status":"%s"}}`, status) // idle, ring, onCall
	default:
		http.NotFound(w, r)
	}
}

// known asks who is there.
func (s *Server) known(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := digest.ParseCredentials(r.Header.Get("Authorization"))
	if ok && c.User == s.User && c.Right(r.Method, s.Password) && c.Nonce == s.nonce && c.URI == r.URL.RequestURI() {
		return true
	}
	if ok && c.Nonce == s.nonce {
		s.tries++
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest qop="auth", realm="IP Camera(12345)", nonce="%s", stale="FALSE"`, s.nonce))
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

// stream sends the beat and what is said.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	said := make(chan []byte, 1000)
	s.mu.Lock()
	s.streams[said] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.streams, said)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "multipart/mixed; boundary=boundary")
	out := http.NewResponseController(w)
	tick := time.NewTicker(s.Beat)
	defer tick.Stop()
	b := XML("videoloss", "inactive", 1, "")
	for {
		if _, err := w.Write(b); err != nil {
			return
		}
		_ = out.Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			b = XML("videoloss", "inactive", 1, "")
		case b = <-said:
		}
	}
}
