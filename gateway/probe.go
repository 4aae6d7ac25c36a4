package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/find"
	"sentrybox/gateway/text"
)

// printProbe prints what a camera offers, for a person.
func printProbe(e *env, rep rtsp.Report) error {
	p := &printer{w: e.out, lang: e.lang}
	p.line(text.Key(rep.URL))
	if rep.Server != "" {
		p.line(text.Key(rep.Server))
	}
	p.line("probe.stream", rep.Info.Codec, rep.Info.Width, rep.Info.Height, rep.FPS, rep.KeyframeInterval.Seconds(), rep.Bitrate/1000)
	p.line("probe.access", rep.Transport, rep.Auth)
	for _, m := range rep.Medias {
		chosen := ""
		if m.Chosen {
			chosen = " " + text.T(e.lang, "probe.chosen")
		}
		p.line("probe.media", m.Type, strings.Join(m.Codecs, ", ")+chosen)
	}
	if rep.ClockKnown {
		p.line("probe.clock", rep.ClockOffset.Round(time.Millisecond))
	}
	for _, problem := range rep.Problems {
		p.line("probe.problem", problem)
	}
	return p.err
}

// dvrip shows one stream of a device that speaks DVRIP.
func (c *probeCmd) dvrip(e *env) error {
	rep, err := dvrip.Probe(e.ctx, dvrip.Config{URL: c.URL})
	if err != nil {
		return probeError(err)
	}
	if c.JSON {
		return json.NewEncoder(e.out).Encode(dvripJSON(rep))
	}
	p := &printer{w: e.out, lang: e.lang}
	p.line(text.Key(rep.URL))
	p.line("probe.device", rep.Device, rep.Channels)
	p.line("probe.stream", rep.Info.Codec, rep.Info.Width, rep.Info.Height, rep.FPS, rep.KeyframeInterval.Seconds(), rep.Bitrate/1000)
	return p.err
}

// onvif shows what an ONVIF device says of itself and its streams.
func (c *probeCmd) onvif(e *env) error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return &sentence{"probe.onvif_url", nil} // the cause quotes the password
	}
	password, _ := u.User.Password()
	d, err := onvif.Inspect(e.ctx, onvif.Config{Address: "http://" + u.Host + u.Path, User: u.User.Username(), Password: password})
	if c.JSON && err == nil {
		return json.NewEncoder(e.out).Encode(onvifJSON(d))
	}
	p := &printer{w: e.out, lang: e.lang}
	for _, a := range d.Attempts {
		if a.Well {
			p.line("probe.signed_in", a.Method)
		} else {
			p.line("find.tried", a.Method, a.Reason)
		}
	}
	if err != nil {
		return probeError(err)
	}
	i := d.Information
	p.line(text.Key(strings.Join([]string{i.Manufacturer, i.Model, i.Firmware, i.Serial}, "  ")))
	for _, s := range d.Profiles {
		p.line("probe.profile", s.Name, s.Codec, s.Width, s.Height, s.FPS, s.Bitrate)
		p.line(text.Key("  " + s.StreamURL))
	}
	if d.ClockKnown {
		p.line("probe.clock", d.ClockOffset.Round(time.Second))
	}
	for _, problem := range d.Problems {
		p.line("probe.problem", problem)
	}
	return p.err
}

// probeError says of an error that is no answer of a device, nor of the network, that the address is at fault.
func probeError(err error) error {
	if find.FailureOf(err) != "" || errors.Is(err, context.Canceled) {
		return err
	}
	return &sentence{"probe.address", []any{err}}
}

// printer keeps the first error of many lines.
type printer struct {
	w    io.Writer
	lang text.Lang
	err  error
}

func (p *printer) line(key text.Key, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, text.T(p.lang, key, args...))
	}
}
