//go:build cgo

package main

import (
	"bytes"
	"errors"
	"image/jpeg"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
)

const (
	testWidth, testHeight = 320, 176
	testPeriod            = 100 * time.Millisecond
)

func TestConversation(t *testing.T) {
	cfg := testConfig(wire.Intrusion, wire.Motion)
	cfg.Replay = true
	g := newGateway(t, cfg)
	g.show(walk(), 0, 12*time.Second)
	g.check(g.w.End())
	a := g.talk(cfg)
	if !a.hello.Sandbox.Seccomp || a.hello.Version != wire.Version {
		t.Errorf("hello: %+v", a.hello)
	}
	if len(a.detections) != 4 {
		t.Fatalf("%d detections, want the two ends of two", len(a.detections))
	}
	ends := map[uint64]wire.Detection{}
	for _, d := range a.detections {
		b, open := ends[d.ID]
		switch {
		case d.Phase == wire.Begun && !open:
			ends[d.ID] = d
			if _, err := jpeg.Decode(bytes.NewReader(d.JPEG)); err != nil {
				t.Errorf("thumbnail: %v", err)
			}
			if d.Start < 2 || d.Start > 4 || d.Detected < d.Start || d.Detected > 5 {
				t.Errorf("%s: start %v, detected %v", d.Kind, d.Start, d.Detected)
			}
			wall := func(s float64) time.Time { return testEpoch().Add(time.Duration(s * float64(time.Second))) }
			if d.StartWall.Sub(wall(d.Start)).Abs() > time.Millisecond || d.DetectWall.Sub(wall(d.Detected)).Abs() > time.Millisecond {
				t.Errorf("%s: start %v is at %v, detected %v at %v", d.Kind, d.Start, d.StartWall, d.Detected, d.DetectWall)
			}
		case d.Phase == wire.Ended && open:
			if d.End < 6 || d.End > 9 || len(d.JPEG) != 0 || d.Start != b.Start || !d.StartWall.Equal(b.StartWall) || d.Kind != b.Kind {
				t.Errorf("%s that began at %v, %v, ended at %v, began at %v, %v", d.Kind, b.Start, b.StartWall, d.End, d.Start, d.StartWall)
			}
		default:
			t.Errorf("%s of %d, begun before: %v", d.Phase, d.ID, open)
		}
	}
	s := a.summary
	if s.Seq != g.seq || s.Seen != g.seq || s.Decoded != g.seq || s.Damaged != 0 || s.Width != testWidth || s.Height != testHeight {
		t.Errorf("summary: %+v after %d access units", s, g.seq)
	}
	if per := float64(s.Analysed) / 12; per < 7 || per > 9 {
		t.Errorf("%.1f pictures a second were analysed, want about 8", per)
	}
	if len(a.progress) < 13 {
		t.Errorf("%d messages of progress in 13 s of media time", len(a.progress))
	}
}

func TestSameTwice(t *testing.T) {
	cfg := testConfig(wire.Intrusion, wire.Motion)
	var first bytes.Buffer
	for range 2 {
		g := newGateway(t, cfg)
		g.show(walk(), 0, 10*time.Second)
		g.check(g.w.End())
		var said bytes.Buffer
		w := wire.NewWriter(&said, wire.MaxFromVision)
		a := g.talk(cfg)
		for i := range a.detections {
			g.check(w.Detection(&a.detections[i]))
		}
		if len(a.detections) == 0 {
			t.Fatal("nothing was seen")
		}
		if first.Len() == 0 {
			first = said
		} else if !bytes.Equal(first.Bytes(), said.Bytes()) {
			t.Error("the same pictures gave other detections")
		}
	}
}

func TestDamageIsCountedAndHarmless(t *testing.T) {
	cfg := testConfig(wire.Intrusion)
	g := newGateway(t, cfg)
	for seq := uint64(3); seq < 100; seq += 9 {
		g.lose[seq], g.gaps[seq+1] = true, true
	}
	g.show(&analyticstest.Scene{Width: testWidth, Height: testHeight, Seed: 5, Noise: 1}, 0, 10*time.Second)
	g.check(g.w.End())
	a := g.talk(cfg)
	if len(a.detections) != 0 {
		t.Errorf("nothing was there, but %d detections", len(a.detections))
	}
	if want := uint64(len(g.lose)); a.summary.Damaged != want || a.summary.Decoded != g.seq-want {
		t.Errorf("%+v, want %d of %d damaged", a.summary, want, g.seq)
	}
}

func TestAnotherSizeIsNoEvent(t *testing.T) {
	cfg := testConfig(wire.Intrusion, wire.Motion)
	g := newGateway(t, cfg)
	g.show(&analyticstest.Scene{Width: testWidth, Height: testHeight, Seed: 5, Noise: 1}, 0, 4*time.Second)
	g.show(&analyticstest.Scene{Width: 352, Height: 288, Seed: 77, Noise: 1}, 4100*time.Millisecond, 8*time.Second)
	g.show(&analyticstest.Scene{Width: 16, Height: 16, Seed: 1}, 8100*time.Millisecond, 9*time.Second) // too small to judge
	g.check(g.w.End())
	a := g.talk(cfg)
	if len(a.detections) != 0 {
		t.Errorf("%d detections", len(a.detections))
	}
	if a.summary.Width != 16 || a.summary.Decoded != g.seq {
		t.Errorf("summary: %+v", a.summary)
	}
}

func TestMediaTimeThatStartsAgain(t *testing.T) {
	cfg := testConfig(wire.Intrusion)
	g := newGateway(t, cfg)
	g.show(walk(), 0, 5*time.Second) // somebody is in the picture
	g.show(&analyticstest.Scene{Width: testWidth, Height: testHeight, Seed: 5, Noise: 1}, 0, 3*time.Second)
	g.check(g.w.End())
	a := g.talk(cfg)
	if len(a.detections) != 2 || a.detections[1].Phase != wire.Ended || a.detections[1].End > 5 {
		t.Error("want one detection that ended with the old clock")
	}
}

func TestArmOverTheWire(t *testing.T) {
	cfg := testConfig(wire.Intrusion)
	cfg.Armed[0] = false
	g := newGateway(t, cfg)
	s := walk()
	g.show(s, 0, 4900*time.Millisecond)
	g.check(g.w.JSON(wire.TypeArm, wire.Arm{Armed: []bool{true}}))
	g.show(s, 5*time.Second, 6*time.Second)
	g.check(g.w.JSON(wire.TypeArm, wire.Arm{Armed: []bool{false}}))
	g.show(s, 6100*time.Millisecond, 9*time.Second)
	g.check(g.w.End())
	a := g.talk(cfg)
	if len(a.detections) != 2 || a.detections[0].Start < 4.7 || a.detections[0].Detected > 5.3 || a.detections[1].End > 6.1 {
		t.Error("want one detection while the rule was armed")
	}
}

func TestProgressWhileUnitsCome(t *testing.T) {
	cfg := testConfig(wire.Intrusion)
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serve(inR, outW, slog.New(slog.DiscardHandler), func(*wire.Config) (wire.Sandbox, error) { return wire.Sandbox{}, nil })
		_ = outW.Close() // returns nil
	}()
	progress := make(chan wire.Progress, 100)
	go func() {
		defer close(progress)
		r := wire.NewReader(outR, wire.MaxFromVision)
		for {
			typ, p, err := r.Next()
			if err != nil {
				return
			}
			var v wire.Progress
			if typ == wire.TypeProgress && wire.Decode(p, &v) == nil {
				progress <- v
			}
		}
	}()
	g := newGateway(t, cfg)
	g.show(&analyticstest.Scene{Width: testWidth, Height: testHeight}, 0, time.Second)
	began := time.Now()
	if _, err := io.Copy(inW, &g.in); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(0); seq < g.seq; {
		select {
		case p := <-progress:
			seq = p.Seq
		case <-time.After(time.Minute):
			t.Fatalf("no word after access unit %d of %d", seq, g.seq)
		}
	}
	t.Logf("the last of %d access units was reported after %v", g.seq, time.Since(began).Round(time.Millisecond))
	select { // while nothing comes, nothing is said
	case p := <-progress:
		t.Errorf("idle, it says %+v", p)
	case <-time.After(3 * reportEvery):
	}
	_ = inW.Close() // returns nil
	if err := <-done; err == nil {
		t.Error("the gateway vanished and it ended well")
	}
	for range progress {
		t.Error("more progress at the end")
	}
}

func TestRefusesBadConversations(t *testing.T) {
	bad := func(spoil func(*wire.Config)) func(*gateway) {
		return func(g *gateway) {
			c := testConfig(wire.Intrusion)
			spoil(c)
			g.in.Reset()
			g.check(g.w.JSON(wire.TypeConfig, c))
			g.check(g.w.End())
		}
	}
	for name, tc := range map[string]struct {
		say  func(*gateway)
		want string
	}{
		"another version": {bad(func(c *wire.Config) { c.Version++ }), "version"},
		"no zone":         {bad(func(c *wire.Config) { c.Zones = nil }), "no zone"},
		"hangs up":        {func(*gateway) {}, "without a word"},
		"unknown message": {func(g *gateway) { g.check(g.w.JSON(15, 1)) }, "unknown type 15"},
		"arm too many":    {func(g *gateway) { g.check(g.w.JSON(wire.TypeArm, wire.Arm{Armed: []bool{true, true}})) }, "2 rules of 1"},
		"revision, no zone": {func(g *gateway) {
			g.check(g.w.JSON(wire.TypeRevision, wire.Revision{Rules: testConfig(wire.Motion).Rules, Armed: []bool{true}}))
		}, "no zone"},
		"half a message":     {func(g *gateway) { g.in.Write([]byte{9, 0, 0, 0, 2, 1}) }, "unexpected EOF"},
		"no configuration":   {func(g *gateway) { g.in.Reset(); g.check(g.w.End()) }, "first message"},
		"too short a unit":   {func(g *gateway) { g.in.Write([]byte{3, 0, 0, 0, 2, 1, 1}) }, "access unit of 2 bytes"},
		"a codec unheard of": {func(g *gateway) { g.check(g.w.AccessUnit(&wire.AccessUnit{Codec: 77, Data: []byte{1}})) }, "unknown codec"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, testConfig(wire.Intrusion))
			tc.say(g)
			err := serve(&g.in, io.Discard, slog.New(slog.DiscardHandler), func(*wire.Config) (wire.Sandbox, error) { return wire.Sandbox{}, nil })
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to say %q", err, tc.want)
			}
		})
	}
	g := newGateway(t, testConfig(wire.Intrusion))
	err := serve(&g.in, io.Discard, slog.New(slog.DiscardHandler), func(*wire.Config) (wire.Sandbox, error) { return wire.Sandbox{}, os.ErrPermission })
	if !errors.Is(err, os.ErrPermission) {
		t.Errorf("without a sandbox it went on: %v", err)
	}
}

func TestPanicEndsTheProcess(t *testing.T) {
	var log bytes.Buffer
	if code := run(panicReader{}, io.Discard, slog.New(slog.NewTextHandler(&log, nil))); code != 3 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(log.String(), "on purpose") {
		t.Errorf("log: %s", log.String())
	}
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("on purpose") }
