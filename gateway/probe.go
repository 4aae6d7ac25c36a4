package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/rtsp"
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

// printDVRIP is printProbe for a device that speaks DVRIP.
func printDVRIP(e *env, rep dvrip.Report) error {
	p := &printer{w: e.out, lang: e.lang}
	p.line(text.Key(rep.URL))
	p.line("probe.device", rep.Device, rep.Channels)
	p.line("probe.stream", rep.Info.Codec, rep.Info.Width, rep.Info.Height, rep.FPS, rep.KeyframeInterval.Seconds(), rep.Bitrate/1000)
	return p.err
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
