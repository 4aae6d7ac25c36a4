package isapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// alert is an EventNotificationAlert.
type alert struct {
	Type    string    `xml:"eventType" json:"eventType"`
	State   string    `xml:"eventState" json:"eventState"`
	Time    string    `xml:"dateTime" json:"dateTime"`
	Channel number    `xml:"channelID" json:"channelID"`
	Dynamic number    `xml:"dynChannelID" json:"dynChannelID"`
	Port    number    `xml:"inputIOPortID" json:"inputIOPortID"`
	Access  *access   `xml:"AccessControllerEvent" json:"AccessControllerEvent"`
	XMLName *xml.Name `xml:"EventNotificationAlert" json:"-"`
}

// access is an event of access control.
type access struct {
	Major   number `xml:"majorEventType" json:"majorEventType"`
	Minor   number `xml:"subEventType" json:"subEventType"`
	Door    number `xml:"doorNo" json:"doorNo"`
	Reader  number `xml:"cardReaderNo" json:"cardReaderNo"`
	Input   number `xml:"caseSensorNo" json:"caseSensorNo"`
	Serial  number `xml:"serialNo" json:"serialNo"`
	Current *bool  `xml:"currentEvent" json:"currentEvent"`
}

// number is one that may come as a text, or not at all.
type number int64

// UnmarshalText takes it from XML.
func (n *number) UnmarshalText(b []byte) error {
	v, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 53)
	if err != nil {
		v = 0 // an odd number is none, and no reason to lose an alarm
	}
	*n = number(v)
	return nil
}

// UnmarshalJSON takes it from JSON.
func (n *number) UnmarshalJSON(b []byte) error {
	return n.UnmarshalText(bytes.Trim(b, `"`))
}

// What a document may be.
const (
	maxDepth    = 16
	maxElements = 1000
)

// parseAlert reads a part.
func parseAlert(b []byte) (*alert, error) {
	a := &alert{}
	b = bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\xef\xbb\xbf"))
	var err error
	if bytes.HasPrefix(b, []byte("{")) {
		err = json.Unmarshal(b, a) // has limits of its own
	} else if err = sane(b); err == nil {
		err = newDecoder(b).Decode(a)
	}
	if err != nil {
		return nil, fmt.Errorf("an alert that is none: %w", err)
	}
	a.Type = strings.ToLower(strings.TrimSpace(a.Type))
	a.State = strings.ToLower(strings.TrimSpace(a.State))
	if a.Type == "" || len(a.Type) > 64 {
		return nil, errors.New("an alert without a type")
	}
	return a, nil
}

func newDecoder(b []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(b, []byte("?"))))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return d
}

// sane looks at a document's form before anything is made of it: no document type, and so no
// entities, and nothing deep.
func sane(b []byte) error {
	d := newDecoder(b)
	for depth, elements := 0, 0; ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if elements == 0 {
				return errors.New("no XML")
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("not XML: %w", err)
		}
		switch t.(type) {
		case xml.Directive:
			return errors.New("a document type")
		case xml.StartElement:
			depth++
			elements++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth || elements > maxElements {
			return errors.New("too deep or too many elements")
		}
	}
}

// at is when the device says that it was, if that is credible: within the day before now.
func (a *alert) at(now time.Time) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(form, strings.TrimSpace(a.Time)); err == nil && t.Before(now) && now.Sub(t) < 24*time.Hour {
			return t
		}
	}
	return now
}
