package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/backup"
	"sentrybox/gateway/control"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/store"
	"sentrybox/gateway/web/account"
)

// privacy finds what there is of a time, and removes the pictures if it is asked to: the files, what
// waits to be sent, and older copies of either. Alerts stay: they hold no picture, and the two clocks of each are a matter
// of record.
func (a *App) privacy(ctx context.Context, req control.PrivacyRequest) (control.PrivacyReport, error) {
	report := control.PrivacyReport{Alerts: []json.RawMessage{}, Files: []control.PrivacyFile{}}
	files, err := a.evidence.Between(ctx, req.Device, req.From, req.To)
	if err != nil {
		return report, err
	}
	for _, f := range files {
		report.Files = append(report.Files, control.PrivacyFile{Alert: f.Alert, Part: f.Part, Name: f.Name, Bytes: f.Bytes, SHA256: f.SHA256})
	}
	err = a.store.Tx(ctx, func(tx *sql.Tx) error {
		rows, err := store.AlertsBetween(ctx, tx, req.Device, req.From, req.To)
		if err != nil {
			return err
		}
		for _, row := range rows {
			doc, err := a.alerts.Current(ctx, tx, row.ID)
			if err != nil {
				return err
			}
			report.Alerts = append(report.Alerts, doc)
			n, err := a.forgetPictures(ctx, tx, row.ID, req.Delete)
			if err != nil {
				return err
			}
			report.Waiting += n
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	action := "privacy.export"
	if req.Delete {
		action = "privacy.delete"
		for _, f := range files {
			if err := a.evidence.Remove(ctx, f); err != nil {
				return report, err
			}
		}
	}
	if report.Copies, err = a.forgetCopies(req); err != nil {
		return report, err
	}
	accounts := &account.Accounts{Store: a.store, Dir: a.Config.Data, Log: a.Log.With("part", "privacy"), Now: time.Now}
	accounts.Audit(ctx, account.Actor{Name: req.By, Origin: "command"}, action, fmt.Sprintf("%s to %s, %s: %d alerts, %d files, %d waiting, %d copies",
		req.From.Format(time.RFC3339), req.To.Format(time.RFC3339), orAll(req.Device), len(report.Alerts), len(report.Files), report.Waiting, report.Copies))
	return report, nil
}

// forgetCopies counts, and removes, what is kept for a while of how the data folder was before: the site that a restore took
// the place of, and damaged databases.
func (a *App) forgetCopies(req control.PrivacyRequest) (int, error) {
	n, err := a.store.ForgetAside(req.From, req.Delete)
	there, err2 := backup.Forget(a.Config.Data, req.From, req.Delete)
	if there {
		n++
	}
	return n, errors.Join(err, err2)
}

func orAll(device string) string {
	if device == "" {
		return "all devices"
	}
	return device
}

// forgetPictures counts, and removes, the thumbnails and pieces of an alert that wait to be sent.
func (a *App) forgetPictures(ctx context.Context, tx *sql.Tx, id string, remove bool) (n int, err error) {
	for _, prefix := range []string{alert.ThumbTopic(id), evidence.Topics(id)} {
		k, err := a.outbox.Below(ctx, tx, prefix, remove)
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}
