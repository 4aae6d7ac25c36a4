package app

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/config"
)

// TestPicturesAreLookedAt: which cameras stop the watchdog's food, and which do not.
func TestPicturesAreLookedAt(t *testing.T) {
	const patience = 2 * time.Minute
	begin := time.Now()
	for name, tc := range map[string]struct {
		at   func(i int) sight // every ten seconds
		want string
	}{
		"all is well":            {func(i int) sight { return sight{true, uint64(i), uint64(i), 0} }, ""},
		"keyframes alone":        {func(i int) sight { return sight{true, uint64(i), uint64(i / 3), 0} }, ""},
		"off from the beginning": {func(int) sight { return sight{} }, ""},
		"off after a while": {func(i int) sight {
			n := uint64(min(i, 20))
			return sight{i < 20, n, n, 0}
		}, ""},
		"only rubbish, and a vision process that ends again and again": {func(i int) sight { return sight{true, uint64(i), uint64(i / 4), 0} }, ""},
		"never a picture that could be looked at":                      {func(i int) sight { return sight{true, uint64(i), 0, 0} }, ""},
		"its driver is stuck":                                          {func(i int) sight { return sight{true, uint64(min(i, 20)), uint64(min(i, 20)), 0} }, "online and has sent nothing"},
		"nobody looks":                                                 {func(i int) sight { return sight{true, uint64(i), uint64(min(i, 20)), 0} }, "not been looked at"},
		"its alert is stuck":                                           {func(i int) sight { return sight{true, uint64(i), uint64(i), time.Duration(i) * 10 * time.Second} }, "not become durable"},
		"stuck, then off: told":                                        {func(i int) sight { return sight{i < 40, uint64(min(i, 20)), uint64(min(i, 20)), 0} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPictures(patience)
			var err error
			for i := range 60 {
				err = p.look(begin.Add(time.Duration(i)*10*time.Second), map[string]sight{"gate": tc.at(i)})
			}
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

// TestLineDrains: an outbox that stands still with a line is a fault; without one it is not.
func TestLineDrains(t *testing.T) {
	const patience = 2 * time.Minute
	begin := time.Now()
	for name, tc := range map[string]struct {
		online bool
		waits  int
		sent   func(i int) uint64
		good   bool
	}{
		"nothing waits":                {true, 0, func(int) uint64 { return 5 }, true},
		"the line is down":             {false, 500, func(int) uint64 { return 5 }, true},
		"slowly":                       {true, 500, func(i int) uint64 { return uint64(i / 3) }, true},
		"a line, and nothing goes out": {true, 500, func(int) uint64 { return 5 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := drain{patience: patience}
			var err error
			for i := range 20 {
				err = d.look(begin.Add(time.Duration(i)*30*time.Second), tc.online, tc.waits, tc.sent(i))
			}
			if (err == nil) != tc.good {
				t.Error(err)
			}
		})
	}
}

// TestWatchdogOfARunningGateway: systemd hears that the gateway is ready and lives, though its only
// broker and its only camera are off; no longer, and why, when the database takes nothing; and
// again when it does.
func TestWatchdogOfARunningGateway(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "3000000")
	t.Setenv("WATCHDOG_PID", "")
	data := filepath.Join(dir, "data")
	doc := `
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ` + data + `
web: {listen: ""}
uplink: {mqtt: [{url: "mqtt://127.0.0.1:1"}]}
watchdog: {patience: 5s}
cameras: [{id: off, url: "rtsp://127.0.0.1:1/x", detect: [{kind: motion}]}]
`
	cfg, err := config.Parse(filepath.Join(dir, "config.yaml"), []byte(doc), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (&App{Config: cfg, Vision: "/bin/false", Log: slog.New(slog.DiscardHandler)}).Run(ctx) }()
	until := func(want string) {
		t.Helper()
		for b := make([]byte, 4096); ; {
			_ = l.SetReadDeadline(time.Now().Add(5 * time.Minute))
			n, err := l.Read(b)
			if err != nil {
				t.Fatalf("no %s: %v", want, err)
			}
			if strings.Contains(string(b[:n]), want) {
				return
			}
		}
	}
	until("READY=1")
	for range 7 { // longer than patience
		until("WATCHDOG=1")
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "sentrybox.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err = conn.ExecContext(t.Context(), `PRAGMA busy_timeout = 300000; BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	until("STATUS=stuck: store: ")
	for fed := 0; ; { // some may have been said before the database took nothing
		_ = l.SetReadDeadline(time.Now().Add(3 * time.Second))
		n, err := l.Read(make([]byte, 4096))
		if err != nil {
			break
		}
		if n == len("WATCHDOG=1") {
			fed++
		}
		if fed > 60 {
			t.Fatal("it is fed while the database takes nothing")
		}
	}
	if _, err := conn.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	until("STATUS=running")
	until("WATCHDOG=1")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	until("STOPPING=1")
}
