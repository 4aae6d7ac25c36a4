package app

import (
	"sentrybox/drivers/mmdvm"
	"sentrybox/drivers/subscribe"
	"sentrybox/gateway/config"
)

// mmdvmConfig is what the source of a hotspot takes that publishes at a broker.
func (a *App) mmdvmConfig(r *config.Radio) (any, error) {
	m, log := r.MMDVM, a.Log.With("radio", r.ID)
	c := mmdvm.Config{Name: m.Name, Log: log}
	if m.Broker.IsZero() {
		return c, nil
	}
	b, err := completeBroker(subscribe.Broker{
		Username: m.Username, Password: m.Password.Reveal(), ClientID: clientID(a.prefix() + "/" + r.ID), Log: log,
	}, m.Broker, m.CA)
	c.Broker = &b
	return c, err
}
