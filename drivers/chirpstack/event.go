package chirpstack

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"sentrybox/drivers/driver"
)

// event is what of ChirpStack's events is of use: UplinkEvent, StatusEvent, JoinEvent
// and LogEvent of integration.proto, in the JSON mapping of protobuf, which leaves
// fields away that are 0.
type event struct {
	ID     string     `json:"deduplicationId"`
	Time   *time.Time `json:"time"`
	Device struct {
		EUI  string `json:"devEui"`
		Name string `json:"deviceName"`
	} `json:"deviceInfo"`

	// Of an uplink.
	Counter uint32         `json:"fCnt"`
	Port    int            `json:"fPort"`
	Data    string         `json:"data"` // base64
	Object  map[string]any `json:"object"`
	Heard   []struct {
		RSSI *float64 `json:"rssi"`
		SNR  *float64 `json:"snr"`
	} `json:"rxInfo"`

	// Of a status.
	Margin      *float64 `json:"margin"`
	External    bool     `json:"externalPowerSource"`
	NoBattery   bool     `json:"batteryLevelUnavailable"`
	BatteryCent *float64 `json:"batteryLevel"`

	// Of a log.
	Level       string `json:"level"`
	Code        string `json:"code"`
	Description string `json:"description"`
}

var errTopic = errors.New("not a topic of ChirpStack's")

// parseTopic returns the device and the type of event of a topic below prefix.
func parseTopic(prefix, topic string) (eui, kind string, err error) {
	rest, ours := strings.CutPrefix(topic, prefix)
	parts := strings.Split(rest, "/")
	if !ours || len(parts) != 6 || parts[0] != "application" || parts[2] != "device" || parts[4] != "event" {
		return "", "", errTopic
	}
	if b, err := hex.DecodeString(parts[3]); err != nil || len(b) != 8 {
		return "", "", errTopic
	}
	return strings.ToLower(parts[3]), parts[5], nil
}

// parseEvent reads an event of a device.
func parseEvent(eui string, payload []byte) (event, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return event{}, fmt.Errorf("event: %w", err)
	}
	if e.Device.EUI != "" && !strings.EqualFold(e.Device.EUI, eui) {
		return event{}, errors.New("event: of another device than its topic says")
	}
	return e, nil
}

// uplink makes a message of an uplink; false if there is nothing in it.
func (e *event) uplink(eui string, now time.Time) (driver.Message, bool, error) {
	m := driver.Message{Device: eui, Port: e.Port, At: e.at(now), Counter: &e.Counter}
	if m.Port < 0 || m.Port > 223 {
		return m, false, fmt.Errorf("event: port %d", e.Port)
	}
	data, err := base64.StdEncoding.DecodeString(e.Data)
	if err != nil {
		return m, false, fmt.Errorf("event: data: %w", err)
	}
	if len(data) > 0 {
		m.Data = data
	}
	m.Values = flatten(e.Object)
	for _, rx := range e.Heard {
		if rx.RSSI != nil && (m.RSSI == nil || *rx.RSSI > *m.RSSI) {
			m.RSSI, m.SNR = rx.RSSI, rx.SNR
		}
	}
	return m, m.Data != nil || m.Values != nil, nil
}

// Values of a status.
const (
	// SectionStatus is the section of a device's report of itself (DevStatusAns).
	SectionStatus = "status"
	// BatteryLevel is in percent. It is missing where the device does not know.
	BatteryLevel = "battery_level"
	// ExternalPower says that the device does not run from its battery.
	ExternalPower = "external_power"
	// Margin is by how many dB the device heard the network better than needed.
	Margin = "margin"
)

func (e *event) status(eui string, now time.Time) driver.Message {
	m := driver.Message{Device: eui, Section: SectionStatus, At: e.at(now), Values: map[string]any{ExternalPower: e.External}}
	switch {
	case e.NoBattery || e.External:
	case e.BatteryCent == nil:
		m.Values[BatteryLevel] = 0.0 // left away, as it is 0
	default:
		m.Values[BatteryLevel] = *e.BatteryCent
	}
	if e.Margin != nil {
		m.Values[Margin] = *e.Margin
	}
	return m
}

const (
	ahead = 2 * time.Second    // that ChirpStack's clock may be
	old   = 7 * 24 * time.Hour // what has waited longer has a clock that is wrong
)

// at is when the event was: an event that has waited at the broker says so.
func (e *event) at(now time.Time) time.Time {
	if e.Time == nil || e.Time.After(now.Add(ahead)) || now.Sub(*e.Time) > old {
		return now
	}
	return *e.Time
}

// Limits of what a codec may return.
const (
	maxValues = 256
	maxDepth  = 8
	maxText   = 256 // bytes
)

// flatten joins the names of nested objects by dots, and counts the elements of
// lists from 0.
func flatten(object map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range object {
		put(out, k, v, 1)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func put(out map[string]any, name string, v any, depth int) {
	if len(out) >= maxValues || depth > maxDepth || len(name) > maxText {
		return
	}
	switch x := v.(type) {
	case bool:
		out[name] = x
	case float64:
		if !math.IsInf(x, 0) && !math.IsNaN(x) {
			out[name] = x
		}
	case string:
		if len(x) <= maxText {
			out[name] = x
		}
	case map[string]any:
		for k, inner := range x {
			put(out, name+"."+k, inner, depth+1)
		}
	case []any:
		for i, inner := range x {
			put(out, fmt.Sprintf("%s.%d", name, i), inner, depth+1)
		}
	}
}
