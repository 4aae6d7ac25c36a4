package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sentrybox/hack/spawn"
)

// gateway is a running Sentrybox.
type gateway struct {
	*program
	metrics string // URL
	cameras []string
}

// sentry is one camera of it.
type sentry struct {
	id, url string
	rules   string // YAML: keys and values of an entry of cameras
}

const defaultRules = "detect: [{kind: intrusion}, {kind: loitering, after: 30s}]"

// sentrybox starts a gateway on cameras, whose alerts go to a broker.
func (b *bench) sentrybox(broker string, cameras []sentry) (*gateway, error) {
	port, err := spawn.FreePort()
	if err != nil {
		return nil, err
	}
	page, err := spawn.FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.work, "gateway-")
	if err != nil {
		return nil, err
	}
	g := &gateway{metrics: fmt.Sprintf("http://127.0.0.1:%d/metrics", port)}
	doc := &strings.Builder{}
	fmt.Fprintf(doc, "gateway: {id: bench, street: s, community: c}\ndata: %s\nlog: {level: warn}\n", filepath.Join(dir, "data"))
	fmt.Fprintf(doc, "uplink: {mqtt: [{url: 'mqtt://%s'}]}\nmetrics: {listen: '127.0.0.1:%d'}\nweb: {listen: '127.0.0.1:%d'}\nalerts: {cool_down: 1s}\n", broker, port, page)
	for _, line := range b.Set {
		fmt.Fprintln(doc, line)
	}
	fmt.Fprintln(doc, "cameras:")
	for _, c := range cameras {
		fmt.Fprintf(doc, "  - id: %s\n    url: %s\n    transport: tcp\n    %s\n", c.id, c.url, c.rules)
		if b.CameraSet != "" {
			fmt.Fprintf(doc, "    %s\n", b.CameraSet)
		}
		g.cameras = append(g.cameras, c.id)
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(doc.String()), 0o600); err != nil {
		return nil, err
	}
	g.program, err = start("sentrybox", b.Sentrybox, "run", "--config", config)
	return g, err
}

// counts are of all cameras together, by the name of the metric.
type counts map[string]float64

// read reads the page for Prometheus. A gateway that has much to do may need another try.
func (g *gateway) read(ctx context.Context) (c counts, err error) {
	for range 5 {
		if c, err = g.readOnce(ctx); err == nil {
			break
		}
		if sleep(ctx, time.Second) != nil {
			break
		}
	}
	return c, err
}

func (g *gateway) readOnce(ctx context.Context) (counts, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.metrics, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the metrics: %s", res.Status)
	}
	sum := counts{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "sentrybox_"), "{")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue // of a histogram
		}
		sum[name] += v
	}
	return sum, lines.Err()
}

// ready waits until every camera is online and analysed.
func (g *gateway) ready(ctx context.Context, within time.Duration) error {
	var last string
	for end := time.Now().Add(within); time.Now().Before(end); {
		if err := g.alive(); err != nil {
			return err
		}
		c, err := g.readOnce(ctx)
		if err == nil && int(c["camera_online"]) == len(g.cameras) && c["camera_analysed"] > 0 {
			return nil
		}
		if err != nil {
			last = err.Error()
		} else {
			last = fmt.Sprintf("%v of %d cameras online", c["camera_online"], len(g.cameras))
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("Sentrybox sees nothing: " + last + "\n" + g.said.String())
}

// alertMessage is what a subscriber needs of an alert.
type alertMessage struct {
	ID       string    `json:"id"`
	Rev      int       `json:"rev"`
	Device   string    `json:"device"`
	Kind     string    `json:"kind"`
	Detected time.Time `json:"detected_at"`
}

func parseAlert(payload []byte) (alertMessage, bool) {
	var a alertMessage
	err := json.Unmarshal(payload, &a)
	return a, err == nil && a.Rev == 1
}
