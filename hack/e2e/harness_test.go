//go:build e2e

// Package e2e runs the programs as their users do: against cameras and brokers
// that are not ours, with the plug pulled.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/uplink/mqtt/mqtttest"
)

// patience bounds all that is waited for: a busy machine is slow, and may stand still for seconds.
const patience = 3 * time.Minute

// programs is where TestMain has built the two programs.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sentrybox-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		programs = dir
		for program, build := range map[string]*exec.Cmd{
			"sentrybox":        exec.Command("go", "build", "-o", dir+"/sentrybox", "sentrybox/gateway"),
			"sentrybox-vision": exec.Command("go", "build", "-o", dir+"/sentrybox-vision", "sentrybox/analytics/vision"),
		} {
			build.Env = os.Environ()
			if program == "sentrybox" {
				build.Env = append(build.Env, "CGO_ENABLED=0")
			}
			if out, err := build.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "build %s: %v\n%s", program, err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// sentrybox returns a command line of the product, in English.
func sentrybox(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(programs, "sentrybox"), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "LANG=C.UTF-8", "CAM_PASS="+camPass)
	return cmd
}

// camPass is a password that a URL cannot hold as it is.
const camPass = `p@ss:w/rd%41?`

// gateway is a running `sentrybox run`.
type gateway struct {
	t      testing.TB
	config string
	cmd    *exec.Cmd
	log    *logBuffer
}

// start runs the gateway on a config, whose ${DATA} and ${BROKER} are replaced.
func start(t testing.TB, broker, doc string) *gateway {
	t.Helper()
	dir := t.TempDir()
	doc = strings.NewReplacer("${DATA}", filepath.Join(dir, "data"), "${BROKER}", broker).Replace(doc)
	g := &gateway{t: t, config: filepath.Join(dir, "config.yaml"), log: &logBuffer{}}
	if err := os.WriteFile(g.config, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.stop()
		if strings.Contains(g.log.String(), camPass) {
			t.Error("the camera's password is in the log")
		}
		if t.Failed() {
			t.Logf("the gateway said:\n%s", g.log)
		}
	})
	g.run()
	return g
}

func (g *gateway) run() {
	g.t.Helper()
	g.cmd = sentrybox("run", "--config", g.config)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
}

// kill is kill -9.
func (g *gateway) kill() {
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
	g.cmd = nil
}

// stop ends the gateway as systemd would and checks that it ends well.
func (g *gateway) stop() {
	if g.cmd == nil {
		return
	}
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- g.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			g.t.Errorf("the gateway ended with %v", err)
		}
	case <-time.After(patience):
		g.t.Error("the gateway does not end")
		_ = g.cmd.Process.Kill()
		<-done
	}
	g.cmd = nil
}

// raise asks for a test alert, and returns its id if it was printed.
func (g *gateway) raise(severity int) (string, error) {
	var out, errOut bytes.Buffer
	cmd := sentrybox("raise", "--config", g.config, "--kind", "test", "--severity", fmt.Sprint(severity))
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if err != nil {
		err = errors.New(strings.TrimSpace(errOut.String()))
	}
	id := strings.TrimSuffix(out.String(), "\n")
	if err == nil && (len(id) != 26 || strings.ContainsAny(id, " \n")) {
		return "", fmt.Errorf("raise printed %q, want an id alone on a line", out.String())
	}
	return id, err
}

// mustRaise raises until the gateway is up.
func (g *gateway) mustRaise(severity int) string {
	g.t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var id string
		if id, err = g.raise(severity); err == nil {
			return id
		}
	}
	g.t.Fatalf("raise: %v", err)
	return ""
}

// walker writes the clip in which one person crosses a yard, in H.264 as it is
// or encoded anew.
func walker(t testing.TB, codec string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "walker.mp4")
	if err := os.WriteFile(path, mp4test.Walker(), 0o600); err != nil {
		t.Fatal(err)
	}
	if codec == "h264" {
		return path
	}
	out := filepath.Join(t.TempDir(), "walker-h265.mp4")
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", path, "-c:v", "libx265", "-preset", "ultrafast",
		"-x265-params", "log-level=none:keyint=12:bframes=0", "-tag:v", "hvc1", out)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, b)
	}
	return out
}

// contract is the payload of an alert, as an outside program would read it.
type contract struct {
	ID         string   `json:"id"`
	Rev        int      `json:"rev"`
	Gateway    string   `json:"gateway"`
	Street     string   `json:"street"`
	Community  string   `json:"community"`
	Grid       string   `json:"grid"`
	Device     string   `json:"device"`
	Kind       string   `json:"kind"`
	Zone       string   `json:"zone"`
	Severity   int      `json:"severity"`
	State      string   `json:"state"`
	Level      string   `json:"level"`
	StartedAt  string   `json:"started_at"`
	DetectedAt string   `json:"detected_at"`
	SentAt     string   `json:"sent_at"`
	Synced     bool     `json:"clock_synced"`
	Replayed   bool     `json:"replayed"`
	Confidence float64  `json:"confidence"`
	RespondBy  string   `json:"respond_by"`
	HandleBy   string   `json:"handle_by"`
	Evidence   []string `json:"evidence"`
}

// alerts reads the alerts among messages, by id, keeping the highest revision.
func alerts(t testing.TB, messages []mqtttest.Message) map[string]contract {
	t.Helper()
	all := map[string]contract{}
	for _, m := range messages {
		if !strings.Contains(m.Topic, "/alert/") || len(m.Payload) == 0 {
			continue
		}
		if len(m.Payload) >= 1024 {
			t.Errorf("%s: %d bytes", m.Topic, len(m.Payload))
		}
		var a contract
		if err := json.Unmarshal(m.Payload, &a); err != nil {
			t.Errorf("%s: %v", m.Topic, err)
			continue
		}
		if !strings.HasSuffix(m.Topic, "/alert/"+a.Level+"/"+a.ID) {
			t.Errorf("alert %s of level %s came on %s", a.ID, a.Level, m.Topic)
		}
		if a.Rev > all[a.ID].Rev {
			all[a.ID] = a
		}
	}
	return all
}

// logBuffer keeps what a program says, safe for reading meanwhile.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
