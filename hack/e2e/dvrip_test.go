//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/dvrip/dvriptest"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/uplink/mqtt/mqtttest"
)

func recorder(t *testing.T, file string) *dvriptest.Server {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	clip, err := dvriptest.MP4(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	still, err := dvriptest.MP4(bytes.NewReader(mp4test.H264()))
	if err != nil {
		t.Fatal(err)
	}
	s := &dvriptest.Server{User: "admin", Password: camPass, Channels: []dvriptest.Channel{{Main: still}, {Main: clip, Sub: clip}}}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestRecorderByDVRIP is the main job with a recorder that speaks no RTSP.
func TestRecorderByDVRIP(t *testing.T) {
	for _, codec := range []string{"h264", "h265"} {
		t.Run(codec, func(t *testing.T) {
			s := recorder(t, walker(t, codec))
			mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
			sub := mqtttest.Subscribe(t, mosquitto.URL(), "sentrybox/#")
			g := start(t, mosquitto.URL(), head+`
cameras:
  - id: gate-east
    url: dvrip://admin:${CAM_PASS}@`+s.Addr().String()+`/1?stream=0
    grid: "3"
    zones:
      gate: {polygon: [[0.3,0.4],[0.7,0.4],[0.7,1],[0.3,1]]}
    detect:
      - {kind: intrusion, zone: gate, severity: 2}
`)
			checkIntrusion(t, sub)
			checkNoSecret(t, sessionOf(t, g.cmd.Process.Pid))
			s.DropConnections() // unplugged, and back
			deadline := time.Now().Add(patience)
			for s.Counts().Logins < 2 || s.Counts().Watchers < 1 {
				if time.Now().After(deadline) {
					t.Fatalf("the recorder is not watched again: %+v", s.Counts())
				}
				time.Sleep(100 * time.Millisecond)
			}
			pid := sessionOf(t, g.cmd.Process.Pid)
			g.kill()
			for range 1200 {
				if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
			t.Error("the session's process outlives the gateway")
		})
	}
}

// sessionOf returns the session's process of a gateway.
func sessionOf(t *testing.T, gateway int) int {
	t.Helper()
	for range 600 {
		names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range names {
			line, _ := os.ReadFile(name)
			status, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "status"))
			if bytes.Contains(line, []byte(dvrip.Command)) && bytes.Contains(status, []byte("PPid:\t"+strconv.Itoa(gateway)+"\n")) {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
				return pid
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("there is no process for the session")
	return 0
}

// checkNoSecret looks at what others on the machine can see of a process.
func checkNoSecret(t *testing.T, pid int) {
	t.Helper()
	for _, name := range []string{"cmdline", "environ"} {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), name))
		if err != nil {
			t.Error(err)
		}
		for _, secret := range []string{camPass, dvrip.Hash(camPass), "p%40ss"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds the password: %q", name, b)
			}
		}
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000"} {
		if !bytes.Contains(status, []byte(want)) {
			t.Errorf("the process is not shut in: no %q", want)
		}
	}
}

func TestProbeDVRIP(t *testing.T) {
	s := recorder(t, walker(t, "h264"))
	wants := []string{"H.264, 640×360", "a keyframe every 1.", "2 channels"}
	eventually(t, fmt.Sprintf("%q", wants), func() bool { // it looks for seconds, in which both may stand still
		out, _ := sentrybox("probe", s.URL(1, 0)).CombinedOutput()
		return !slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(string(out), want) })
	})
	out, err := sentrybox("probe", strings.Replace(s.URL(1, 0), "p%40ss", "other", 1)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "refuses this user or password") {
		t.Errorf("%v: %s", err, out)
	}
}
