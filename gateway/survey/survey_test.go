package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/dvrip/dvriptest"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/store"
)

// TestMain is also the process of DVRIP sessions.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == dvrip.Command {
		if err := dvrip.ServeProcess(0); err != nil {
			fmt.Fprintln(os.Stderr, "sentrybox:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type rig struct {
	*Survey
	late  atomic.Int64 // how far the clock is ahead, in nanoseconds
	taken atomic.Int64 // pictures
	begun chan struct{}
}

// newRig has a search that lasts until it is stopped.
func newRig(t *testing.T, dir string) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), dir, Schema())
	if err != nil {
		t.Fatal(err)
	}
	templates, err := find.Templates("")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{begun: make(chan struct{}, 1)}
	r.Survey = &Survey{
		Store: st, Templates: templates, Log: slog.New(slog.DiscardHandler), Watch: 1500 * time.Millisecond,
		Now: func() time.Time { return time.Now().Add(time.Duration(r.late.Load())) },
		Discover: func(ctx context.Context, _ []net.Interface, _ time.Duration, _ []find.Template) ([]find.Candidate, error) {
			r.begun <- struct{}{}
			<-ctx.Done()
			return []find.Candidate{{Addr: netip.MustParseAddr("10.0.0.7")}}, ctx.Err()
		},
		Picture: func(_ context.Context, u config.URL) ([]byte, error) {
			if r.taken.Add(1) == 1 {
				return nil, errors.New("no keyframe yet")
			}
			return []byte(u.String()), nil
		},
	}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; _ = st.Close() })
	return r
}

// wait waits until no job is under way.
func (r *rig) wait(t *testing.T) (Job, []Device) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if job, devices := r.State(); !job.Running() {
			return job, devices
		}
	}
	t.Fatal("a job does not end")
	return Job{}, nil
}

// TestOneJob: one thing is done at a time; it is stopped by who asks, and what it had found
// is kept.
func TestOneJob(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir)
	if job, _ := r.State(); job.Running() || r.Search() != nil {
		t.Fatalf("%+v", job)
	}
	if err := r.Scan(netip.MustParsePrefix("127.0.0.0/30")); !errors.Is(err, ErrBusy) {
		t.Errorf("two at a time: %v", err)
	}
	<-r.begun
	r.Stop()
	job, devices := r.wait(t)
	if !job.Stopped || job.Err != nil || len(devices) != 1 {
		t.Errorf("%+v, %+v", job, devices)
	}
	r.Stop() // of nothing
	if err := r.Search(); err != nil {
		t.Errorf("after one that was stopped: %v", err)
	}
	<-r.begun
	r.Stop()
	r.wait(t)
}

// TestRecorder: a recorder at an unusual port is found by its address, signed in to by DVRIP,
// and forgotten with its password after an hour; the device itself is remembered.
func TestRecorder(t *testing.T) {
	clip, err := dvriptest.MP4(bytes.NewReader(mp4test.H264()))
	if err != nil {
		t.Fatal(err)
	}
	s := &dvriptest.Server{User: "admin", Password: "s3cret-one", Channels: []dvriptest.Channel{{Main: clip}, {Main: clip}}}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	dir := t.TempDir()
	r := newRig(t, dir)
	at := s.Addr().AddrPort()
	if err := r.Look(at); err != nil {
		t.Fatal(err)
	}
	_, devices := r.wait(t)
	if len(devices) != 1 || devices[0].DVRIP != at.Port() || devices[0].Ways[0] != find.ByHand {
		t.Fatalf("%+v", devices)
	}
	ctx, addr := t.Context(), at.Addr()
	if _, err := r.Still(ctx, addr, 1); !errors.Is(err, ErrUnknown) {
		t.Errorf("a picture before anybody has signed in: %v", err)
	}
	if err := r.SignIn([]netip.Addr{addr}, Account{User: "admin", Password: config.NewSecret("s3cret-one"), Channels: 2}); err != nil {
		t.Fatal(err)
	}
	job, devices := r.wait(t)
	if job.Done != 1 || job.All != 1 || devices[0].SigningIn || devices[0].Result == nil || len(devices[0].Result.Cameras) != 2 {
		t.Fatalf("%+v, %+v", job, devices[0].Result)
	}
	if _, err := r.Still(ctx, addr, 2); err == nil {
		t.Error("a picture that failed was kept")
	}
	for range 3 {
		if jpeg, err := r.Still(ctx, addr, 2); err != nil || !strings.Contains(string(jpeg), "/1?stream=0") {
			t.Errorf("%s, %v", jpeg, err)
		}
	}
	if n := r.taken.Load(); n != 2 {
		t.Errorf("%d pictures were taken", n)
	}
	r.late.Store(int64(rememberFor + time.Minute))
	if _, devices = r.State(); devices[0].Result != nil {
		t.Error("a password is remembered for ever")
	}
	if _, err := r.Camera(addr, 1); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	_ = r.Store.Close()
	body, err := os.ReadFile(filepath.Join(dir, "sentrybox.db"))
	if err != nil {
		entries, _ := os.ReadDir(dir)
		t.Fatal(err, entries)
	}
	if bytes.Contains(body, []byte("s3cret-one")) {
		t.Error("a password is in the database")
	}
}

func TestNetworkOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.168.1.7/24": "192.168.1.0/24", "10.1.2.3/8": "10.1.0.0/22", "169.254.9.1/16": "169.254.8.0/22", "8.8.8.8/24": "", "fe80::1/64": "", "nonsense": "",
	} {
		n, ok := networkOf("eth0", address)
		if ok != (want != "") || ok && n.Subnet.String() != want {
			t.Errorf("%s: %+v, want %s", address, n, want)
		}
	}
}
