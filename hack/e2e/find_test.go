//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/dvrip/dvriptest"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/linetest"
)

// neighbourhood is a network of a box and two devices: an ONVIF camera of another name than its
// address at 10.78.0.2, and a XiongMai recorder at 10.78.0.3, which is of another subnet
// by what it says.
type neighbourhood struct {
	box      *linetest.Host
	devices  *linetest.Host
	camera   *onviftest.Server
	streams  *rtsptest.Server
	recorder *dvriptest.Server
}

const findPassword = "s3cret-one"

func newNeighbourhood(t *testing.T) *neighbourhood {
	t.Helper()
	s := &neighbourhood{box: linetest.NewHost(t, "box")}
	devices := linetest.NewHost(t, "cams")
	ends := []string{fmt.Sprintf("f%d", os.Getpid()%100000), fmt.Sprintf("g%d", os.Getpid()%100000)}
	ip(t, "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
	s.box.Adopt(ends[0])
	devices.Adopt(ends[1])
	s.box.IP("link", "set", ends[0], "name", "eth0")
	s.box.IP("addr", "add", "10.78.0.1/24", "brd", "+", "dev", "eth0")
	s.box.IP("link", "set", "eth0", "up")
	devices.IP("link", "set", ends[1], "name", "eth0")
	for i := 2; i < 5; i++ {
		devices.IP("addr", "add", fmt.Sprintf("10.78.0.%d/24", i), "brd", "+", "dev", "eth0")
	}
	devices.IP("link", "set", "eth0", "up")
	s.camera = &onviftest.Server{Address: "10.78.0.2:80", Host: "192.168.1.64", User: "admin", Password: findPassword,
		Manufacturer: "Hikvision", Model: "DS-2CD2", Streams: []onviftest.Stream{
			{Token: "1", Name: "main", URL: "rtsp://192.168.1.64:554/Streaming/Channels/101", Codec: "H264", Width: 640, Height: 360},
			{Token: "2", Name: "sub", URL: "rtsp://192.168.1.64:554/Streaming/Channels/102", Codec: "H264", Width: 320, Height: 240},
		}}
	s.streams = &rtsptest.Server{Address: "10.78.0.2:554", User: "admin", Password: findPassword, Cameras: map[string]rtsptest.Camera{
		"Streaming/Channels/101": {Clip: rtsptest.Bytes(mp4test.Walker())}, "Streaming/Channels/102": {Clip: rtsptest.Bytes(mp4test.H264())},
	}}
	clip, err := dvriptest.MP4(bytes.NewReader(mp4test.H265()))
	if err != nil {
		t.Fatal(err)
	}
	s.recorder = &dvriptest.Server{Address: "10.78.0.3:34567", User: "admin", Password: findPassword, Channels: []dvriptest.Channel{{Main: clip}, {Main: clip}}}
	s.devices = devices
	s.up(t, devices)
	return s
}

// up starts the devices inside their namespace.
func (s *neighbourhood) up(t *testing.T, devices *linetest.Host) {
	t.Helper()
	var probes, searches net.PacketConn
	err := devices.Do(func() (err error) {
		for _, start := range []func() error{s.camera.Start, s.streams.Start, s.recorder.Start} {
			if err := start(); err != nil {
				return err
			}
		}
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if probes, err = listenUDP(fmt.Sprintf("0.0.0.0:%d", onvif.DiscoveryPort)); err != nil {
			return err
		}
		if err := ipv4.NewPacketConn(probes).JoinGroup(ifi, &net.UDPAddr{IP: onvif.Group().AsSlice()}); err != nil {
			return err
		}
		searches, err = listenUDP(fmt.Sprintf("0.0.0.0:%d", dvrip.DiscoveryPort))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.camera.Close()
		s.streams.Close()
		s.recorder.Close()
		probes.Close()
		searches.Close()
	})
	go s.camera.ServeDiscovery(probes)
	go hello(t.Context(), devices, s.camera.Hello())
	go dvriptest.ServeDiscovery(via(searches), netip.MustParseAddrPort("10.78.0.3:34567"), "门口录像机", 2)
}

// hello sends what a device that comes up says, from 10.78.0.4, until the test ends.
func hello(ctx context.Context, devices *linetest.Host, message []byte) {
	var pc net.PacketConn
	if devices.Do(func() (err error) { pc, err = listenUDP("10.78.0.4:0"); return err }) != nil {
		return
	}
	defer pc.Close()
	for ctx.Err() == nil {
		if _, err := pc.WriteTo(message, &net.UDPAddr{IP: onvif.Group().AsSlice(), Port: onvif.DiscoveryPort}); err != nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// via sends broadcasts from the recorder's address by its interface.
type recorderConn struct{ *ipv4.PacketConn }

func via(pc net.PacketConn) net.PacketConn { return recorderConn{ipv4.NewPacketConn(pc)} }

func (c recorderConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, from, err := c.PacketConn.ReadFrom(b)
	return n, from, err
}

func (c recorderConn) WriteTo(b []byte, to net.Addr) (int, error) {
	return c.PacketConn.WriteTo(b, &ipv4.ControlMessage{Src: net.IPv4(10, 78, 0, 3)}, &net.UDPAddr{IP: net.IPv4(10, 78, 0, 255), Port: to.(*net.UDPAddr).Port})
}

func listenUDP(addr string) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1) })
	}}
	return lc.ListenPacket(nil, "udp4", addr) //nolint:staticcheck // nothing to wait for
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// find runs `sentrybox find` on the box.
func (s *neighbourhood) find(t *testing.T, args ...string) (out, errOut string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(findPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "PASSWORD", file)
	}
	cmd := s.box.Command(filepath.Join(programs, "sentrybox"), append([]string{"find"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "LANG=C.UTF-8")
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil {
		t.Fatalf("find %v: %v\n%s%s", args, err, &o, &e)
	}
	if strings.Contains(o.String()+e.String(), findPassword) {
		t.Errorf("the password is in\n%s%s", &o, &e)
	}
	return o.String(), e.String()
}

func wantAll(t *testing.T, out string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
}

// finds runs `sentrybox find` again until it has found all: a box has seconds to hear who answers, and who answers
// may stand still.
func (s *neighbourhood) finds(t *testing.T, wants []string, args ...string) {
	t.Helper()
	out := ""
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var errOut string
		if out, errOut = s.find(t, args...); errOut != "" && !strings.Contains(strings.Join(args, " "), "--user") {
			t.Error(errOut)
		}
		if !slices.ContainsFunc(wants, func(w string) bool { return !strings.Contains(out, w) }) {
			return
		}
	}
	wantAll(t, out, wants...)
}

// TestFind: on a network of its own, devices are found by multicast, by broadcast and by a
// scan, no password is tried unless there is one, and then streams are found and written
// as a configuration has them.
func TestFind(t *testing.T) {
	s := newNeighbourhood(t)
	s.finds(t, []string{"10.78.0.4", "10.78.0.2", "Hikvision", "10.78.0.3", "门口录像机", "XiongMai"}, "--wait", "2s")
	type device struct {
		Addr, Brand, ONVIF string
		RTSP, Open         []int
		DVRIP              int
		Ways               []string
	}
	eventually(t, "a scan that finds both", func() bool {
		out, _ := s.find(t, "--wait", "100ms", "--scan", "10.78.0.0/28", "--json")
		var got struct{ Devices []device }
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		scanned := func(d device) bool { return strings.Contains(strings.Join(d.Ways, " "), "scan") }
		d := got.Devices
		return len(d) >= 2 && scanned(d[0]) && scanned(d[1]) && d[0].ONVIF != "" && len(d[0].RTSP) == 1 && d[1].DVRIP == 34567
	})
	var asked []onvif.Found
	var err error
	eventually(t, "an answer by unicast", func() bool { // where multicast does not get through
		err = s.box.Do(func() (err error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			asked, err = onvif.Discover(ctx, onvif.Options{Interfaces: []net.Interface{}, Hosts: []netip.Addr{netip.MustParseAddr("10.78.0.2"), netip.MustParseAddr("10.78.0.4")}})
			return err
		})
		return err != nil || len(asked) > 0
	})
	if err != nil || len(asked) == 0 || asked[0].Service != "http://10.78.0.2/onvif/device_service" || asked[0].Stated != "192.168.1.64" {
		t.Errorf("by unicast: %+v, %v", asked, err)
	}
	if n, m := s.camera.Tries(), s.recorder.Counts().Logins; n+m != 0 {
		t.Fatalf("finding tried %d and %d passwords", n, m)
	}
	s.finds(t, []string{"H.264 640×360", "→ evidence", "H.264 320×240", "→ analysis", "H.265 320×240", "cam-10-78-0-3-2", "H.265, which many browsers",
		`url: "rtsp://admin:${CAM_PASSWORD}@10.78.0.2/Streaming/Channels/101"`, `detect_url: "rtsp://admin:${CAM_PASSWORD}@10.78.0.2/Streaming/Channels/102"`,
		`url: "dvrip://admin:${CAM_PASSWORD}@10.78.0.3:34567/1?stream=0"`}, "--wait", "2s", "--user", "admin", "--password-file", "PASSWORD", "--channels", "2")
	probed, err := s.box.Command(filepath.Join(programs, "sentrybox"), "probe", "onvif://admin:"+findPassword+"@10.78.0.2").CombinedOutput()
	wantAll(t, string(probed), "HTTP Digest", "DS-2CD2", "rtsp://10.78.0.2/Streaming/Channels/102")
	if err != nil {
		t.Error(err)
	}
	s.finds(t, []string{"10.78.0.3", "no answer", `"dvrip://admin:${CAM_PASSWORD}@10.78.0.3:34567/0?stream=0"`},
		"--user", "admin", "--password-file", "PASSWORD", "10.78.0.3", "10.78.0.9")
}
