package find_test

import (
	"net/netip"
	"testing"

	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/gateway/find"
	"sentrybox/uplink/linetest/freeport"
)

// TestAt: what speaks at a port that no scan looks at is told by its answers.
func TestAt(t *testing.T) {
	streams := cameras(t, "a", "b")
	device := &onviftest.Server{User: "admin", Password: password}
	if err := device.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	at := netip.AddrPortFrom(local(), port(streams.Addr()))
	if c, there := find.At(t.Context(), at, templates(t)); !there || len(c.RTSP) != 1 || c.RTSP[0] != at.Port() || c.ONVIF != "" || c.DVRIP != 0 {
		t.Errorf("RTSP: %+v, %v", c, there)
	}
	c, there := find.At(t.Context(), netip.MustParseAddrPort(device.Addr()), templates(t))
	if want := "http://" + device.Addr() + "/onvif/device_service"; !there || c.ONVIF != want || len(c.RTSP) != 0 || c.DVRIP != 0 {
		t.Errorf("ONVIF: %+v, %v", c, there)
	}
	nobody, err := freeport.TCP()
	if err != nil {
		t.Fatal(err)
	}
	if c, there := find.At(t.Context(), netip.AddrPortFrom(local(), uint16(nobody)), nil); there {
		t.Errorf("nobody: %+v", c)
	}
}

// TestChosenTemplate: the paths of the template that a technician chose are tried, whatever
// the device says of itself.
func TestChosenTemplate(t *testing.T) {
	s := cameras(t, "cam/realmonitor?channel=1&subtype=0", "cam/realmonitor?channel=1&subtype=1")
	c := find.Candidate{Addr: local(), RTSP: []uint16{port(s.Addr())}, Banners: []string{"Server: Hikvision"}}
	opt := options(t)
	opt.Template = "dahua"
	r := find.SignIn(t.Context(), c, opt)
	if r.Failure != "" || r.Brand != "Dahua" || len(r.Attempts) != 2 {
		t.Errorf("%+v", r)
	}
	opt.Template = "axis"
	if r = find.SignIn(t.Context(), c, opt); r.Failure != find.NoStream || r.Attempts[0].Failure != find.NoStream {
		t.Errorf("%+v", r)
	}
}
