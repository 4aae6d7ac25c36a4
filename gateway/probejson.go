package main

import (
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/media"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/rtsp"
)

// streamJSON is a stream as probe --json shows it, with the names of find --json.
type streamJSON struct {
	URL       string      `json:"url"` // without a password
	Server    string      `json:"server,omitempty"`
	Device    string      `json:"device,omitempty"`   // of DVRIP: as it names its type
	Channels  int         `json:"channels,omitempty"` // of DVRIP
	Auth      string      `json:"auth,omitempty"`
	Transport string      `json:"transport,omitempty"`
	Codec     string      `json:"codec"`
	Width     int         `json:"width"`
	Height    int         `json:"height"`
	FPS       float64     `json:"fps"`              // as it came
	Bitrate   float64     `json:"bitrate"`          // bits a second, as it came
	Keyframe  float64     `json:"keyframe_seconds"` // between two; 0: longer than it was watched
	Watched   float64     `json:"watched_seconds"`
	Lost      uint64      `json:"packets_lost"`
	Clock     *float64    `json:"clock_offset_seconds,omitempty"` // ahead of ours, where the camera told
	Offers    []offerJSON `json:"offers,omitempty"`
	Problems  []string    `json:"problems,omitempty"`
}

type offerJSON struct {
	Type   string   `json:"type"` // video, audio, application
	Codecs []string `json:"codecs"`
	Used   bool     `json:"used"`
}

func shownStream(url string, i media.Info, fps, bitrate float64, keyframe, watched time.Duration) streamJSON {
	return streamJSON{
		URL: url, Transport: i.Transport, Codec: i.Codec.String(), Width: i.Width, Height: i.Height,
		FPS: fps, Bitrate: bitrate, Keyframe: keyframe.Seconds(), Watched: watched.Seconds(),
	}
}

func rtspJSON(r rtsp.Report) streamJSON {
	out := shownStream(r.URL, r.Info, r.FPS, r.Bitrate, r.KeyframeInterval, r.Watched)
	out.Server, out.Auth, out.Transport, out.Lost, out.Problems = r.Server, r.Auth, string(r.Transport), r.PacketsLost, r.Problems
	out.Clock = clockJSON(r.ClockOffset, r.ClockKnown)
	for _, m := range r.Medias {
		out.Offers = append(out.Offers, offerJSON{Type: m.Type, Codecs: m.Codecs, Used: m.Chosen})
	}
	return out
}

func dvripJSON(r dvrip.Report) streamJSON {
	out := shownStream(r.URL, r.Info, r.FPS, r.Bitrate, r.KeyframeInterval, r.Watched)
	out.Device, out.Channels = r.Device, r.Channels
	return out
}

func clockJSON(offset time.Duration, known bool) *float64 {
	if !known {
		return nil
	}
	s := offset.Seconds()
	return &s
}

func onvifJSON(d onvif.Device) any {
	type profile struct {
		Name    string  `json:"name"`
		URL     string  `json:"url,omitempty"`
		Codec   string  `json:"codec"`
		Width   int     `json:"width"`
		Height  int     `json:"height"`
		FPS     float64 `json:"fps"`     // that it is limited to
		Bitrate float64 `json:"bitrate"` // bits a second that it is limited to
		GOP     int     `json:"gop,omitempty"`
	}
	i := d.Information
	out := struct {
		Manufacturer string    `json:"manufacturer"`
		Model        string    `json:"model"`
		Firmware     string    `json:"firmware"`
		Serial       string    `json:"serial"`
		Auth         string    `json:"auth"`
		Clock        *float64  `json:"clock_offset_seconds,omitempty"`
		Streams      []profile `json:"streams"`
		Problems     []string  `json:"problems,omitempty"`
	}{
		Manufacturer: i.Manufacturer, Model: i.Model, Firmware: i.Firmware, Serial: i.Serial, Auth: string(d.Method),
		Clock: clockJSON(d.ClockOffset, d.ClockKnown), Streams: []profile{}, Problems: d.Problems,
	}
	for _, p := range d.Profiles {
		out.Streams = append(out.Streams, profile{
			Name: p.Name, URL: p.StreamURL, Codec: p.Codec, Width: p.Width, Height: p.Height,
			FPS: p.FPS, Bitrate: float64(p.Bitrate) * 1000, GOP: p.GOP,
		})
	}
	return out
}
