package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"
)

// PrivacyRequest asks for the pictures of a time, for a person who wants to know or to be forgotten.
type PrivacyRequest struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Device string    `json:"device"` // a camera or a sensor; every one when empty
	Delete bool      `json:"delete"` // remove what is found
	By     string    `json:"by"`     // who does it, for the audit log
}

// PrivacyReport is what was found.
type PrivacyReport struct {
	Alerts  []json.RawMessage `json:"alerts"`  // in the form of the contract
	Files   []PrivacyFile     `json:"files"`   // in the folder evidence of the data folder
	Waiting int               `json:"waiting"` // thumbnails and pieces that wait to be sent
	Copies  int               `json:"copies"`  // older states of the data folder that may have more of it
	Error   string            `json:"error,omitempty"`
}

// PrivacyFile is a picture or a clip.
type PrivacyFile struct {
	Alert  string `json:"alert"`
	Part   string `json:"part"`
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// maxPrivacy bounds a report, in bytes.
const maxPrivacy = 64 << 20

// privacyWithin is how long it may take.
const privacyWithin = 2 * time.Minute

func (s *Server) privacy(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(privacyWithin)) // a socket has deadlines
	var req PrivacyRequest
	err := json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(&req)
	status, report := http.StatusBadRequest, PrivacyReport{}
	if err == nil && !req.From.Before(req.To) {
		err = errors.New("the time ends before it begins")
	}
	if err == nil {
		status = http.StatusInternalServerError
		report, err = s.Privacy(r.Context(), req)
	}
	if err == nil {
		status = http.StatusOK
	} else {
		report = PrivacyReport{Error: err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(report) // nobody is left to tell
}

// AskPrivacy asks the gateway of the data folder dir. It returns ErrNotRunning if there is none.
func AskPrivacy(ctx context.Context, dir string, req PrivacyRequest) (PrivacyReport, error) {
	ctx, cancel := context.WithTimeout(ctx, privacyWithin)
	defer cancel()
	var report PrivacyReport
	body, err := json.Marshal(req)
	if err != nil {
		return report, fmt.Errorf("encode the request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/privacy", bytes.NewReader(body))
	if err != nil {
		return report, fmt.Errorf("make the request: %w", err)
	}
	res, err := clientOf(dir).Do(r)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return report, ErrNotRunning
	}
	if err != nil {
		return report, fmt.Errorf("ask the gateway: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(res.Body, maxPrivacy)).Decode(&report); err != nil {
		return report, fmt.Errorf("read the gateway's answer: %w", err)
	}
	if report.Error != "" {
		return report, fmt.Errorf("%w: %s", ErrRefused, report.Error)
	}
	return report, nil
}
