package duty

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/text"
)

const (
	// mostDevices are remembered of a gateway: it can have no more than some hundreds.
	mostDevices = 1000
	maxDevice   = 64 << 10 // bytes of a state, which may have many values
)

// devices are the cameras, sensors and radios of which a broker keeps the states. They are not written down:
// whenever a feed subscribes, the broker says all of them anew, without those that have been taken away.
type devices struct {
	mu  sync.Mutex
	all map[ledger.Gateway]map[string]device // guarded by mu
}

// device is what a gateway says of one. Since is in Unix milliseconds.
type device struct {
	kind, name, state string
	since             int64
}

// reset forgets everything, before the broker says it anew.
func (d *devices) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = nil
}

// take takes a device's state, empty once it is no more, and says whether it is another than before.
func (d *devices) take(g ledger.Gateway, id string, payload []byte) (changed bool) {
	var s struct {
		Type  string    `json:"type"`
		Name  string    `json:"name"`
		State string    `json:"state"`
		Since time.Time `json:"since"`
	}
	if id == "" || len(payload) > maxDevice || len(payload) > 0 && (json.Unmarshal(payload, &s) != nil || s.State == "") {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	have, there := d.all[g][id]
	if len(payload) == 0 {
		delete(d.all[g], id)
		return there
	}
	is := device{s.Type, cleaned(cmp.Or(s.Name, id), maxName), s.State, s.Since.UnixMilli()}
	if have == is || !there && len(d.all[g]) >= mostDevices {
		return false
	}
	if d.all == nil {
		d.all = map[ledger.Gateway]map[string]device{}
	}
	if d.all[g] == nil {
		d.all[g] = map[string]device{}
	}
	d.all[g][id] = is
	return have.failed() || is.failed()
}

// failed says whether nothing is to be seen or heard of a device.
func (d device) failed() bool {
	switch d.state {
	case "unreachable", "refused", "no_video", "codec", "stalled", "blind", "silent", "fault", "unplugged":
		return true
	}
	return false
}

// nameOf returns what people call a device of a gateway, its id if that is not known.
func (c *Console) nameOf(g ledger.Gateway, id string) string {
	newest := device{name: id}
	for _, b := range c.devices {
		b.mu.Lock()
		if d, there := b.all[g][id]; there && d.since >= newest.since {
			newest = d
		}
		b.mu.Unlock()
	}
	return newest.name
}

// mostNamed are looked for by name.
const mostNamed = 50

// named returns the devices whose names have some words in them, in upper or lower case.
func (c *Console) named(words string) (all []ledger.Device) {
	if words = strings.ToLower(words); words == "" {
		return nil
	}
	for _, b := range c.devices {
		b.mu.Lock()
		for g, of := range b.all {
			for id, d := range of {
				if len(all) < mostNamed && strings.Contains(strings.ToLower(d.name), words) {
					all = append(all, ledger.Device{Gateway: g, ID: id})
				}
			}
		}
		b.mu.Unlock()
	}
	return all
}

// broken is a device that has failed, as the page shows it.
type broken struct {
	What  string `json:"what"`
	Since int64  `json:"since"`
}

// broken lists the devices that have failed, cameras first. Of a gateway that is not to be reached nothing is
// known. Where a gateway has spoken at several brokers, the newest counts.
func (c *Console) broken(known map[ledger.Gateway]ledger.State, l text.Lang) []broken {
	type place struct {
		gateway ledger.Gateway
		id      string
	}
	newest := map[place]device{}
	for _, b := range c.devices {
		b.mu.Lock()
		for g, all := range b.all {
			for id, d := range all {
				if have, there := newest[place{g, id}]; known[g].State != "offline" && (!there || d.since > have.since) {
					newest[place{g, id}] = d
				}
			}
		}
		b.mu.Unlock()
	}
	cameras, others := []broken{}, []broken{}
	for at, d := range newest {
		switch b := (broken{d.words(at.gateway, len(known) > 1, l), d.since}); {
		case !d.failed():
		case d.kind == "camera":
			cameras = append(cameras, b)
		default:
			others = append(others, b)
		}
	}
	for _, all := range [][]broken{cameras, others} {
		slices.SortFunc(all, func(x, y broken) int {
			return cmp.Or(cmp.Compare(x.Since, y.Since), strings.Compare(x.What, y.What))
		})
	}
	return append(cameras, others...)
}

// words says what is wrong with a device, and where if there are several places.
func (d device) words(g ledger.Gateway, several bool, l text.Lang) string {
	key := text.Key("duty.device." + d.kind)
	if !text.Has(key) {
		key = "duty.device.other"
	}
	said := text.T(l, key, d.name, text.State(l, d.state))
	if parts := strings.Split(string(g), "/"); several && len(parts) >= 2 {
		said = cleaned(parts[len(parts)-2], maxName) + " " + said
	}
	return said
}
