package watchdog

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())}
	s := NewSystemd(func(k string) string { return env[k] })
	if s.Within() != 30*time.Second {
		t.Errorf("within %v", s.Within())
	}
	next := func() string {
		t.Helper()
		b := make([]byte, 1000)
		_ = l.SetReadDeadline(time.Now().Add(5 * time.Minute))
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	for want, tell := range map[string]func() error{"READY=1": s.Ready, "RELOADING=1\nMONOTONIC_USEC=": s.Reloading, "WATCHDOG=1": s.Feed, "STOPPING=1": s.Stopping} {
		if err := tell(); err != nil {
			t.Fatal(err)
		}
		if got := next(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	s.Status("stuck:\npictures")
	if got := next(); got != "STATUS=stuck: pictures" {
		t.Errorf("%q", got)
	}
	env["WATCHDOG_PID"] = "1"
	if s := NewSystemd(func(k string) string { return env[k] }); s.Within() != 0 || s.Feed() != nil {
		t.Error("another's watchdog is fed")
	}
	if s := NewSystemd(func(string) string { return "" }); s.Ready() != nil || s.Within() != 0 {
		t.Error("without systemd something is told")
	}
	env["NOTIFY_SOCKET"] = path + "-none"
	if s := NewSystemd(func(k string) string { return env[k] }); s.Ready() == nil {
		t.Error("nobody hears, and it is no error")
	}
}
