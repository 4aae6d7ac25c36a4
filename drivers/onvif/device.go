package onvif

import (
	"context"
	"net/url"
	"time"
)

const (
	nsDevice = "http://www.onvif.org/ver10/device/wsdl"
	nsMedia  = "http://www.onvif.org/ver10/media/wsdl"
	nsMedia2 = "http://www.onvif.org/ver20/media/wsdl"
	nsSchema = "http://www.onvif.org/ver10/schema"
)

// Information is who a device is (ONVIF Core, GetDeviceInformation).
type Information struct {
	Manufacturer, Model, Firmware, Serial, Hardware string
}

type dateTime struct {
	Time struct{ Hour, Minute, Second int }
	Date struct{ Year, Month, Day int }
}

// Clock asks for the device's time, which needs no password (GetSystemDateAndTime),
// and returns how far it is ahead of ours. Tokens are made with it from then on. A device that
// answers slowly is asked several times: nobody knows when in the meantime it looked at its clock.
func (c *Client) Clock(ctx context.Context) (time.Duration, error) {
	began := c.cfg.Now()
	offset, err := c.askClock(ctx)
	for best, tries := c.cfg.Now().Sub(began), 1; err == nil && best > clockWithin && tries < clockTries; tries++ {
		began = c.cfg.Now()
		again, err := c.askClock(ctx)
		if took := c.cfg.Now().Sub(began); err == nil && took < best {
			best, offset = took, again
		}
	}
	if err == nil {
		c.offset, c.clock = offset, true
	}
	return offset, err
}

const (
	clockWithin = 2 * time.Second // half of which is what the clock may be taken wrong by
	clockTries  = 3
)

func (c *Client) askClock(ctx context.Context) (time.Duration, error) {
	type content struct {
		SystemDateAndTime struct {
			UTCDateTime, LocalDateTime *dateTime
		}
	}
	before := c.cfg.Now()
	a, err := c.send(ctx, c.device, `<GetSystemDateAndTime xmlns="`+nsDevice+`"/>`, None)
	if err != nil {
		return 0, err
	}
	got, reason, err := open[content](a)
	if err != nil {
		if reason != "" {
			return 0, failed(Refused, "the device does not tell its time without a password (%s)", c.tell(reason))
		}
		return 0, err
	}
	dt := got.SystemDateAndTime.UTCDateTime
	if dt == nil {
		return 0, failed(Fault, "the device does not tell its time in UTC")
	}
	d, t := dt.Date, dt.Time
	if d.Year < 1970 || d.Year > 2200 || d.Month < 1 || d.Month > 12 || d.Day < 1 || d.Day > 31 || t.Hour < 0 || t.Hour > 24 || t.Minute < 0 || t.Minute > 59 || t.Second < 0 || t.Second > 61 {
		return 0, failed(Fault, "the device tells a time that is none")
	}
	// It was asked for half way, and tells whole seconds, half a second late in the mean.
	now := before.Add(c.cfg.Now().Sub(before)/2 - 500*time.Millisecond)
	return time.Date(d.Year, time.Month(d.Month), d.Day, t.Hour, t.Minute, t.Second, 0, time.UTC).Sub(now), nil
}

// Information asks who the device is.
func (c *Client) Information(ctx context.Context) (Information, error) {
	type content struct {
		Manufacturer, Model, FirmwareVersion, SerialNumber, HardwareId string //nolint:revive // ONVIF's names
	}
	got, err := ask[content](ctx, c, c.device, `<GetDeviceInformation xmlns="`+nsDevice+`"/>`)
	return Information{
		Manufacturer: clean(got.Manufacturer), Model: clean(got.Model), Firmware: clean(got.FirmwareVersion),
		Serial: clean(got.SerialNumber), Hardware: clean(got.HardwareId),
	}, err
}

// services is where the device's media services are; nil for one that it has not.
type services struct{ media, media2 *url.URL }

// services asks for them: GetServices, and GetCapabilities where that is not known.
func (c *Client) services(ctx context.Context) (services, error) {
	type list struct {
		Service []struct{ Namespace, XAddr string }
	}
	var s services
	got, err := ask[list](ctx, c, c.device, `<GetServices xmlns="`+nsDevice+`"><IncludeCapability>false</IncludeCapability></GetServices>`)
	if c.barred != nil {
		return s, c.barred
	}
	for _, one := range got.Service {
		switch one.Namespace {
		case nsMedia:
			s.media = c.resolve(one.XAddr)
		case nsMedia2:
			s.media2 = c.resolve(one.XAddr)
		}
	}
	if err == nil && (s.media != nil || s.media2 != nil) {
		return s, nil
	}
	type capabilities struct {
		Capabilities struct {
			Media struct{ XAddr string }
		}
	}
	old, err := ask[capabilities](ctx, c, c.device, `<GetCapabilities xmlns="`+nsDevice+`"><Category>Media</Category></GetCapabilities>`)
	if err != nil {
		return s, err
	}
	if s.media = c.resolve(old.Capabilities.Media.XAddr); s.media == nil {
		return s, failed(Fault, "the device has no media service")
	}
	return s, nil
}
