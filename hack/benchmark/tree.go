package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in proc(5), USER_HZ, which is 100 on every Linux.
const tick = 10 * time.Millisecond

// usage is what a process and all its descendants have used.
type usage struct {
	cpu   time.Duration // of those that have ended, too
	own   time.Duration // of the process itself
	total int64         // bytes of memory now, PSS
	root  int64         // of the process itself
}

// measureTree looks at a process and its descendants. A process's own time and
// that of its children that are gone and waited for is counted once each.
func measureTree(pid int) (usage, error) {
	parents, times := map[int]int{}, map[int][2]time.Duration{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return usage{}, err
	}
	for _, d := range dirs {
		id, _ := strconv.Atoi(filepath.Base(d))
		if parent, own, gone, err := readStat(d + "/stat"); err == nil {
			parents[id], times[id] = parent, [2]time.Duration{own, gone}
		}
	}
	if _, ok := times[pid]; !ok {
		return usage{}, fmt.Errorf("process %d is gone", pid)
	}
	var u usage
	for id := range times {
		if !descends(parents, id, pid) {
			continue
		}
		u.cpu += times[id][0] + times[id][1]
		pss := readPSS(id)
		u.total += pss
		if id == pid {
			u.root, u.own = pss, times[id][0]
		}
	}
	return u, nil
}

func descends(parents map[int]int, id, root int) bool {
	for n := 0; id != root; n++ {
		if id == 0 || n > 64 {
			return false
		}
		id = parents[id]
	}
	return true
}

// readStat reads of /proc/PID/stat, proc(5), the parent, the CPU time of the process
// and that of its children that are gone.
func readStat(path string) (parent int, own, gone time.Duration, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, 0, err
	}
	_, rest, ok := bytes.Cut(b[max(bytes.LastIndexByte(b, ')'), 0):], []byte(") "))
	f := strings.Fields(string(rest))
	if !ok || len(f) < 15 {
		return 0, 0, 0, fmt.Errorf("%s: %q", path, b)
	}
	parent, err = strconv.Atoi(f[1])
	var times [4]time.Duration // utime, stime, cutime, cstime: fields 14 to 17
	for i, s := range f[11:15] {
		n, _ := strconv.ParseInt(s, 10, 64)
		times[i] = time.Duration(n) * tick
	}
	return parent, times[0] + times[1], times[2] + times[3], err
}

// readPSS returns a process's proportional set size in bytes, 0 if it cannot be read.
func readPSS(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte("\nPss:"))
	if f := strings.Fields(string(rest[:min(len(rest), 64)])); len(f) > 0 {
		n, _ := strconv.ParseInt(f[0], 10, 64)
		return n << 10
	}
	return 0
}

// reading is what a program used between begin and end of a measurement.
type reading struct {
	cpu, own    time.Duration // of the tree, of the process itself
	took        time.Duration
	total, root int64 // bytes: the most that was seen, PSS
}

// perMinute is CPU seconds a minute.
func (r reading) perMinute() float64 { return r.cpu.Seconds() / r.took.Minutes() }

// meter watches running programs.
type meter struct {
	pid   int
	start usage
	at    time.Time
	peak  reading
}

func newMeter(cmd *exec.Cmd) (*meter, error) {
	u, err := measureTree(cmd.Process.Pid)
	return &meter{pid: cmd.Process.Pid, start: u, at: time.Now(), peak: reading{total: u.total, root: u.root}}, err
}

// look takes in the memory of the moment, and what was used so far.
func (m *meter) look() (reading, error) {
	u, err := measureTree(m.pid)
	if err != nil {
		return reading{}, err
	}
	m.peak.cpu, m.peak.own, m.peak.took = u.cpu-m.start.cpu, u.own-m.start.own, time.Since(m.at)
	m.peak.total, m.peak.root = max(m.peak.total, u.total), max(m.peak.root, u.root)
	return m.peak, nil
}

// machine names what this runs on.
func machine() string {
	name := "a machine without a name"
	if b, err := os.ReadFile("/proc/device-tree/model"); err == nil {
		name = strings.Trim(string(b), "\x00\n")
	} else if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(b), "\n") {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				name = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("On %s, %d cores:", name, runtime.NumCPU())
}

// busy is the CPU time that the whole machine has used, all cores together.
func busy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var sum time.Duration
	for i, s := range strings.Fields(line)[1:] {
		if n, _ := strconv.ParseInt(s, 10, 64); i < 8 && i != 3 && i != 4 { // idle, iowait; guests are in user
			sum += time.Duration(n) * tick
		}
	}
	return sum
}
