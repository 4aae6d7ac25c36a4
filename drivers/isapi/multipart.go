package isapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// What a part may be.
const (
	maxPart    = 256 << 10 // that is read
	maxSkipped = 8 << 20   // that is passed over: pictures
	maxLine    = 4 << 10
	maxHeaders = 32
	maxBetween = 64 << 10 // of what belongs to no part
)

var errStream = errors.New("no alert stream")

// nextPart reads a part. The standard library's reader knows that a part is over when the
// next one begins, which is some seconds late here; the part's length says it at once.
// Without a length it is over with its document. The data are nil if it was no text.
func nextPart(r *bufio.Reader) (kind string, data []byte, err error) {
	length := -1
	begun := false
	for between, headers := 0, 0; ; {
		line, err := readLine(r)
		if err != nil {
			return "", nil, err
		}
		switch {
		case !begun && bytes.HasPrefix(line, []byte("--")):
			begun = true
		case !begun:
			if between += len(line) + 1; between > maxBetween {
				return "", nil, fmt.Errorf("%w: too much between the parts", errStream)
			}
		case len(line) == 0:
			data, err := readPart(r, kind, length)
			return kind, data, err
		default:
			if headers++; headers > maxHeaders {
				return "", nil, fmt.Errorf("%w: a part of too many headers", errStream)
			}
			key, value, _ := strings.Cut(string(line), ":")
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "content-length":
				n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
				if err != nil || n > maxSkipped {
					return "", nil, fmt.Errorf("%w: a part of %.20q bytes", errStream, value)
				}
				length = int(n)
			case "content-type":
				kind, _, _ = strings.Cut(value, ";")
				kind = strings.ToLower(strings.TrimSpace(kind))
			}
		}
	}
}

// readLine reads a line, without its end.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("%w: a line of more than %d bytes", errStream, maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, fmt.Errorf("read the alert stream: %w", err)
		}
		return bytes.TrimRight(line, "\r\n"), nil
	}
}

// readPart reads what a part holds.
func readPart(r *bufio.Reader, kind string, length int) ([]byte, error) {
	text := strings.HasSuffix(kind, "xml") || strings.HasSuffix(kind, "json") || kind == "" || strings.HasPrefix(kind, "text/")
	if length < 0 {
		if !text {
			return nil, nil // it is passed over as what is between parts
		}
		return readDocument(r)
	}
	if !text || length > maxPart {
		if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
			return nil, fmt.Errorf("read the alert stream: %w", err)
		}
		return nil, nil
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read the alert stream: %w", err)
	}
	return b, nil
}

// readDocument reads lines until the document is whole.
func readDocument(r *bufio.Reader) ([]byte, error) {
	var b []byte
	depth := 0
	for {
		line, err := readLine(r)
		if err != nil {
			return nil, err
		}
		b = append(append(b, line...), '\n')
		if len(b) > maxPart {
			return nil, fmt.Errorf("%w: a document of more than %d bytes", errStream, maxPart)
		}
		if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
			// Braces within strings do not balance, mostly: then the part is no JSON, and is rejected.
			if depth += bytes.Count(line, []byte("{")) - bytes.Count(line, []byte("}")); depth <= 0 {
				return b, nil
			}
			continue
		}
		if bytes.Contains(line, []byte("</EventNotificationAlert>")) || len(bytes.TrimSpace(b)) > 0 && bytes.HasPrefix(line, []byte("--")) {
			return b, nil
		}
	}
}
