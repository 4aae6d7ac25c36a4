package mmdvm

import (
	"encoding/json"
	"errors"
	"strconv"

	"sentrybox/drivers/call"
)

// maxPayload bounds a message; MMDVMHost's have some hundred bytes.
const maxPayload = 4096

var errMessage = errors.New("not a message of MMDVMHost about DMR")

// message is what MMDVMHost publishes about DMR (its schema.json, and writeJSON… of DMRSlot.cpp). Other releases of
// it, which images for hotspots still have, call the ids src_id and dst_id, and say "group": "yes" or "no".
type message struct {
	Slot   int    `json:"slot"`
	Action string `json:"action"`
	Desc   string `json:"csbk_desc"`
	Source string `json:"source"` // rf or network; not of end, lost and timeout
	Src    uint32 `json:"source_id"`
	Dst    uint32 `json:"destination_id"`
	Type   string `json:"destination_type"` // group or individual
	OldSrc uint32 `json:"src_id"`
	OldDst uint32 `json:"dst_id"`
	Group  string `json:"group"`
	Frames *int   `json:"frames"` // of a transmission of data
	RSSI   *struct {
		Ave float64 `json:"ave"`
	} `json:"rssi"`
	alias string // of a Text
}

// parse reads a payload of <name>/json. It is false for what is about something else.
func parse(payload []byte) (m message, ours bool, err error) {
	if len(payload) > maxPayload {
		return m, false, errMessage
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(payload, &all) != nil || len(all) != 1 {
		return m, false, errMessage
	}
	if b, ok := all["Text"]; ok {
		var t struct {
			Mode  string `json:"mode"`
			Slot  int    `json:"slot"`
			Value string `json:"value"`
		}
		if json.Unmarshal(b, &t) != nil {
			return m, false, errMessage
		}
		return message{Slot: t.Slot, Action: "alias", alias: t.Value}, t.Mode == "DMR" && t.Value != "", nil
	}
	b, ok := all["DMR"]
	if !ok {
		return m, false, nil
	}
	if json.Unmarshal(b, &m) != nil {
		return message{}, false, errMessage
	}
	m.translate()
	if m.Slot < 1 || m.Slot > 2 || m.Action == "" || m.Src > 1<<24-1 || m.Dst > 1<<24-1 {
		return message{}, false, errMessage
	}
	return m, true, nil
}

// translate takes the ids by their other names.
func (m *message) translate() {
	if m.Src == 0 {
		m.Src = m.OldSrc
	}
	if m.Dst == 0 {
		m.Dst = m.OldDst
	}
	if m.Type == "" && m.Group == "no" {
		m.Type = "individual"
	}
}

func id(v uint32) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(v), 10)
}

// event is the message as an Event, without its kind.
func (m *message) event() call.Event {
	e := call.Event{From: id(m.Src), To: id(m.Dst), Private: m.Type == "individual", Channel: strconv.Itoa(m.Slot)}
	if m.RSSI != nil && m.RSSI.Ave < 0 && m.RSSI.Ave > -200 {
		e.RSSI = &m.RSSI.Ave
	}
	return e
}
