package isapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sentrybox/drivers/xmldoc"
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

// decode reads an XML document into v. A part or an answer of any device is far below these limits,
// and what has carried it has bounded its bytes.
func decode(b []byte, v any) error {
	return xmldoc.Decode(b, xmldoc.Limits{Depth: 16, Elements: 1000}, v)
}

// parseAlert reads a part.
func parseAlert(b []byte) (*alert, error) {
	a := &alert{}
	b = bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\xef\xbb\xbf"))
	var err error
	if bytes.HasPrefix(b, []byte("{")) {
		err = json.Unmarshal(b, a) // has limits of its own
	} else {
		err = decode(b, a)
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

// at is when the device says that it was, if that is credible: within the day before now.
func (a *alert) at(now time.Time) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(form, strings.TrimSpace(a.Time)); err == nil && t.Before(now) && now.Sub(t) < 24*time.Hour {
			return t
		}
	}
	return now
}
