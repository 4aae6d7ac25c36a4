//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// kills is how often something is killed: SENTRYBOX_KILLS in the long form.
func kills(t testing.TB, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv("SENTRYBOX_KILLS"))
	if err != nil {
		return otherwise
	}
	t.Logf("%d kills", n)
	return n
}

// walkers starts a camera in whose picture somebody walks, again and again.
func walkers(t testing.TB) *rtsptest.Server {
	t.Helper()
	s := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"gate": {Clip: rtsptest.Bytes(mp4test.Walker()), Offset: 3 * time.Second}}}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

const walkerSite = head + `
metrics: {listen: "127.0.0.1:%d"}
alerts: {cool_down: 0s}
cameras: [{id: gate, url: %q, detect: [{kind: intrusion, severity: 2}]}]
`

// processOf waits for the one vision process of a gateway that is not old.
func processOf(t *testing.T, g *gateway, old int) int {
	t.Helper()
	pid := 0
	eventually(t, "a vision process", func() bool {
		for _, p := range visionProcesses(t, g.cmd.Process.Pid) {
			if p != old {
				pid = p
				return true
			}
		}
		return false
	})
	return pid
}

// TestVisionKilled: the vision process is killed again and again, SENTRYBOX_KILLS=100 times in the
// long form. Another is there each time; the gateway is the same process, holds no more than before,
// says so in few lines, and the next walker is an alert.
func TestVisionKilled(t *testing.T) {
	s, port := walkers(t), mqtttest.FreePort(t)
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	g := start(t, mosquitto.URL(), fmt.Sprintf(walkerSite, port, s.URL("gate")))
	url := fmt.Sprintf("http://127.0.0.1:%d/metrics", port)
	waitAlert(t, sub, "gate", "intrusion")
	before := figures(t, url)
	n, old, slowest := kills(t, 3), 0, time.Duration(0)
	for range n {
		old = processOf(t, g, old)
		decoded := figures(t, url)["camera_decoded"]
		eventually(t, "pictures that the process looks at", func() bool { return figures(t, url)["camera_decoded"] > decoded })
		_ = syscall.Kill(old, syscall.SIGKILL)
		at := time.Now()
		processOf(t, g, old)
		slowest = max(slowest, time.Since(at))
	}
	seen := len(alertsOf(t, sub.Messages(), "gate", "intrusion"))
	sub.Wait(patience, "the next walker", func(got []mqtttest.Message) bool {
		return len(alertsOf(t, got, "gate", "intrusion")) > seen
	})
	after := figures(t, url)
	t.Logf("%d kills, another process after at most %v; goroutines %v and %v, files %v and %v", n, slowest.Round(time.Millisecond),
		before["gateway_goroutines"], after["gateway_goroutines"], before["gateway_open_files"], after["gateway_open_files"])
	if got := int(after["camera_vision_restarts"]); got < n {
		t.Errorf("%d restarts are counted", got)
	}
	for _, name := range []string{"gateway_goroutines", "gateway_open_files"} {
		// An alert's clip may be under way; what leaks stays.
		eventually(t, fmt.Sprintf("as many %s as the %v before", name, before[name]), func() bool { return figures(t, url)[name] <= before[name]+10 })
	}
	if lines := strings.Count(g.log.String(), "vision process failed"); lines > n/2+3 {
		t.Errorf("%d lines of the log for %d kills", lines, n)
	}
}

// crowd is a site of many cameras, since what the vision processes need together has to be far more than
// what the gateway may yet come to need. Without what grows by design while a camera is on.
func crowd(s *rtsptest.Server, port, cameras int) string {
	site := &strings.Builder{}
	fmt.Fprintf(site, head+`
metrics: {listen: "127.0.0.1:%d"}
alerts: {cool_down: 0s}
lookback: {bytes: 0B}
cameras:
`, port)
	for i := range cameras {
		fmt.Fprintf(site, "  - {id: gate-%d, url: %q, decode: full, detect: [{kind: intrusion, severity: 2}]}\n", i, s.URL("gate"))
	}
	return site.String()
}

// TestMemoryShort: a box that runs out of memory loses vision processes, and not the gateway, which
// goes on to raise alerts and says what it lacks; when there is memory again, cameras are looked at again.
func TestMemoryShort(t *testing.T) {
	const cameras = 5
	s, port := walkers(t), mqtttest.FreePort(t)
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	group := newMemoryGroup(t)
	g := start(t, mosquitto.URL(), crowd(s, port, cameras))
	gateway := g.cmd.Process.Pid
	group.add(gateway)
	count := func() map[string]float64 { return figures(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", port)) }
	eventually(t, "the vision processes", func() bool { return len(visionProcesses(t, gateway)) == cameras })
	for _, pid := range visionProcesses(t, gateway) {
		score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
		if err != nil || strings.TrimSpace(string(score)) != "900" {
			t.Errorf("a vision process is to go first, from its beginning: %q, %v", score, err)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL) // the next one is born in the group
	}
	eventually(t, "vision processes in the group", func() bool { return group.holds(visionProcesses(t, gateway), cameras) })
	for i := range cameras {
		waitAlert(t, sub, fmt.Sprintf("gate-%d", i), "intrusion")
	}
	group.squeeze(gateway, func() []int { return visionProcesses(t, gateway) })
	eventually(t, "the kernel to end vision processes", func() bool { return count()["camera_vision_starved"] >= 3 })
	sub.Wait(patience, "the alert that memory is short", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return strings.Contains(string(m.Payload), `"memory_short"`) })
	})
	var ids []string
	for i := range 5 {
		ids = append(ids, g.mustRaise(i%4+1))
	}
	waitHealth(t, g, "blind: ", "memory is short")
	starved := count()["camera_vision_starved"]
	group.release()
	seen := len(alerts(t, sub.Messages()))
	sub.Wait(patience, "an alert of a camera, when there is memory again", func(got []mqtttest.Message) bool {
		return len(alerts(t, got)) > seen
	})
	t.Logf("%v vision processes were ended", starved)
	have := alerts(t, sub.Messages())
	if i := slices.IndexFunc(ids, func(id string) bool { return have[id].ID == "" }); i >= 0 {
		t.Errorf("alert %s, raised without memory, has not come", ids[i])
	}
}

// waitHealth waits until the command health says all this.
func waitHealth(t *testing.T, g *gateway, what ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("health to say %q", what), func() bool {
		b, _ := sentrybox("health", "--config", g.config).CombinedOutput() // it may fail: it says why
		return !slices.ContainsFunc(what, func(w string) bool { return !strings.Contains(string(b), w) })
	})
}
