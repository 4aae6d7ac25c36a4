//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	sub.Wait(60*time.Second, "the next walker", func(got []mqtttest.Message) bool {
		return len(alertsOf(t, got, "gate", "intrusion")) > seen
	})
	after := figures(t, url)
	t.Logf("%d kills, another process after at most %v; goroutines %v and %v, files %v and %v", n, slowest.Round(time.Millisecond),
		before["gateway_goroutines"], after["gateway_goroutines"], before["gateway_open_files"], after["gateway_open_files"])
	if got := int(after["camera_vision_restarts"]); got < n {
		t.Errorf("%d restarts are counted", got)
	}
	for _, name := range []string{"gateway_goroutines", "gateway_open_files"} {
		if after[name] > before[name]+10 {
			t.Errorf("%s: %v before, %v after", name, before[name], after[name])
		}
	}
	if lines := strings.Count(g.log.String(), "vision process failed"); lines > n/2+3 {
		t.Errorf("%d lines of the log for %d kills", lines, n)
	}
}

// memoryGroup is a group of processes that get so much memory together (cgroups v1 and v2).
type memoryGroup struct {
	t                        testing.TB
	dir, limit, usage, cache string
}

func newMemoryGroup(t testing.TB) *memoryGroup {
	t.Helper()
	name := fmt.Sprintf("sentrybox-test-%d", os.Getpid())
	for _, g := range []*memoryGroup{
		{t, filepath.Join("/sys/fs/cgroup/memory", name), "memory.limit_in_bytes", "memory.usage_in_bytes", "cache"},
		{t, filepath.Join("/sys/fs/cgroup", name), "memory.max", "memory.current", "file"},
	} {
		if os.Mkdir(g.dir, 0o755) != nil {
			continue
		}
		t.Cleanup(g.remove)
		if _, err := os.Stat(filepath.Join(g.dir, g.limit)); err == nil {
			return g
		}
	}
	t.Fatal("no group of processes can be given a limit of memory here")
	return nil
}

func (g *memoryGroup) remove() {
	for range 100 {
		if err := os.Remove(g.dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	g.t.Errorf("%s stays", g.dir)
}

func (g *memoryGroup) read(name string) string {
	g.t.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(b)
}

// needed is what the processes have that cannot be read from the disk again, in bytes.
func (g *memoryGroup) needed() int64 {
	g.t.Helper()
	used, err := strconv.ParseInt(strings.TrimSpace(g.read(g.usage)), 10, 64)
	if err != nil {
		g.t.Fatal(err)
	}
	for line := range strings.SplitSeq(g.read("memory.stat"), "\n") {
		if name, value, _ := strings.Cut(line, " "); name == g.cache {
			n, _ := strconv.ParseInt(value, 10, 64)
			used -= n
		}
	}
	return used
}

// anonymous is what a process has that is in no file, in bytes.
func anonymous(t testing.TB, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// TestMemoryShort: a box that runs out of memory loses vision processes, and not the gateway, which
// goes on to raise alerts; when there is memory again, cameras are looked at again.
func TestMemoryShort(t *testing.T) {
	// The limit is set by what is used at one moment: too tight, and the kernel has nobody but the
	// gateway to end. Until it is found otherwise, this runs when it is asked for.
	if os.Getenv("SENTRYBOX_MEMORY") == "" {
		t.Skip("only with SENTRYBOX_MEMORY=1")
	}
	s, port := walkers(t), mqtttest.FreePort(t)
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	group := newMemoryGroup(t)
	// Without what grows by design while a camera is on, and would come to the limit by itself.
	g := start(t, mosquitto.URL(), fmt.Sprintf(walkerSite, port, s.URL("gate"))+"lookback: {bytes: 0B}\n")
	if err := os.WriteFile(filepath.Join(group.dir, "cgroup.procs"), fmt.Append(nil, g.cmd.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(processOf(t, g, 0), syscall.SIGKILL) // the next one is born in the group
	waitAlert(t, sub, "gate", "intrusion")
	vision := processOf(t, g, 0)
	score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", vision))
	if err != nil || strings.TrimSpace(string(score)) != "900" {
		t.Errorf("the vision process is to go first: %q, %v", score, err)
	}
	before := figures(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", port))["camera_vision_restarts"]
	limit := filepath.Join(group.dir, group.limit)
	most := fmt.Sprint(group.needed() - anonymous(t, vision)/2)
	eventually(t, "the limit", func() bool { // it cannot be below what is used, as long as it is
		_ = syscall.Kill(vision, syscall.SIGKILL)
		return os.WriteFile(limit, []byte(most), 0o600) == nil
	})
	eventually(t, "the kernel to end a vision process", func() bool {
		return figures(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", port))["camera_vision_restarts"] > before+2
	})
	var ids []string
	for i := range 5 {
		ids = append(ids, g.mustRaise(i%4+1))
	}
	if err := os.WriteFile(limit, fmt.Append(nil, 1<<30), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := len(alertsOf(t, sub.Messages(), "gate", "intrusion"))
	sub.Wait(60*time.Second, "an alert of the camera, when there is memory again", func(got []mqtttest.Message) bool {
		return len(alertsOf(t, got, "gate", "intrusion")) > seen
	})
	have := alerts(t, sub.Messages())
	if i := slices.IndexFunc(ids, func(id string) bool { return have[id].ID == "" }); i >= 0 {
		t.Errorf("alert %s, raised without memory, has not come", ids[i])
	}
}
