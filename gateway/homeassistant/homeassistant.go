// Package homeassistant tells Home Assistant which devices a gateway has, by its
// MQTT discovery: one retained message a device, in the abbreviated form
// (home-assistant.io, MQTT, "Device discovery payload"). It is a projection of what
// the gateway publishes anyway: Home Assistant reads the states from there.
package homeassistant

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sentrybox/gateway/store"
)

// Device is one that Home Assistant is to know.
type Device struct {
	ID   string // unique within the gateway
	Kind string // gateway, camera, sensor, bus or output
	// Name and Profile are in words; the ID and Kind when empty.
	Name, Profile string
	// Stated says that a sensor's quantities are values of its state, and not published by
	// itself.
	Stated bool
	// Quantities are what a sensor measures. One that has not said yet is not
	// announced, and not taken away if it was.
	Quantities []Quantity
}

// Quantity is what a sensor measures.
type Quantity struct {
	Name string
	Unit string // "" if it has none
	// Own says that it is published on a topic of its own, as a number, and not in
	// the sensor's object.
	Own bool
}

// Message is a retained message at the broker's root. An empty payload takes a
// device away.
type Message struct {
	Topic   string
	Payload []byte
}

// Projection makes the messages of one gateway.
type Projection struct {
	Root    string // Home Assistant's discovery prefix, such as homeassistant
	Prefix  string // of the gateway's topics
	Gateway string // its id
	Store   *store.Store
}

// Schema returns the steps that make the table of what was announced.
func Schema() store.Migration {
	return store.Migration{Component: "home_assistant", Steps: []string{
		`CREATE TABLE home_assistant (topic TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;`,
	}}
}

// id is one that Home Assistant takes, of letters and digits, for any name.
func (p *Projection) id(device string) string {
	sum := sha256.Sum256([]byte(p.Prefix + "\x00" + device))
	return "sentrybox_" + hex.EncodeToString(sum[:8])
}

// Topic returns where a device is announced.
func (p *Projection) Topic(device string) string {
	return p.Root + "/device/" + p.id(device) + "/config"
}

// component is an entity, in Home Assistant's abbreviations.
type component struct {
	Platform string `json:"p"`
	Name     string `json:"name"`
	UniqueID string `json:"uniq_id"`
	Topic    string `json:"stat_t"`
	Template string `json:"val_tpl"`
	Class    string `json:"dev_cla,omitempty"`
	Category string `json:"ent_cat,omitempty"`
	Attrs    string `json:"json_attr_t,omitempty"`
	Unit     string `json:"unit_of_meas,omitempty"`
}

type announcement struct {
	Device struct {
		IDs   []string `json:"ids"`
		Name  string   `json:"name"`
		Maker string   `json:"mf"`
		Model string   `json:"mdl"`
		Via   string   `json:"via_device,omitempty"`
	} `json:"dev"`
	Origin struct {
		Name string `json:"name"`
	} `json:"o"`
	Components map[string]component `json:"cmps"`
	Available  string               `json:"avty_t"`
	Template   string               `json:"avty_tpl"`
}

// announce returns the message of a device.
func (p *Projection) announce(d Device) (Message, error) {
	var a announcement
	id := p.id(d.ID)
	a.Device.IDs, a.Device.Name, a.Device.Maker, a.Device.Model = []string{id}, d.ID, "Sentrybox", d.Kind
	if d.Name != "" {
		a.Device.Name = d.Name
	}
	if d.Profile != "" {
		a.Device.Model = d.Profile
	}
	if d.Kind != "gateway" {
		a.Device.Via = p.id(p.Gateway)
	}
	a.Origin.Name = "sentrybox"
	// The payloads that count as available are online and offline, the default.
	a.Available, a.Template = p.Prefix+"/status", "{{ value_json.state }}"
	a.Components = map[string]component{}
	if d.Kind == "sensor" {
		p.measured(d, id, a.Components)
	}
	if d.Kind != "sensor" || d.Stated {
		p.stated(d, id, a.Components)
	}
	b, err := json.Marshal(a)
	if err != nil {
		return Message{}, fmt.Errorf("announce %s to Home Assistant: %w", d.ID, err)
	}
	return Message{p.Topic(d.ID), b}, nil
}

// measured adds what a sensor measures.
func (p *Projection) measured(d Device, id string, all map[string]component) {
	for _, q := range d.Quantities {
		key := hex.EncodeToString([]byte(q.Name))
		c := component{Platform: "sensor", Name: q.Name, UniqueID: id + "_" + key, Topic: p.Prefix + "/sensors/" + d.ID, Unit: q.Unit}
		c.Template = "{{ value_json[" + quoted(q.Name) + "] }}"
		switch {
		case d.Stated:
			c.Topic, c.Template = p.Prefix+"/device/"+d.ID, "{{ value_json['values']["+quoted(q.Name)+"] }}"
		case q.Own:
			c.Topic, c.Template = c.Topic+"/"+q.Name, "{{ value }}"
		}
		all[key] = c
	}
}

// stated adds how a device is doing.
func (p *Projection) stated(d Device, id string, all map[string]component) {
	topic := p.Prefix + "/device/" + d.ID
	all["online"] = component{
		Platform: "binary_sensor", Name: "online", UniqueID: id + "_online", Topic: topic, Class: "connectivity",
		Template: "{{ 'ON' if value_json.state in ['online', 'low_battery', 'on', 'off'] else 'OFF' }}", Attrs: topic,
	}
	all["state"] = component{
		Platform: "sensor", Name: "state", UniqueID: id + "_state", Topic: topic, Template: "{{ value_json.state }}", Category: "diagnostic",
	}
}

// quoted returns s as a string of a Jinja template, where what it does not know
// as an escape cannot stand.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", " ", "\r", " ").Replace(s) + "'"
}

// Messages returns what is to be published for the devices there are now: an
// announcement of each, and the taking away of each that was announced earlier and
// is no more. Without a Root all are taken away. What is returned counts as
// published, within the transaction.
func (p *Projection) Messages(ctx context.Context, tx *sql.Tx, devices []Device) ([]Message, error) {
	var all []Message
	now := map[string]bool{}
	if p.Root != "" {
		for _, d := range devices {
			if d.Kind == "sensor" && !d.Stated && len(d.Quantities) == 0 {
				now[p.Topic(d.ID)] = true
				continue
			}
			m, err := p.announce(d)
			if err != nil {
				return nil, err
			}
			all, now[m.Topic] = append(all, m), true
		}
	}
	before, err := announced(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, topic := range before {
		if now[topic] {
			continue
		}
		all = append(all, Message{Topic: topic})
		if _, err := tx.ExecContext(ctx, `DELETE FROM home_assistant WHERE topic = ?`, topic); err != nil {
			return nil, fmt.Errorf("forget a device at Home Assistant: %w", err)
		}
	}
	for topic := range now {
		if slices.Contains(before, topic) || !slices.ContainsFunc(all, func(m Message) bool { return m.Topic == topic }) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO home_assistant (topic) VALUES (?)`, topic); err != nil {
			return nil, fmt.Errorf("note a device at Home Assistant: %w", err)
		}
	}
	return all, nil
}

func announced(ctx context.Context, tx *sql.Tx) (topics []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT topic FROM home_assistant ORDER BY topic`)
	if err != nil {
		return nil, fmt.Errorf("read what Home Assistant knows: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, fmt.Errorf("read what Home Assistant knows: %w", err)
		}
		topics = append(topics, t)
	}
	return topics, rows.Err()
}

// Roots returns the first levels of what was announced and is to be: these topics
// stand outside the gateway's prefix.
func (p *Projection) Roots(ctx context.Context) ([]string, error) {
	var roots []string
	if p.Root != "" {
		roots = append(roots, p.Root)
	}
	err := p.Store.Tx(ctx, func(tx *sql.Tx) error {
		topics, err := announced(ctx, tx)
		for _, t := range topics {
			if root, _, ok := strings.Cut(t, "/device/"); ok && !slices.Contains(roots, root) {
				roots = append(roots, root)
			}
		}
		return err
	})
	return roots, err
}
