package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/uplink/outbox"
)

// setTerms says which alerts differ from the others.
func (a *App) setTerms() {
	a.alerts.Kinds = map[string]alert.Terms{}
	for kind, t := range a.Config.Alerts.Kinds {
		a.alerts.Kinds[kind] = terms(t)
	}
	a.alerts.Severities = map[int]alert.Terms{}
	for severity, t := range a.Config.Alerts.Severities {
		if n, err := strconv.Atoi(severity); err == nil { // the config has been checked
			a.alerts.Severities[n] = terms(t)
		}
	}
}

func terms(t config.Terms) alert.Terms {
	return alert.Terms{
		Level: alert.Level(t.Level), RespondWithin: time.Duration(t.RespondWithin), HandleWithin: time.Duration(t.HandleWithin),
	}
}

// showAlert is the command.Handler of {"type":"alert","alert":…}: how it stands with an alert, for a
// duty room that has missed something.
func (a *App) showAlert(ctx context.Context, tx *sql.Tx, r command.Request) (any, error) {
	var ask struct {
		Alert string `json:"alert"`
	}
	if err := json.Unmarshal(r.Body, &ask); err != nil {
		return nil, command.Refuse("invalid", "alert is an alert's id")
	}
	payload, err := a.alerts.Current(ctx, tx, ask.Alert)
	if errors.Is(err, alert.ErrInvalid) {
		return nil, command.Refuse("unknown", "there is no such alert here")
	}
	return map[string]json.RawMessage{"alert": payload}, err
}

// plansItem is what to do about each kind of alerts, for whoever answers them; an empty one
// clears what an earlier config has left at a broker.
func (a *App) plansItem() outbox.Item {
	return outbox.Item{Lane: outbox.State, Topic: "plans", Key: "plans", Retain: true, Payload: a.Config.Plans.JSON()}
}

func (a *App) publishPlans(ctx context.Context) {
	if err := a.put(ctx, a.plansItem()); err != nil && ctx.Err() == nil {
		a.Log.Error("the plans are not published", "error", err)
	}
}
