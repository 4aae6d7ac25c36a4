//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// mangle spoils about one access unit in three: bits, lengths, order, and
// parameter sets of absurd sizes.
func mangle(seed uint64) func([]byte) []byte {
	rnd := rand.New(rand.NewPCG(seed, 7))
	var kept []byte
	return func(au []byte) []byte {
		switch rnd.IntN(8) {
		case 0:
			for range 1 + rnd.IntN(20) {
				au[rnd.IntN(len(au))] ^= 1 << rnd.IntN(8)
			}
		case 1:
			au = au[:1+rnd.IntN(len(au))]
		case 2:
			au, kept = kept, bytes.Clone(au)
		case 3: // a parameter set whose exponential Golomb numbers are noise
			set := []byte{0, 0, 0, 1, 0x67, 0x64, 0, 0x33}
			for range 24 {
				set = append(set, byte(rnd.Uint32()))
			}
			au = append(set, au...)
		}
		return au
	}
}

// TestPoisonedStream: one camera's stream is fuzzed and vision processes are
// killed, while the alerts of another keep arriving, from the same gateway
// process.
func TestPoisonedStream(t *testing.T) {
	server := &rtsptest.Server{User: "admin", Password: camPass, Cameras: map[string]rtsptest.Camera{
		"good": {Clip: rtsptest.Bytes(mp4test.Walker())},
		"bad":  {Clip: rtsptest.Bytes(mp4test.Walker())},
	}}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	spoil := mangle(1)
	var spoilt atomic.Int64
	err := server.Corrupt("bad", func(au []byte) []byte {
		spoilt.Add(1)
		return spoil(au)
	})
	if err != nil {
		t.Fatal(err)
	}
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	g := start(t, mosquitto.URL(), head+fmt.Sprintf(`
alerts: {cool_down: 0s}
cameras:
  - id: good
    url: "rtsp://admin:${CAM_PASS}@%[1]s/good"
    detect: [{kind: intrusion, severity: 2}]
  - id: bad
    url: "rtsp://admin:${CAM_PASS}@%[1]s/bad"
    detect: [{kind: intrusion, severity: 2}]
`, server.Addr()))
	pid := g.cmd.Process.Pid
	good := func(got []mqtttest.Message) (n int) {
		for _, a := range alerts(t, got) {
			if a.Device == "good" {
				n++
			}
		}
		return n
	}
	sub.Wait(patience, "the first alert of the good camera", func(got []mqtttest.Message) bool { return good(got) >= 1 })
	kills := 0
	for range 3 {
		// The good camera's is killed too, and has to be back for the next walker.
		for _, child := range visionProcesses(t, pid) {
			if err := syscall.Kill(child, syscall.SIGKILL); err == nil {
				kills++
			}
		}
		seen := good(sub.Messages())
		sub.Wait(patience, "another alert of the good camera", func(got []mqtttest.Message) bool { return good(got) > seen })
	}
	if g.cmd.Process.Pid != pid || g.cmd.ProcessState != nil {
		t.Error("the gateway is another process")
	}
	t.Logf("%d access units of the bad camera, %d vision processes killed, %d alerts of the good camera", spoilt.Load(), kills, good(sub.Messages()))
	if kills == 0 || spoilt.Load() < 100 {
		t.Error("nothing was spoilt")
	}
}

// visionProcesses returns the children of a process.
func visionProcesses(t *testing.T, parent int) []int {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", fmt.Sprint(parent)).Output()
	if err != nil {
		return nil // none
	}
	var all []int
	for f := range strings.FieldsSeq(string(out)) {
		var pid int
		if _, err := fmt.Sscan(f, &pid); err != nil {
			t.Fatal(err)
		}
		all = append(all, pid)
	}
	return all
}

// TestCamerasThatFail: each says why, on its retained state, and the others go on.
func TestCamerasThatFail(t *testing.T) {
	server := &rtsptest.Server{User: "admin", Password: camPass, Cameras: map[string]rtsptest.Camera{
		"good": {Clip: rtsptest.Bytes(mp4test.Walker())},
	}}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	start(t, mosquitto.URL(), head+fmt.Sprintf(`
cameras:
  - {id: good, url: "rtsp://admin:${CAM_PASS}@%[1]s/good", detect: [{kind: intrusion, severity: 2}]}
  - {id: absent, url: "rtsp://127.0.0.1:1/x", detect: [{kind: intrusion}]}
  - {id: deaf, url: "rtsp://%[2]s/x", detect: [{kind: intrusion}]}
  - {id: wrong, url: "rtsp://admin:not-%[3]s@%[1]s/good", detect: [{kind: intrusion}]}
  - {id: nothing, url: "rtsp://admin:${CAM_PASS}@%[1]s/nothing", detect: [{kind: intrusion}]}
`, server.Addr(), deaf.Addr(), "secret-2"))
	for device, want := range map[string]string{
		"good": "online", "absent": "unreachable", "deaf": "unreachable", "wrong": "refused", "nothing": "no_video",
	} {
		messages := sub.Wait(patience, device+" "+want, func(got []mqtttest.Message) bool {
			return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return deviceState(m, device) == want })
		})
		for _, m := range messages {
			if bytes.Contains(m.Payload, []byte("secret-2")) || bytes.Contains(m.Payload, []byte(camPass)) {
				t.Errorf("a password is published on %s: %s", m.Topic, m.Payload)
			}
		}
	}
	sub.Wait(patience, "the good camera's alert", func(got []mqtttest.Message) bool { return len(alerts(t, got)) > 0 })
}

func deviceState(m mqtttest.Message, device string) string {
	if m.Topic != prefix+"device/"+device {
		return ""
	}
	var d struct{ State, Reason string }
	if json.Unmarshal(m.Payload, &d) != nil || d.State != "online" && d.State != "connecting" && d.Reason == "" {
		return "" // a failure has a reason
	}
	return d.State
}

func TestBadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.yaml")
	doc := `gateway: {id: gw-1, street: donghu}
data: /tmp/x
uplink: {mqtt: [{url: "http://broker"}]}
cameras:
  - {id: a, url: "rtsp://u:secret-3@10.0.0.1/x", zonse: {}}
  - {id: a, url: "ftp://u:secret-3@10.0.0.1/x"}
  - id: c
    url: rtsp://10.0.0.3/x
    zones:
      gate: {polygon: [[0,0],[1,1]]}
`
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"check", "run"} {
		out, err := sentrybox(command, "--config", path).CombinedOutput()
		var exit *exec.ExitError
		if e, ok := err.(*exec.ExitError); ok { //nolint:errorlint // exec returns it bare
			exit = e
		}
		if exit == nil || exit.ExitCode() != 1 {
			t.Errorf("%s: %v, want exit status 1", command, err)
		}
		for _, want := range []string{
			":1: gateway.community: missing",
			":3: uplink.mqtt[0].url: ",
			`:5: cameras[0].zonse: unknown key, did you mean "zones"?`,
			":6: cameras[1].id: ",
			":6: cameras[1].url: ",
			":10: cameras[2].zones.gate.polygon: 2 points, a polygon needs 3",
		} {
			if !bytes.Contains(out, []byte(want)) {
				t.Errorf("%s does not say %q:\n%s", command, want, out)
			}
		}
		if bytes.Contains(out, []byte("secret-3")) {
			t.Errorf("%s shows a password:\n%s", command, out)
		}
	}
}
