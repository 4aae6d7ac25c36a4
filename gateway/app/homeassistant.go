package app

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"sentrybox/gateway/homeassistant"
	"sentrybox/uplink/outbox"
)

// announceEvery is how often it is looked whether a sensor measures something new.
const announceEvery = 30 * time.Second

func (a *App) buildHomeAssistant(ctx context.Context) (err error) {
	a.home = &homeassistant.Projection{
		Root: a.Config.HomeAssistant.Prefix, Prefix: a.prefix(), Gateway: a.Config.Gateway.ID, Store: a.store,
	}
	a.roots, err = a.home.Roots(ctx)
	return err
}

// devices returns what Home Assistant is to know.
func (a *App) devices() []homeassistant.Device {
	all := []homeassistant.Device{{ID: a.Config.Gateway.ID, Kind: "gateway"}}
	for _, c := range a.current.Load().Cameras {
		all = append(all, homeassistant.Device{ID: c.ID, Kind: "camera"})
	}
	all = append(all, a.homeDevices()...)
	measured := map[string][]homeassistant.Quantity{}
	a.readings.Each(time.Now(), func(device, quantity string, own bool, _ float64) {
		measured[device] = append(measured[device], homeassistant.Quantity{Name: quantity, Own: own})
	})
	for _, u := range a.Config.Broker.Users {
		if u.Role == "sensor" && !configured(a.current.Load(), u.Name) {
			q := measured[u.Name]
			slices.SortFunc(q, func(x, y homeassistant.Quantity) int { return cmp.Compare(x.Name, y.Name) })
			all = append(all, homeassistant.Device{ID: u.Name, Kind: "sensor", Quantities: q})
		}
	}
	return all
}

// announce publishes which devices there are, and takes away those that are no
// more. Without Home Assistant in the config it takes away all.
func (a *App) announce(ctx context.Context) error {
	var items []outbox.Item
	err := a.store.Tx(ctx, func(tx *sql.Tx) error {
		messages, err := a.home.Messages(ctx, tx, a.devices())
		if err != nil {
			return err
		}
		items = nil
		for _, m := range messages {
			it := outbox.Item{Lane: outbox.State, Topic: m.Topic, Key: m.Topic, Retain: true, Payload: m.Payload}
			if _, err := a.outbox.Put(ctx, tx, it); err != nil {
				return err
			}
			items = append(items, it)
		}
		return nil
	})
	if err == nil && len(items) > 0 {
		a.outbox.Wake()
		a.mirror(items)
	}
	return err
}

// runHomeAssistant announces until ctx ends: at the begin, and when a sensor
// measures something new.
func (a *App) runHomeAssistant(ctx context.Context) error {
	known := -1
	for {
		n := 0
		for _, d := range a.devices() {
			n += 1 + len(d.Quantities)
		}
		if n > known { // what falls silent for an hour stays
			if err := a.announce(ctx); err == nil {
				known = n
			} else if ctx.Err() == nil {
				a.Log.Error("Home Assistant does not know the devices", "error", err)
			}
		}
		if a.home.Root == "" && known >= 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(announceEvery):
		}
	}
}
