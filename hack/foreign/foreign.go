//go:build linux

// Package foreign starts RTSP servers that are not ours, for end-to-end tests:
// what only our own server understands is no proof. Each serves one live stream
// and ends with the test that started it.
package foreign

import (
	"bufio"
	"bytes"
	_ "embed" // the GStreamer server's script
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sentrybox/hack/spawn"
)

// patience bounds the start of a server: a busy machine is slow.
const patience = 3 * time.Minute

//go:embed gst_rtsp_server.py
var gstServer []byte

// Options say what is served. The zero value is H.264, 640×360 at 25 pictures a
// second, without a password.
type Options struct {
	Codec    string // h264, h265 or, by GStreamer alone, mjpeg
	User     string // nobody needs a password when empty
	Password string
	// Basic asks for the password by Basic instead of Digest authentication;
	// VLC knows Basic alone.
	Basic bool
	// Transport is any, tcp or udp; GStreamer alone can refuse one.
	Transport string
	// File is an MP4, with video of the codec, to play over and over in place of
	// a synthetic picture.
	File string
	// Port to listen on; any free one when 0.
	Port int
}

func (o Options) codec() string {
	if o.Codec == "" {
		return "h264"
	}
	return o.Codec
}

// url returns the address of the stream with the credentials in it.
func (o Options) url(port int) string {
	u := url.URL{Scheme: "rtsp", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/live"}
	if o.User != "" {
		u.User = url.UserPassword(o.User, o.Password)
	}
	return u.String()
}

// GStreamer starts the RTSP server of GStreamer's gst-rtsp-server and returns
// the stream's URL, with the credentials in it.
func GStreamer(t testing.TB, o Options) string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "gst_rtsp_server.py")
	if err := os.WriteFile(script, gstServer, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{script, "--codec", o.codec(), "--port", strconv.Itoa(o.Port)}
	if o.User != "" {
		method := "digest"
		if o.Basic {
			method = "basic"
		}
		args = append(args, "--user="+o.User, "--password="+o.Password, "--auth", method)
	}
	if o.Transport != "" {
		args = append(args, "--transport", o.Transport)
	}
	if o.File != "" {
		args = append(args, "--file", o.File)
	}
	// The distribution's Python has the bindings, another one may not.
	cmd := exec.Command("/usr/bin/python3", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // open for as long as the test lives
		t.Fatal(err)
	}
	log := start(t, cmd)
	ports := make(chan int, 1)
	var reader sync.WaitGroup
	reader.Go(func() { readPort(out, ports) })
	t.Cleanup(reader.Wait)
	select {
	case port, ok := <-ports:
		if !ok {
			t.Fatalf("GStreamer's RTSP server ended: %s", log)
		}
		return o.url(port)
	case <-time.After(patience):
		t.Fatalf("GStreamer's RTSP server does not start: %s", log)
	}
	return ""
}

func readPort(out io.Reader, ports chan<- int) {
	defer close(ports)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "PORT "); ok {
			if port, err := strconv.Atoi(n); err == nil {
				ports <- port
				return
			}
		}
	}
}

// VLC starts cvlc as an RTSP server and returns the stream's URL, with the
// credentials in it.
func VLC(t testing.TB, o Options) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "foreign-vlc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	clip := filepath.Join(dir, "clip.mp4")
	if o.File != "" {
		copyFile(t, o.File, clip)
	} else {
		makeClip(t, o.codec(), clip)
	}
	port := o.Port
	if port == 0 {
		port = freePort(t)
	}
	args := []string{
		"--intf", "dummy", "--no-audio", "--loop", "--sout-keep", "--sout-all",
		"--sout", fmt.Sprintf("#gather:rtp{sdp=rtsp://127.0.0.1:%d/live}", port),
	}
	if o.User != "" {
		args = append(args, "--sout-rtsp-user", o.User, "--sout-rtsp-pwd", o.Password)
	}
	cmd := exec.Command("cvlc", append(args, clip)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir)
	log := start(t, cmd, asNobody(t, dir))
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err == nil {
			err = describes(c, o.url(port))
		}
		if err == nil {
			return o.url(port)
		}
	}
	t.Fatalf("VLC does not answer: %s", log)
	return ""
}

// describes asks a server for its stream, and takes any answer but 404 for the
// stream's being there: VLC listens before it has opened its input.
func describes(c net.Conn, raw string) error {
	defer c.Close()
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	u.User = nil
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n", u); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	if strings.Contains(line, " 404 ") {
		return errors.New("not yet")
	}
	return nil
}

// asNobody makes dir the unprivileged user's, since VLC refuses to run as root,
// and returns what runs a command as that user.
func asNobody(t testing.TB, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	const nobody = 65534
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, dir) {
		if err := os.Chown(f, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return &syscall.Credential{Uid: nobody, Gid: nobody}
}

// start starts a server in a process group of its own, which ends with the test,
// and returns what it writes to standard error.
func start(t testing.TB, cmd *exec.Cmd, as ...*syscall.Credential) fmt.Stringer {
	t.Helper()
	log := &tail{}
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for _, c := range as {
		cmd.SysProcAttr.Credential = c
	}
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("stop %s: %v", cmd.Path, err)
		}
		_ = cmd.Wait() // it was killed
	})
	return log
}

// makeClip encodes four seconds of a test picture.
func makeClip(t testing.TB, codec, path string) {
	t.Helper()
	lib := map[string]string{"h264": "libx264", "h265": "libx265"}[codec]
	if lib == "" {
		t.Fatalf("codec %q: VLC serves h264 or h265", codec)
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=4",
		"-c:v", lib, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-x265-params", "log-level=none", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := spawn.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(b)
	if n := l.buf.Len() - 4000; n > 0 {
		l.buf.Next(n)
	}
	return len(b), nil
}

// String returns what was written last.
func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
