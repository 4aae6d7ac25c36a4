package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/text"
)

// libraryFresh is how long profiles are kept that were read.
const libraryFresh = 30 * time.Second

// library is the profiles that were read last. The zero value has none.
type library struct {
	folder string
	at     time.Time
	all    []*profile.Profile
}

// models returns every profile that can be read, in the order of their ids.
func (s *Server) models() []*profile.Profile {
	folder, now := s.Running().Profiles, s.Now()
	s.libraryMu.Lock()
	defer s.libraryMu.Unlock()
	if age := now.Sub(s.library.at); s.library.folder == folder && age >= 0 && age < libraryFresh {
		return s.library.all
	}
	lib := profile.Library{Folder: folder}
	ids, err := lib.IDs()
	if err != nil {
		s.Log.Error("profiles cannot be listed", "error", err)
	}
	s.library = library{folder: folder, at: now}
	for _, id := range ids {
		if p, err := lib.Get(id); err == nil {
			s.library.all = append(s.library.all, p)
		} else {
			s.Log.Warn("a profile cannot be used", "profile", id, "error", err)
		}
	}
	return s.library.all
}

// profileView is a profile as the form for a new sensor needs it.
type profileView struct {
	ID      string      `json:"id"`
	ZH      string      `json:"zh"`
	EN      string      `json:"en"`
	Maker   string      `json:"maker"`
	Models  []string    `json:"models"`
	Notes   string      `json:"notes,omitempty"`
	Buses   []string    `json:"buses"`   // kinds of buses that reach it; "" is the local broker
	Needs   []string    `json:"needs"`   // keys of its address
	Rules   []string    `json:"rules"`   // what it raises, in sentences
	Fields  []fieldView `json:"fields"`  // that raise something
	Outputs []string    `json:"outputs"` // what can be switched
	Unit    int         `json:"unit,omitempty"`
	Line    string      `json:"line,omitempty"` // speed and the like, such as 9600 8N1
	Senses  bool        `json:"senses"`         // it measures something
}

// fieldView is a field of a profile, and what people call it.
type fieldView struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type profileList struct {
	Profiles []profileView `json:"profiles"`
}

func (s *Server) listProfiles(r *http.Request) (any, error) {
	l, all := from(r).lang, []profileView{}
	for _, p := range s.models() {
		v := profileView{
			ID: p.ID, ZH: p.Name.In(text.Chinese), EN: p.Name.In(text.English), Maker: p.Maker, Models: p.Models, Notes: p.Notes.In(l),
			Buses: busKinds(p), Needs: needs(p), Rules: profileRules(p, nil, l), Fields: []fieldView{}, Outputs: []string{}, Senses: len(p.Fields()) > 0,
		}
		for _, a := range p.Alerts {
			if f := (fieldView{a.Field, fieldName(p, a.Field, l)}); !slices.Contains(v.Fields, f) {
				v.Fields = append(v.Fields, f)
			}
		}
		for _, o := range p.Outputs {
			v.Outputs = append(v.Outputs, o.Name)
		}
		switch {
		case p.Modbus != nil:
			v.Unit, v.Line = p.Modbus.Address, lineText(p.Modbus.Line)
		case p.Serial != nil:
			v.Line = lineText(p.Serial.Line)
		}
		all = append(all, v)
	}
	return profileList{all}, nil
}

// lineText writes the settings of a serial line, such as 9600 8N1.
func lineText(l profile.Line) string {
	parity := map[string]string{"even": "E", "odd": "O"}[l.Parity]
	if parity == "" {
		parity = "N"
	}
	return strconv.Itoa(max(l.Baud, 0)) + " " + strconv.Itoa(l.DataBits) + parity + strconv.Itoa(l.StopBits)
}

// busKinds returns the kinds of buses that reach a profile's device.
func busKinds(p *profile.Profile) []string {
	switch p.Transport() {
	case "lora":
		if p.LoRa.Module != "" {
			return []string{p.LoRa.Module}
		}
		return []string{"e22", "e32", "rak3172"}
	case "lorawan":
		return []string{"lorawan", "chirpstack"}
	case "mqtt":
		return []string{"mqtt", ""}
	}
	return []string{p.Transport()}
}

// needs returns the keys of a sensor's address.
func needs(p *profile.Profile) []string {
	switch p.Transport() {
	case "modbus":
		return []string{"unit"}
	case "serial":
		if p.Serial.Frame.Address != nil {
			return []string{"unit"}
		}
	case "lora":
		if p.LoRa.Frame != "raw" {
			return []string{"number", "key"}
		}
	case "lorawan":
		return []string{"eui", "dev_addr", "nwk_skey", "app_skey"}
	case "gpio":
		return []string{"pin"}
	case "mqtt":
		return []string{"topic"}
	}
	return []string{}
}

// strangerView is a sender that nobody knows.
type strangerView struct {
	Address string    `json:"address"` // as its bus calls it
	Key     string    `json:"key"`     // of a sensor, that the address is of: unit, number, eui, dev_addr; empty if none
	Heard   time.Time `json:"heard"`
	Count   uint64    `json:"count"`
	RSSI    *float64  `json:"rssi,omitempty"`
	SNR     *float64  `json:"snr,omitempty"`
	Hex     string    `json:"hex,omitempty"`
	Fits    []fitView `json:"fits"` // profiles that make sense of it
}

// fitView is a profile that makes sense of a message, and what it says.
type fitView struct {
	Profile string      `json:"profile"`
	Name    string      `json:"name"`
	Values  []valueView `json:"values"`
}

// mostFits bounds the profiles that are shown of a stranger.
const mostFits = 5

func (s *Server) strangerView(b *config.Bus, x *Stranger, l text.Lang) strangerView {
	v := strangerView{
		Address: x.Address, Heard: x.Heard.UTC(), Count: x.Count, RSSI: x.Payload.RSSI, SNR: x.Payload.SNR, Hex: hexed(x.Payload.Data), Fits: []fitView{},
	}
	switch b.Kind() {
	case "e22", "e32", "rak3172":
		v.Key = "number"
		if n, err := strconv.ParseUint(x.Address, 16, 32); err == nil { // people write it in decimal
			v.Address = strconv.FormatUint(n, 10)
		}
	case "lorawan":
		v.Key = "dev_addr"
		return v // what it says is encrypted
	case "chirpstack":
		v.Key = "eui"
	case "serial":
		v.Key = "unit"
	}
	for _, p := range s.models() {
		if len(v.Fits) < mostFits && slices.Contains(busKinds(p), b.Kind()) {
			if values, ok := fit(p, &x.Payload, l); ok {
				v.Fits = append(v.Fits, fitView{p.ID, p.Name.In(l), values})
			}
		}
	}
	return v
}

// fit reads a payload by a profile.
func fit(p *profile.Profile, x *Payload, l text.Lang) ([]valueView, bool) {
	d, err := p.NewDecoder(nil)
	if err != nil {
		return nil, false
	}
	got, _, err := d.Decode(nil, profile.Input{Section: x.Section, Port: x.Port, Data: x.Data, Values: x.Values, RSSI: x.RSSI, SNR: x.SNR})
	if err != nil || len(got) == 0 {
		return nil, false
	}
	return valueViews(p, got, l), true
}

func valueViews(p *profile.Profile, values []profile.Value, l text.Lang) []valueView {
	all := []valueView{}
	for _, v := range values {
		var value any = v.Number
		if v.Field.IsText() {
			value = v.Text
		}
		all = append(all, say(p, v.Field.Name, value, l))
	}
	return all
}
