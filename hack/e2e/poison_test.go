//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/mp4"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
)

// poisonUnits is how many spoilt access units the short form hands over;
// SENTRYBOX_POISON=100000 asks for more.
const poisonUnits = 6000

// TestPoisonedAccessUnits hands fuzzed access units of each codec to the vision
// program itself. It may die of them, and then another takes over; it may not
// hang, say what is not so, or leave its sandbox.
func TestPoisonedAccessUnits(t *testing.T) {
	want := poisonUnits
	if s := os.Getenv("SENTRYBOX_POISON"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("SENTRYBOX_POISON: %v", err)
		}
		want = n
	}
	var sent, deaths int
	for i, clip := range [][]byte{mp4test.Walker(), mp4test.H264(), mp4test.H265(), mp4test.MJPEG()} {
		units := readAll(t, clip)
		s, d := poison(t, units, want/4, uint64(i))
		sent, deaths = sent+s, deaths+d
	}
	t.Logf("%d spoilt access units, %d processes ended", sent, deaths)
	if sent < want/4*4 {
		t.Errorf("only %d access units were handed over", sent)
	}
}

func readAll(t *testing.T, clip []byte) []wire.AccessUnit {
	t.Helper()
	r, err := mp4.Open(bytes.NewReader(clip))
	if err != nil {
		t.Fatal(err)
	}
	var all []wire.AccessUnit
	for {
		au, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, wire.AccessUnit{PTS: au.PTS, Codec: uint8(au.Codec), Keyframe: au.Keyframe, Data: au.Data})
	}
}

// poison hands n spoilt access units to as many vision processes as it takes.
func poison(t *testing.T, units []wire.AccessUnit, n int, seed uint64) (sent, deaths int) {
	t.Helper()
	spoil := mangle(seed)
	cfg, _ := camera.WireConfig(&config.Camera{ID: "cam", Detect: []config.Rule{
		{Kind: wire.Intrusion, Zone: config.AllZones}, {Kind: wire.Motion, Zone: config.AllZones},
	}})
	cfg.Armed = []bool{true, true}
	var p *camera.Process
	finish := func() {
		if p == nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Finish(ctx); err != nil {
			deaths++
			t.Logf("it ended: %v", err)
			if errors.Is(err, camera.ErrHung) || ctx.Err() != nil {
				t.Errorf("it hung: %v", err)
			}
		}
	}
	length := units[len(units)-1].PTS + 100*time.Millisecond
	for i := range n {
		if p == nil {
			var err error
			p, err = camera.StartProcess(t.Context(), camera.ProcessConfig{
				Path: filepath.Join(programs, "sentrybox-vision"), Config: cfg, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for range p.Detections() {
				}
			}()
		}
		au := units[i%len(units)]
		au.Seq, au.PTS = uint64(i+1), au.PTS+time.Duration(i/len(units))*length
		au.Wall = time.Now()
		if data := bytes.Clone(au.Data); i >= len(units)/2 { // a good beginning
			data = spoil(data)
			au.Data = data
		}
		if len(au.Data) == 0 {
			au.Data = []byte{0}
		}
		if err := p.Send(au); err != nil {
			finish()
			p = nil
		}
		sent++
	}
	finish()
	return sent, deaths
}
