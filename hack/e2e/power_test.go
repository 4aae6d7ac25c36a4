//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/store"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

// raiser raises alerts with the program, one after the other, and keeps the ids
// that it has printed.
type raiser struct {
	mu  sync.Mutex
	ids []string // guarded by mu
}

func (r *raiser) run(g *gateway, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		if id, err := g.raise(n%4 + 1); err == nil {
			r.mu.Lock()
			r.ids = append(r.ids, id)
			r.mu.Unlock()
		}
	}
}

func (r *raiser) printed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ids)
}

// TestPowerCut copies the image of the disk while alerts are raised on it by the
// program: whatever was printed before is on the copy, once, and waits to be
// sent. The program is held still while the image is copied, so that the copy
// is of one moment. SENTRYBOX_CUTS=200 is the long form.
func TestPowerCut(t *testing.T) {
	d := newDisk(t, 48)
	g := start(t, "mqtt://127.0.0.1:1", d.on(storageConfig))
	g.mustRaise(1)
	r, stop := &raiser{}, make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { r.run(g, stop) })
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	lost, checked := 0, 0
	var ids, deliver []string
	var last string // the image that deliver is taken from
	n := cuts(t)
	for i := range n {
		time.Sleep(time.Duration(rng.IntN(150_000)) * time.Microsecond)
		waitFor(t, "alerts between the cuts", func() bool { return len(r.printed()) >= i/2+1 })
		ids = r.printed()
		g.hold()
		image := copyImage(t, d.image)
		if err := g.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		missing := afterCut(t, image, ids)
		lost += len(missing)
		checked += len(ids)
		if len(missing) > 0 {
			t.Errorf("after a cut %v of %d are gone", missing, len(ids))
		}
		if i == min(n, 20)-1 { // later there are so many that their delivery takes minutes
			last, deliver = image, ids
			continue
		}
		_ = os.Remove(image)
	}
	close(stop)
	wg.Wait()
	g.stop()
	t.Logf("%d cuts, %d alerts at the last, %d checks, %d lost", n, len(ids), checked, lost)
	if len(ids) < n/2 {
		t.Errorf("only %d alerts were raised: the test is too short", len(ids))
	}
	deliverFrom(t, last, deliver)
}

// hold stops the gateway in the middle of whatever it does, and waits until none
// of its threads is in a system call: a copy that is made meanwhile would be of
// several moments, as no power cut is.
func (g *gateway) hold() {
	g.t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		g.t.Fatal(err)
	}
	stopped := func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", g.cmd.Process.Pid))
		if err != nil || len(threads) == 0 {
			g.t.Fatalf("the gateway has no threads: %v", err)
		}
		return !slices.ContainsFunc(threads, func(path string) bool {
			stat, err := os.ReadFile(path)
			_, rest, _ := strings.Cut(string(stat), ") ")
			return err == nil && !strings.HasPrefix(rest, "T")
		})
	}
	for !stopped() {
		time.Sleep(time.Millisecond)
	}
}

// afterCut mounts a copy, opens the data folder as the gateway does, and returns
// the ids that are not there or do not wait.
func afterCut(t *testing.T, image string, ids []string) (missing []string) {
	t.Helper()
	d := mountImage(t, image)
	defer d.unmount()
	ctx := t.Context()
	st, err := store.Open(ctx, filepath.Join(d.dir, "data"), store.Migration{Component: "outbox", Steps: outbox.Schema()})
	if err != nil {
		t.Fatalf("after a cut the data folder does not open: %v", err)
	}
	defer st.Close()
	if rec := st.Recovery(); rec.Reason != "" || len(rec.Missing) > 0 {
		t.Errorf("after a cut: %q, %d from the journal", rec.Reason, len(rec.Missing))
	}
	box, err := outbox.New(ctx, st.DB(), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = st.Tx(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			a, found, err := store.AlertByID(ctx, tx, id)
			if err != nil {
				return err
			}
			waits, err := box.Pending(ctx, tx, alert.Topic(alert.Community, id))
			if err != nil {
				return err
			}
			if !found || a.Rev != 1 || !waits {
				missing = append(missing, id)
			}
		}
		return twice(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	return missing
}

// twice looks for an alert that is there under two ids or queued twice.
func twice(ctx context.Context, tx *sql.Tx) error {
	var topics, queued int
	err := tx.QueryRowContext(ctx, `SELECT count(DISTINCT topic), count(*) FROM outbox WHERE lane = 0`).Scan(&topics, &queued)
	if err == nil && topics != queued {
		err = fmt.Errorf("%d texts are queued on %d topics", queued, topics)
	}
	return err
}

// deliverFrom runs the gateway on the last copy: all of it arrives.
func deliverFrom(t *testing.T, image string, ids []string) {
	t.Helper()
	d := mountImage(t, image)
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"alert/#")
	g := start(t, mosquitto.URL(), strings.ReplaceAll(storageConfig, "${DATA}", filepath.Join(d.dir, "data")))
	checkAll(t, sub, ids)
	g.stop()
}
