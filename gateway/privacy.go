package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/control"
	"sentrybox/gateway/text"
)

type privacyCmd struct {
	Export privacyExportCmd `cmd:"" help:"${help_privacy_export}"`
	Delete privacyDeleteCmd `cmd:"" help:"${help_privacy_delete}"`
}

// personFlags say what is asked for.
type personFlags struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
	From   string `required:"" placeholder:"TIME" help:"${help_privacy_time}"`
	To     string `required:"" placeholder:"TIME" help:"${help_privacy_time}"`
	Device string `placeholder:"ID" help:"${help_privacy_device}"`
	By     string `required:"" placeholder:"NAME" help:"${help_privacy_by}"`
}

type privacyExportCmd struct {
	personFlags
	Out string `arg:"" type:"path" name:"out.tar" help:"${help_privacy_out}"`
}

type privacyDeleteCmd struct {
	personFlags
	Yes bool `help:"${help_privacy_yes}"`
}

// ask asks the running gateway; the times are of its place.
func (f *personFlags) ask(ctx context.Context, remove bool) (*config.Config, control.PrivacyReport, error) {
	cfg, err := dataOf(f.Config)
	if err != nil {
		return nil, control.PrivacyReport{}, err
	}
	req := control.PrivacyRequest{Device: f.Device, By: f.By, Delete: remove}
	if req.From, err = parseTime(f.From, cfg.Gateway.Location()); err == nil {
		req.To, err = parseTime(f.To, cfg.Gateway.Location())
	}
	if err != nil {
		return nil, control.PrivacyReport{}, &sentence{"privacy.time", []any{f.From, f.To}}
	}
	report, err := control.AskPrivacy(ctx, cfg.Data, req)
	return cfg, report, err
}

// parseTime reads 2026-03-01T12:00, a place's time, or RFC 3339.
func parseTime(s string, place *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.ParseInLocation("2006-01-02T15:04", s, place)
}

func (c *privacyExportCmd) Run(e *env) error {
	cfg, report, err := c.ask(e.ctx, false)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the export: %w", err)
	}
	if err := errors.Join(writeExport(out, filepath.Join(cfg.Data, "evidence"), &report), out.Close()); err != nil {
		return errors.Join(fmt.Errorf("write the export: %w", err), os.Remove(c.Out))
	}
	_, err = fmt.Fprintln(e.out, text.T(e.lang, "privacy.exported", len(report.Alerts), len(report.Files), c.Out))
	return err
}

// writeExport writes report.json and the files to a tar.
func writeExport(w io.Writer, folder string, report *control.PrivacyReport) error {
	t := tar.NewWriter(w)
	list, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: "report.json", Mode: 0o600, Size: int64(len(list)), ModTime: time.Now()}); err != nil {
		return err
	}
	if _, err := t.Write(list); err != nil {
		return err
	}
	for _, file := range report.Files {
		if err := addFile(t, filepath.Join(folder, filepath.Base(file.Name)), file.Bytes); err != nil {
			return err
		}
	}
	return t.Close()
}

func addFile(t *tar.Writer, path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := t.WriteHeader(&tar.Header{Name: filepath.Base(path), Mode: 0o600, Size: size, ModTime: time.Now()}); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}

func (c *privacyDeleteCmd) Run(e *env) error {
	_, report, err := c.ask(e.ctx, c.Yes)
	if err != nil {
		return err
	}
	key := text.Key("privacy.would")
	if c.Yes {
		key = "privacy.deleted"
	}
	_, _ = fmt.Fprintln(e.out, text.T(e.lang, key, len(report.Files), report.Waiting, len(report.Alerts)))
	if report.Copies > 0 {
		_, _ = fmt.Fprintln(e.out, text.T(e.lang, key+".copies", report.Copies))
	}
	for _, doc := range report.Alerts {
		var a struct{ ID, Device, Kind string }
		if json.Unmarshal(doc, &a) == nil {
			_, _ = fmt.Fprintf(e.out, "%s  %s  %s\n", a.ID, a.Device, text.Kind(e.lang, a.Kind))
		}
	}
	_, err = fmt.Fprintln(e.out, text.T(e.lang, "privacy.elsewhere"))
	return err
}
