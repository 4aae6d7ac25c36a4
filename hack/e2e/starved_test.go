//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/hack/spawn"
	"sentrybox/uplink/mqtt/mqtttest"
)

// starvePeriod is how often processes that are starved may run for a while.
const starvePeriod = 500 * time.Millisecond

// starve lets a gateway's vision processes run for a part of the time only, until stop is
// called, as a box does that has too much to do. tighten gives them half of what they had.
func starve(g *gateway) (tighten, stop func()) {
	over, m := make(chan struct{}), meal{had: map[int]time.Duration{}, parent: g.cmd.Process.Pid}
	var runs atomic.Int64
	runs.Store(int64(20 * time.Millisecond))
	var wg sync.WaitGroup
	signal := func(s syscall.Signal) {
		for _, pid := range spawn.Children(g.cmd.Process.Pid) {
			_ = syscall.Kill(pid, s) // it may be gone
		}
	}
	wg.Go(func() {
		defer signal(syscall.SIGCONT)
		for {
			signal(syscall.SIGSTOP)
			select {
			case <-over:
				return
			case <-time.After(starvePeriod - time.Duration(runs.Load())):
			}
			signal(syscall.SIGCONT)
			time.Sleep(time.Duration(runs.Load()))
			m.feed()
		}
	})
	tighten = func() { runs.Store(max(runs.Load()/2, int64(5*time.Millisecond))) }
	return tighten, sync.OnceFunc(func() {
		close(over)
		wg.Wait()
	})
}

// meal sees to it that those that are starved live: whatever else the machine does, each has some of the
// processor every other second.
type meal struct {
	parent int
	had    map[int]time.Duration // processor time, at the last meal
	last   time.Time
}

func (m *meal) feed() {
	const every, portion, most = 2 * time.Second, 30 * time.Millisecond, 10 * time.Second
	if time.Since(m.last) < every {
		return
	}
	for begun := time.Now(); time.Since(begun) < most; time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(spawn.Children(m.parent), func(pid int) bool { return spent(pid)-m.had[pid] < portion }) {
			break
		}
	}
	for _, pid := range spawn.Children(m.parent) {
		m.had[pid] = spent(pid)
	}
	m.last = time.Now()
}

// spent is the processor time of a process so far (proc(5), stat), an hour if it is gone.
func spent(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if err != nil || len(f) < 13 {
		return time.Hour
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * time.Second / 100
}

// figures sums up what /metrics says, by name.
func figures(t *testing.T, url string) map[string]float64 {
	t.Helper()
	sum := map[string]float64{}
	for line := range strings.SplitSeq(fetch(t, url), "\n") {
		name, value, ok := strings.Cut(line, " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			name, _, _ = strings.Cut(name, "{")
			sum[strings.TrimPrefix(name, "sentrybox_")] += v
		}
	}
	return sum
}

// TestStarved: vision processes that get too little of the processor are asked for less, lag no
// more than some seconds, and live; the duty room hears of it, alerts go through, and
// all is given back afterwards.
func TestStarved(t *testing.T) {
	footage, err := filepath.Abs("../../build/footage/vtest.mp4")
	if err == nil {
		_, err = os.Stat(footage)
	}
	if err != nil {
		t.Fatalf("hack/demo makes the footage: %v", err)
	}
	const cameras = 3
	sim := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{}}
	doc, listen := &strings.Builder{}, fmt.Sprintf("127.0.0.1:%d", mqtttest.FreePort(t))
	for i := range cameras {
		sim.Cameras[fmt.Sprintf("cam%d", i)] = rtsptest.Camera{Clip: rtsptest.File(footage), Offset: time.Duration(i) * 20 * time.Second}
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	for i := range cameras {
		id := fmt.Sprintf("cam%d", i)
		fmt.Fprintf(doc, "  - {id: %s, url: %s, decode: full, detect: [{kind: motion, severity: 4}]}\n", id, quote(sim.URL(id)))
	}
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), "sentrybox/#")
	g := start(t, broker.URL(), head+fmt.Sprintf("metrics: {listen: %q}\ncameras:\n", listen)+doc.String())
	url := "http://" + listen + "/metrics"
	wait := func(what string, enough func(map[string]float64) bool) map[string]float64 {
		t.Helper()
		var f map[string]float64
		behind := 0 // looks on end: what stood still for seconds is behind by them, and comes back
		for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
			f = figures(t, url)
			if enough(f) {
				return f
			}
			if behind++; f["camera_lag_seconds"] <= 5*cameras {
				behind = 0
			}
			if behind == 20 {
				t.Errorf("the cameras are %v s behind, all together, and stay so", f["camera_lag_seconds"])
			}
		}
		t.Fatalf("no %s: step %v, %v pictures skipped, %v analysed, lag %v s", what, f["load_step"], f["camera_skipped"], f["camera_analysed"], f["camera_lag_seconds"])
		return nil
	}
	wait("pictures", func(f map[string]float64) bool {
		return f["camera_online"] == cameras && f["camera_analysed"] > 10*cameras
	})
	before := figures(t, url)

	tighten, stop := starve(g)
	t.Cleanup(stop)
	since := time.Now()
	after := wait("overload", func(f map[string]float64) bool {
		if f["load_step"] == 0 && time.Since(since) > 10*time.Second { // a fast machine has enough
			tighten()
			since = time.Now()
		}
		return f["load_step"] >= 2 && f["camera_skipped"] > before["camera_skipped"]+10
	})
	if n := after["camera_vision_restarts"] - before["camera_vision_restarts"]; n > 0 {
		t.Errorf("%v vision processes were started again", n)
	}
	g.mustRaise(3)
	sub.Wait(patience, "the gateway's word of it", func(all []mqtttest.Message) bool {
		for _, m := range all {
			var d struct {
				Load struct {
					Step   int
					Reason string
				}
			}
			if m.Topic == prefix+"device/gw-1" && json.Unmarshal(m.Payload, &d) == nil && d.Load.Step > 0 && d.Load.Reason == "cpu" {
				return true
			}
		}
		return false
	})
	stop()
	most := figures(t, url)["load_step"]
	wait("relief", func(f map[string]float64) bool { return f["load_step"] < most })
	t.Logf("step %v of 5, %v pictures skipped", most, after["camera_skipped"])
}
