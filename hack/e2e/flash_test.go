//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
	"sentrybox/uplink/spool"
)

// day is the durable half of a gateway, on a clock of its own.
type day struct {
	t      testing.TB
	now    time.Time
	store  *store.Store
	spool  *spool.Spool
	outbox *outbox.Box
	alerts *alert.Service
}

func newDay(t testing.TB, dir string, now time.Time) *day {
	t.Helper()
	d := &day{t: t, now: now}
	clock := func() time.Time { return d.now }
	var err error
	d.store, err = store.Open(t.Context(), dir, store.Migration{
		Component: "outbox", Steps: outbox.Schema(), Keep: map[string]string{"outbox": outbox.Urgent}, Mend: outbox.Mend,
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.spool, err = spool.Open(spool.Options{Dir: filepath.Join(dir, "metrics", "mqtt"), Now: clock}); err != nil {
		t.Fatal(err)
	}
	d.outbox, err = outbox.New(t.Context(), d.store.DB(), clock, outbox.WithMetrics(spool.Lane{Spool: d.spool, Topic: "metrics"}))
	if err != nil {
		t.Fatal(err)
	}
	d.alerts = &alert.Service{
		Store: d.store, Outbox: d.outbox, Log: slog.New(slog.DiscardHandler), Now: clock,
		Gateway: "gw-1", Street: "donghu", Community: "meiyuan", FirstLevel: alert.Community,
		RespondWithin: 5 * time.Minute, HandleWithin: 30 * time.Minute, CoolDown: time.Minute,
	}
	return d
}

// minute is a reading of each sensor and ten numbers of each camera.
func (d *day) minute(sensors, cameras int) {
	d.t.Helper()
	var points []spool.Point
	for i := range sensors {
		points = append(points, spool.Point{Name: "temperature", Labels: map[string]string{"device": fmt.Sprint("th-", i)}, Value: float64(d.now.Unix()%977) / 10, Time: d.now})
	}
	for c := range cameras {
		for n := range 10 {
			points = append(points, spool.Point{Name: fmt.Sprint("camera_number_", n), Labels: map[string]string{"camera": fmt.Sprint("cam-", c)}, Value: float64(d.now.Unix() * int64(n+1)), Time: d.now})
		}
	}
	if err := d.spool.Append(points...); err != nil {
		d.t.Fatal(err)
	}
	d.now = d.now.Add(time.Minute)
	if err := d.spool.Sweep(); err != nil {
		d.t.Fatal(err)
	}
	if d.now.Minute() != 0 { // these look every minute, and mostly do nothing
		return
	}
	if err := d.outbox.Sweep(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	if d.store.BackupDue(d.now) {
		if err := d.store.Backup(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// alert raises one with a thumbnail of 12 KiB, which the duty room answers with
// these actions.
func (d *day) alert(n int, actions ...string) {
	d.t.Helper()
	ctx := d.t.Context()
	a, err := d.alerts.Raise(ctx, alert.Event{
		Device: fmt.Sprint("cam-", n%16), Kind: "intrusion", Zone: fmt.Sprint("z", n), Severity: 2,
		Start: d.now, Detected: d.now, Confidence: 0.9, Thumbnail: make([]byte, 12<<10),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, action := range actions {
		if err := d.alerts.Answer(ctx, a.ID, alert.Answer{Action: action, By: "duty"}); err != nil {
			d.t.Fatal(err)
		}
	}
}

// state queues a device's new state.
func (d *day) state(n int) {
	d.t.Helper()
	topic := fmt.Sprint("device/cam-", n%16)
	err := d.store.Tx(context.WithoutCancel(d.t.Context()), func(tx *sql.Tx) error {
		_, err := d.outbox.Put(d.t.Context(), tx, outbox.Item{Lane: outbox.State, Topic: topic, Key: topic, Retain: true, Payload: make([]byte, 250)})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// deliver takes and acknowledges everything that waits, a few at a time.
func (d *day) deliver() {
	d.t.Helper()
	for {
		items, err := d.outbox.Next(d.t.Context(), 4, outbox.Metrics, nil)
		if err != nil {
			d.t.Fatal(err)
		}
		if len(items) == 0 {
			return
		}
		var seqs []int64
		for _, it := range items {
			seqs = append(seqs, it.Seq)
		}
		if err := d.outbox.Sending(d.t.Context(), seqs...); err != nil {
			d.t.Fatal(err)
		}
		if err := d.outbox.Done(d.t.Context(), seqs...); err != nil {
			d.t.Fatal(err)
		}
	}
}

// written is how many bytes a block device has been given to write (sectors of
// 512 bytes: Documentation/block/stat.rst of Linux).
func (d *disk) written() int64 {
	d.t.Helper()
	syscall.Sync()
	data, err := os.ReadFile("/sys/block/" + filepath.Base(d.dev) + "/stat")
	if err != nil {
		d.t.Fatal(err)
	}
	var sectors int64
	if _, err := fmt.Sscan(strings.Fields(string(data))[6], &sectors); err != nil {
		d.t.Fatal(err)
	}
	return sectors * 512
}

// close ends the day in order.
func (d *day) close() {
	d.t.Helper()
	if err := errors.Join(d.outbox.Close(d.t.Context()), d.spool.Close(), d.store.Close()); err != nil {
		d.t.Fatal(err)
	}
}

// TestFlashWear prints what a day costs the flash, the file system's own journal
// included: 16 cameras, 50 sensors a minute, 100 alerts and 100 changes of state, with
// a line and without. The most is 200 MB. It is reckoned from three hours;
// SENTRYBOX_LONG=1 takes the whole day.
func TestFlashWear(t *testing.T) {
	for _, online := range []bool{true, false} {
		t.Run(fmt.Sprintf("line %v", online), func(t *testing.T) {
			fs := newDisk(t, 128)
			d := newDay(t, filepath.Join(fs.dir, "data"), time.Now().Add(-25*time.Hour))
			began := fs.written()
			minutes, part := 3*60, int64(8)
			if os.Getenv("SENTRYBOX_LONG") != "" {
				minutes, part = 24*60, 1
			}
			done, alerts := 0, 100/int(part)
			for m := range minutes {
				d.minute(50, 16)
				for ; done < (m+1)*alerts/minutes; done++ {
					d.alert(done, "ack", "handled")
					d.state(done)
				}
				if online {
					d.deliver()
				}
			}
			if err := d.store.Backup(t.Context()); err != nil { // of the day
				t.Fatal(err)
			}
			d.close()
			n := (fs.written() - began) * part
			line := "without a line"
			if online {
				line = "with a line"
			}
			t.Logf("a day %s: %.1f MB written", line, float64(n)/1e6)
			if n > 200e6 {
				t.Errorf("%.1f MB written, the most is 200", float64(n)/1e6)
			}
		})
	}
}
