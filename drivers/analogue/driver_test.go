package analogue

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/call"
	"sentrybox/drivers/call/calltest"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/tone/mdc1200"
)

func TestEvents(t *testing.T) {
	quiet := silence(2500 * time.Millisecond)
	c := Config{Signals: everything(), Codes: []string{"*911", "*7xxx", "98xxx", "55501"}}
	for _, tc := range []struct {
		name   string
		sounds [][]float32
		want   string
	}{
		{"digits", [][]float32{digits("1234"), quiet}, "voice, voice-over, digits 1234"},
		{"a code among digits", [][]float32{digits("55*911"), quiet}, "digits *911, voice, voice-over"},
		{"a code with who", [][]float32{digits("*7204"), quiet}, "digits *7 from 204"},
		{"a five-tone number", [][]float32{fiveTone("zvei1", "12234"), quiet}, "digits 12234 from 12234"},
		{"a five-tone code", [][]float32{fiveTone("ccir", "98017"), quiet}, "digits 98 from 017"},
		{"a five-tone code of itself", [][]float32{fiveTone("zvei1", "55501"), quiet}, "digits 55501 from 55501"},
		{"two speak in turn", [][]float32{fiveTone("zvei1", "12234"), silence(1200 * time.Millisecond), digits("1"), quiet}, "digits 12234 from 12234, digits 1"},
		{"who pressed digits", [][]float32{fiveTone("zvei1", "12234"), hum(500*time.Millisecond, 0.1), digits("1"), quiet}, "digits 12234 from 12234, digits 1 from 12234"},
		{"digits before another speaks", [][]float32{digits("12"), silence(1200 * time.Millisecond), burst(mdc1200.Packet{Op: 1, Arg: 0x80, Unit: 0x1234}), quiet},
			"voice, voice-over, digits 12, begin from 1234, end from 1234"},
		{"an emergency", [][]float32{burst(mdc1200.Packet{Arg: 0x81, Unit: 0x1A}), silence(700 * time.Millisecond), burst(mdc1200.Packet{Arg: 0x81, Unit: 0x1A}), quiet},
			"emergency from 001A, emergency from 001A"},
		{"a call with its end", [][]float32{burst(mdc1200.Packet{Op: 1, Arg: 0x80, Unit: 0x1234}), hum(time.Second, 0.2), burst(mdc1200.Packet{Op: 1, Unit: 0x1234}), quiet},
			"begin from 1234, end from 1234"},
		{"a call without", [][]float32{burst(mdc1200.Packet{Op: 1, Arg: 0x80, Unit: 0x1234}), hum(time.Second, 0.2), quiet}, "begin from 1234, end from 1234"},
		{"a page", [][]float32{burst(mdc1200.Packet{Op: 0x35, Arg: 0x89, Unit: 0x5678, Double: true, Extra: [4]byte{0x83, 0x0D, 0x12, 0x34}}), quiet}, "page from 1234 to 5678"},
		{"a radio check", [][]float32{burst(mdc1200.Packet{Op: 0x63, Arg: 0x85, Unit: 0x5678}), quiet}, "check to 5678"},
		{"a status", [][]float32{burst(mdc1200.Packet{Op: 0x46, Arg: 0x0B, Unit: 0x5678}), quiet}, "status B from 5678"},
		{"somebody", [][]float32{hum(2*time.Second, 0.2), quiet}, "voice, voice-over"},
		{"cut off", [][]float32{burst(mdc1200.Packet{Op: 1, Arg: 0x80, Unit: 0x1234}), hum(time.Second, 0.2)}, "begin from 1234, end from 1234 lost"},
	} {
		events, _ := listen(t, c, tc.sounds...)
		if got := all(events); got != tc.want {
			t.Errorf("%s: %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

// TestReadLate: a code that was pressed without a pause is one, though the machine stood still while half of it was read.
func TestReadLate(t *testing.T) {
	d, err := New(Config{Signals: everything(), Codes: []string{"*911"}, Open: (&receiver{}).open})
	if err != nil {
		t.Fatal(err)
	}
	var events []call.Event
	l, err := d.listener(func(e call.Event) { events = append(events, e) })
	if err != nil {
		t.Fatal(err)
	}
	now, x := time.Now(), append(digits("*911"), silence(time.Second)...)
	block := make([]int16, chunk)
	for i := 0; i+chunk <= len(x); i += chunk {
		for j := range block {
			block[j] = int16(32767 * x[i+j])
		}
		at := now.Add(length(i))
		if i > len(digits("*9"))+3*chunk { // in the third
			at = at.Add(2 * digitsPause)
		}
		l.hear(block, at)
		l.tick(at, length(chunk))
	}
	if got := all(events); !strings.Contains(got, "digits *911") {
		t.Error(got)
	}
}

// TestLatency: from the last sample of what says so to the event.
func TestLatency(t *testing.T) {
	for name, x := range map[string][]float32{
		"DTMF": digits("*911"), "ZVEI": fiveTone("zvei1", "98017"), "CCIR": fiveTone("ccir", "98017"), "MDC 1200": burst(mdc1200.Packet{Arg: 0x81, Unit: 1}),
	} {
		var begun time.Time
		quiet := silence(2 * time.Second)
		events, _ := listen(t, Config{Signals: everything(), Codes: []string{"*911", "98xxx"}}, append(append(silence(time.Second), x...), quiet...))
		begun = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Second + length(len(x))) // of synctest's clock
		for _, e := range events {
			if e.Kind == call.Digits || e.Kind == call.Emergency {
				t.Logf("%s: %v after its end", name, e.At.Sub(begun))
				if e.At.Sub(begun) > 200*time.Millisecond {
					t.Errorf("%s: told %v after its end", name, e.At.Sub(begun))
				}
			}
		}
	}
}

func TestLevels(t *testing.T) {
	for name, c := range map[string]struct {
		sound []float32
		phase driver.Phase
		part  string
	}{
		"well":    {hum(time.Second, 0.2), driver.Online, "dB on the average"},
		"clipped": {hum(time.Second, 3), driver.Failed, "turn it down"},
		"faint":   {hum(time.Second, 0.003), driver.Failed, "turn it up"},
	} {
		cfg := Config{}
		cfg.Signals.Activity.Threshold = -60
		_, s := listen(t, cfg, c.sound, silence(2*time.Second))
		if d := s.Devices["audio"]; d.Phase != c.phase || !strings.Contains(d.Reason, c.part) || s.Phase != driver.Online {
			t.Errorf("%s: %+v of %+v", name, d, s.Status)
		}
	}
	_, s := listen(t, Config{}, silence(deaf+time.Minute))
	if s.Phase != driver.Silent || !strings.Contains(s.Reason, "all zero") {
		t.Errorf("minutes of zeros: %+v", s.Status)
	}
}

// TestHangs: a sound card that gives nothing is opened again.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		d, err := New(Config{Audio: audio.Config{ALSA: "default"}, Open: r.open})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx, func(call.Event) {}) }()
		time.Sleep(time.Minute)
		if s := d.State(); s.Counts.Opened < 5 || s.Phase == driver.Online {
			t.Errorf("%+v", s)
		}
		cancel()
		<-ended
	})
}

// TestRecording: the seconds around an event, and no longer a wait than for them.
func TestRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		d, err := New(Config{Open: r.open, Signals: Signals{DTMF: true}, Codes: []string{"9"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Recording(t.Context(), call.Event{At: time.Now()}, time.Second, time.Second); err == nil {
			t.Error("a recording of nothing")
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended, heard := make(chan error), make(chan call.Event, 8)
		go func() {
			ended <- d.Run(ctx, func(e call.Event) {
				if e.Kind == call.Digits {
					heard <- e
				}
			})
		}()
		synctest.Wait()
		type result struct {
			r   call.Recording
			err error
		}
		done := make(chan result)
		r.play(hum(5*time.Second, 0.2))
		r.play(digits("9"))
		e := <-heard
		go func() {
			got, err := d.Recording(ctx, e, 3*time.Second, 2*time.Second)
			done <- result{got, err}
		}()
		r.play(hum(4*time.Second, 0.1))
		got := <-done
		if got.err != nil || got.r.Type != "audio/wav" {
			t.Fatal(got.err)
		}
		samples, err := audio.ReadWAV(bytes.NewReader(got.r.Data), 1<<20)
		if err != nil || len(samples) != 5*audio.Rate {
			t.Errorf("%d samples, want five seconds; %v", len(samples), err)
		}
		if want := e.At.Add(-3 * time.Second); !got.r.From.Equal(want) {
			t.Errorf("from %v, want %v", got.r.From, want)
		}
		if loud, soft := peak(samples[:audio.Rate]), peak(samples[len(samples)-audio.Rate:]); loud < 6000 || soft > 3500 {
			t.Errorf("peaks of %d before and %d after", loud, soft)
		}
		r.unplug()
		if _, err := d.Recording(ctx, call.Event{At: time.Now()}, 2*time.Second, 2*time.Second); err != nil {
			t.Errorf("what is cut off: %v", err)
		}
		cancel()
		<-ended
	})
}

func peak(x []int16) (most int) {
	for _, v := range x {
		most = max(most, int(v), -int(v))
	}
	return most
}

func TestCheck(t *testing.T) {
	good := Config{Audio: audio.Config{ALSA: "default"}, Signals: everything(), Codes: []string{"*911", "9xxxx"}}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"no source": func(c *Config) { c.Audio = audio.Config{} },
		"system":    func(c *Config) { c.Signals.FiveTone = []string{"zvei9"} },
		"length":    func(c *Config) { c.Signals.Lengths = []int{12} },
		"code":      func(c *Config) { c.Codes = []string{"xx"} },
		"codes":     func(c *Config) { c.Codes = make([]string, maxCodes+1) },
		"threshold": func(c *Config) { c.Signals.Activity.Threshold = 5 },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestConform(t *testing.T) {
	calltest.Conform(t, func(t *testing.T) calltest.Rig {
		r := &receiver{}
		d, err := New(Config{Open: r.open, Signals: everything()})
		if err != nil {
			t.Fatal(err)
		}
		x := burst(mdc1200.Packet{Arg: 0x81, Unit: 0x77})
		var once sync.Mutex
		return calltest.Rig{
			Source: d,
			Say: func() {
				if once.TryLock() {
					go func() { defer once.Unlock(); r.play(append(x, silence(100*time.Millisecond)...)) }()
				}
			},
			Valid:  func(e call.Event) bool { return e.From == "0077" || e.Kind == call.Voice },
			Unplug: r.unplug, Replug: r.replug,
		}
	})
}

func ExampleConfig_codes() {
	from, ok := match("*9xxx", "*9204")
	fmt.Println(fixed("*9xxx"), from, ok)
	// Output: *9 204 true
}
