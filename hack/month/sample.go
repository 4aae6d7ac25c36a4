package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sentrybox/hack/spawn"
)

// sample is what the gateway holds at a moment. Memory and disk are in KiB.
type sample struct {
	at    time.Duration // since the beginning
	value map[string]float64
}

// columns are the quantities, as they stand in the CSV file. What is judged is in judged.
func columns() []string {
	return []string{
		"pss", "rss", "anon", "heap_live", "goroutines", "threads", "files", // of the gateway
		"vision", "vision_pss", "vision_max", "sessions", // its children
		"disk", "database", "outbox", "alerts_open", "cameras_online", "load_step", "restarts", "raised", "arrived",
	}
}

func (s *site) sample(ctx context.Context, at time.Duration) (sample, error) {
	v := map[string]float64{}
	own, err := readMemory(s.gateway.pid())
	if err != nil {
		return sample{}, err
	}
	v["pss"], v["rss"], v["anon"] = own.pss, own.rss, own.anon
	for _, pid := range spawn.Children(s.gateway.pid()) {
		m, err := readMemory(pid)
		if err != nil {
			continue // it has just ended
		}
		if m.name != "sentrybox-visio" { // the kernel keeps 15 characters
			v["sessions"]++
			continue
		}
		v["vision"]++
		v["vision_pss"] += m.pss
		v["vision_max"] = max(v["vision_max"], m.pss)
	}
	said, err := scrape(ctx, s.metrics)
	if err != nil {
		return sample{}, err
	}
	v["heap_live"] = said["gateway_heap_live_bytes"] / 1024
	for name, metric := range map[string]string{
		"goroutines": "gateway_goroutines", "threads": "gateway_threads", "files": "gateway_open_files", "outbox": "outbox_depth",
		"alerts_open": "alerts_open", "cameras_online": "camera_online", "load_step": "load_step", "restarts": "camera_vision_restarts",
	} {
		v[name] = said[metric]
	}
	v["disk"], v["database"] = used(s.data), used(filepath.Join(s.data, "sentrybox.db"))
	v["raised"], v["arrived"] = float64(len(s.raised.list())), float64(s.room.count())
	return sample{at, v}, nil
}

type memory struct {
	name           string
	pss, rss, anon float64 // KiB
}

// readMemory reads it of a process (proc(5): status and smaps_rollup).
func readMemory(pid int) (memory, error) {
	var m memory
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return m, err
	}
	for line := range strings.SplitSeq(string(status)+string(rollup), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "Name:":
			m.name = f[1]
		case "VmRSS:":
			m.rss, _ = strconv.ParseFloat(f[1], 64)
		case "RssAnon:":
			m.anon, _ = strconv.ParseFloat(f[1], 64)
		case "Pss:":
			m.pss, _ = strconv.ParseFloat(f[1], 64)
		}
	}
	return m, nil
}

// scrape sums up what /metrics says, by name.
func scrape(ctx context.Context, url string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	sum := map[string]float64{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			name, _, _ = strings.Cut(name, "{")
			sum[strings.TrimPrefix(name, "sentrybox_")] += v
		}
	}
	return sum, lines.Err()
}

// used is what a file or a folder takes on the disk, in KiB.
func used(path string) (kib float64) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // files come and go meanwhile
		}
		if info, err := e.Info(); err == nil {
			kib += float64(info.Size()) / 1024
		}
		return nil
	})
	return kib
}

// csvFile is the samples on disk, readable while the run goes on.
type csvFile struct {
	f *os.File
	w *csv.Writer
}

func newCSV(path string) (*csvFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	c := &csvFile{f, csv.NewWriter(f)}
	_ = c.w.Write(append([]string{"seconds"}, columns()...)) // Flush tells
	c.w.Flush()
	return c, c.w.Error()
}

func (c *csvFile) write(s sample) error {
	row := []string{strconv.Itoa(int(s.at.Seconds()))}
	for _, name := range columns() {
		row = append(row, strconv.FormatFloat(s.value[name], 'f', 0, 64))
	}
	_ = c.w.Write(row)
	c.w.Flush()
	return c.w.Error()
}

func (c *csvFile) close() { _ = c.f.Close() }
