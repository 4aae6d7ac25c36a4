package homebrew_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/call/calltest"
	"sentrybox/drivers/dmr"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/homebrew"
	"sentrybox/drivers/homebrew/homebrewtest"
)

const (
	hotspot  = 460010199
	password = "s3cret-of-the-hotspot"
)

func config() homebrew.Config {
	return homebrew.Config{Listen: "127.0.0.1:0", Repeaters: map[uint32]string{hotspot: password, 460010200: "other"}}
}

// master is a Source that runs, and what it said.
type master struct {
	*homebrew.Source
	t    *testing.T
	addr string

	mu     sync.Mutex
	events []call.Event // guarded by mu
}

func serve(t *testing.T, c homebrew.Config) *master {
	t.Helper()
	s, err := homebrew.New(c)
	if err != nil {
		t.Fatal(err)
	}
	m := &master{Source: s, t: t}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(context.Background(), m.emit) }()
	t.Cleanup(func() {
		_ = s.Halt()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	m.until("listening", func() bool { return s.Addr().IsValid() })
	m.addr = s.Addr().String()
	return m
}

func (m *master) emit(e call.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
}

func (m *master) heard() []call.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]call.Event(nil), m.events...)
}

func (m *master) until(what string, done func() bool) {
	m.t.Helper()
	for start := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			m.t.Fatalf("no %s; the master is %+v", what, m.State())
		}
	}
}

func (m *master) login(id uint32, word string) *homebrewtest.Repeater {
	m.t.Helper()
	r, err := homebrewtest.Login(m.t.Context(), m.addr, id, word)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = r.Close() })
	return r
}

// press presses an emergency key until the master has heard it.
func (m *master) press(r *homebrewtest.Repeater, src uint32) {
	m.t.Helper()
	before := len(m.heard())
	m.until("emergency", func() bool {
		if err := r.Press(m.t.Context(), 2, src, 9); err != nil {
			m.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		return len(m.heard()) > before
	})
}

func TestConform(t *testing.T) {
	calltest.Conform(t, func(t *testing.T) calltest.Rig {
		addr := freePort(t)
		s, err := homebrew.New(homebrew.Config{Listen: addr, Repeaters: map[uint32]string{hotspot: password}, Timeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		f := &far{t: t, addr: addr}
		t.Cleanup(f.unplug)
		return calltest.Rig{
			Source: s, Say: f.say, Valid: func(e call.Event) bool { return e.From == "4600101" && e.Station == "460010199" },
			Noise: f.noise, Unplug: f.unplug, Replug: f.replug,
		}
	})
}

// far is a repeater that logs in again when the master has forgotten it.
type far struct {
	t    *testing.T
	addr string
	away bool
	r    *homebrewtest.Repeater
}

func (f *far) say() {
	if f.away {
		return
	}
	if f.r == nil || f.r.Closed() { // closed by the master that stopped, or refused by the next
		f.hangUp()
		r, err := homebrewtest.Login(f.t.Context(), f.addr, hotspot, password)
		if err != nil {
			return // it does not listen yet
		}
		f.r = r
	}
	s := dmr.Speech{LC: dmr.LC{Src: 4600101, Dst: 9}, Superframes: 1}
	_ = f.r.Send(f.t.Context(), homebrewtest.Transmission{Slot: 1, Src: 4600101, Dst: 9, Bursts: s.Bursts()})
	_ = f.r.Raw(binary.BigEndian.AppendUint32([]byte("RPTPING"), 1)) // it is nobody's, so that a new master refuses
}

func (f *far) hangUp() {
	if f.r != nil {
		_ = f.r.Close()
		f.r = nil
	}
}

func (f *far) unplug() { f.away = true; f.hangUp() }
func (f *far) replug() { f.away = false }

func (f *far) noise(b []byte) {
	if f.r != nil {
		_ = f.r.Raw(b)
	}
	conn, err := net.Dial("udp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	_, _ = conn.Write(b)
	_ = conn.Close()
}

// freePort returns an address of this process's own, which nobody else is given a port of.
func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.%d.%d.2:0", 1+os.Getpid()>>8%250, os.Getpid()%256))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func TestCallsOfTwoRepeatersAndSlots(t *testing.T) {
	m := serve(t, config())
	a, b := m.login(hotspot, password), m.login(460010200, "other")
	var wg sync.WaitGroup
	for i, r := range []*homebrewtest.Repeater{a, b} {
		for slot := 1; slot <= 2; slot++ {
			wg.Go(func() {
				s := dmr.Speech{LC: dmr.LC{Src: uint32(4600100 + 10*i + slot), Dst: 9}, Superframes: 2}
				_ = r.Send(t.Context(), homebrewtest.Transmission{Slot: slot, Src: s.LC.Src, Dst: 9, Bursts: s.Bursts(), Pace: time.Millisecond, RSSI: -80})
			})
		}
	}
	wg.Wait()
	m.until("eight events", func() bool { return len(m.heard()) >= 8 })
	calls := map[string]call.Event{}
	for _, e := range m.heard() {
		switch e.Kind {
		case call.Begin:
			if _, twice := calls[e.Call]; twice || e.RSSI == nil || *e.RSSI != -80 {
				t.Errorf("%+v", e)
			}
			calls[e.Call] = e
		case call.End:
			if was := calls[e.Call]; was.From != e.From || was.Station != e.Station || was.Channel != e.Channel || e.Lost {
				t.Errorf("%+v", e)
			}
		default:
			t.Errorf("%+v", e)
		}
	}
	if len(calls) != 4 {
		t.Errorf("%d calls", len(calls))
	}
}

func TestWrongPassword(t *testing.T) {
	var log bytes.Buffer
	c := config()
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	m := serve(t, c)
	if _, err := homebrewtest.Login(t.Context(), m.addr, hotspot, "guess"); !errors.Is(err, homebrewtest.ErrRefused) {
		t.Fatalf("Login = %v", err)
	}
	m.until("refusal", func() bool { // it is told before it is noted
		s := m.State()
		return s.Devices["460010199"].Phase == driver.Refused && s.Counts.Rejected > 0
	})
	// It is not heard for a second: not even with the right one. Then it is.
	m.login(hotspot, password)
	m.until("login", func() bool { return m.State().Devices["460010199"].Phase == driver.Online })
	if err := m.Halt(); err != nil {
		t.Fatal(err)
	}
	if s := log.String(); strings.Contains(s, "guess") || strings.Contains(s, password) || !strings.Contains(s, "wrong password") {
		t.Errorf("the log has %s", s)
	}
}

// TestFramesOfAStranger: a repeater that the master has forgotten hears so from its first frame on, not only by
// its next ping.
func TestFramesOfAStranger(t *testing.T) {
	m := serve(t, config())
	conn, err := net.Dial("udp", m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f := homebrew.Frame{Src: 4600101, Dst: 9, Repeater: hotspot, Slot: 2, Stream: 1, Burst: dmr.Control(1, dmr.Alarm, 4600101, 9)}
	var answer [64]byte
	m.until("refusal", func() bool {
		_, _ = conn.Write(f.Append(nil))
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := conn.Read(answer[:])
		return err == nil && bytes.Equal(answer[:n], binary.BigEndian.AppendUint32([]byte("MSTNAK"), hotspot))
	})
	if len(m.heard()) > 0 {
		t.Errorf("a stranger is heard: %+v", m.heard())
	}
}

// A stranger gets little, and stops nothing: a repeater that is logged in is heard all the while.
func TestHostilePeer(t *testing.T) {
	m := serve(t, config())
	r := m.login(hotspot, password)
	stranger, err := net.Dial("udp", m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	id := binary.BigEndian.AppendUint32(nil, hotspot)
	frame := homebrew.Frame{Src: 666, Dst: 9, Repeater: hotspot, Slot: 1, Burst: dmr.Control(1, dmr.Alarm, 666, 9)}
	type bytesOf struct{ sent, got int }
	over := make(chan bytesOf, 1)
	packets := [][]byte{
		append([]byte("RPTL"), id...),
		append([]byte("RPTL"), 1, 2, 3, 4),
		append(append([]byte("RPTK"), id...), make([]byte, 32)...),
		append([]byte("RPTCL"), id...),
		append([]byte("RPTPING"), id...),
		append(append([]byte("RPTC"), id...), make([]byte, 294)...),
		frame.Append(nil), frame.Append(nil)[:40], []byte("RPT"), {}, make([]byte, 60000), bytes.Repeat([]byte("DMRD"), 300),
	}
	go func() {
		sent, got := flood(t, stranger, packets)
		over <- bytesOf{sent, got}
	}()
	for i := range 5 {
		m.press(r, uint32(4600101+i))
	}
	x := <-over
	t.Logf("the stranger sent %d bytes and got %d", x.sent, x.got)
	if x.got > x.sent/2 {
		t.Errorf("the stranger sent %d bytes and got %d", x.sent, x.got)
	}
	m.press(r, 4600106)
	for _, e := range m.heard() {
		if e.From == "666" {
			t.Errorf("the stranger was heard: %+v", e)
		}
	}
	if r.Closed() {
		t.Errorf("the repeater was told %q", r.Heard())
	}
	if d := m.State().Devices["460010199"]; d.Phase != driver.Online {
		t.Errorf("%+v", d)
	}
}

// flood sends the packets over and over, and counts bytes.
func flood(t *testing.T, c net.Conn, packets [][]byte) (sent, got int) {
	t.Helper()
	done := make(chan int)
	go func() {
		n, buf := 0, make([]byte, 2048)
		for {
			k, err := c.Read(buf)
			if err != nil {
				done <- n
				return
			}
			if k > 10 {
				t.Errorf("an answer of %d bytes", k)
			}
			n += k
		}
	}()
	for range 500 {
		for _, p := range packets {
			if len(p) < 2000 {
				sent += len(p)
			}
			_, _ = c.Write(p)
		}
		time.Sleep(time.Millisecond)
	}
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	return sent, <-done
}

// One that sends too much is limited, and others are not.
func TestFloodOfARepeater(t *testing.T) {
	m := serve(t, config())
	loud, other := m.login(hotspot, password), m.login(460010200, "other")
	for i := range 3000 {
		f := homebrew.Frame{Seq: byte(i), Src: uint32(i), Repeater: hotspot, Slot: 1, Stream: uint32(i), Burst: dmr.Control(1, dmr.Alarm, uint32(i+1), 9)}
		_ = loud.Raw(f.Append(nil))
	}
	m.until("limit", func() bool { return m.State().Counts.Discarded > 0 })
	m.until("other", func() bool {
		_ = other.Press(t.Context(), 1, 4600101, 9)
		for _, e := range m.heard() {
			if e.From == "4600101" && e.Station == "460010200" {
				return true
			}
		}
		return false
	})
}

func TestSilentRepeaterIsDropped(t *testing.T) {
	c := config()
	c.Timeout = 500 * time.Millisecond
	m := serve(t, c)
	r := m.login(hotspot, password)
	s := dmr.Speech{LC: dmr.LC{Src: 1, Dst: 9}, Superframes: 1, NoEnd: true}
	m.until("begin", func() bool {
		if r.Closed() { // the test stood still for longer than that
			r = m.login(hotspot, password)
		}
		_ = r.Send(t.Context(), homebrewtest.Transmission{Src: 1, Dst: 9, Bursts: s.Bursts()})
		time.Sleep(10 * time.Millisecond)
		return len(m.heard()) > 0
	})
	m.until("drop", func() bool { return m.State().Phase == driver.Unplugged })
	h := m.heard()
	if last := h[len(h)-1]; last.Kind != call.End || !last.Lost {
		t.Errorf("%+v", h)
	}
	_ = r.Raw(binary.BigEndian.AppendUint32([]byte("RPTPING"), hotspot))
	m.until("refusal", func() bool { return strings.Contains(strings.Join(r.Heard(), " "), "MSTNAK") })
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []homebrew.Config{
		{Listen: "x", Repeaters: map[uint32]string{hotspot: "a"}}, {Listen: ":0"}, {Listen: ":0", Repeaters: map[uint32]string{hotspot: ""}},
		{Listen: ":0", Repeaters: map[uint32]string{7: "a"}},
	} {
		if s, err := homebrew.New(c); err == nil {
			t.Errorf("%+v: %v", c, s)
		}
	}
}

func TestFrame(t *testing.T) {
	for _, f := range []homebrew.Frame{
		{Seq: 1, Src: 2, Dst: 3, Repeater: hotspot, Slot: 2, Private: true, Stream: 7, Burst: dmr.Control(1, dmr.Alarm, 2, 3), RSSI: -99},
		{Slot: 1, Burst: dmr.Burst{Voice: 0}}, {Slot: 1, Burst: dmr.Burst{Voice: 5}},
	} {
		got, err := homebrew.ParseFrame(f.Append(nil))
		if err != nil || got != f {
			t.Errorf("%+v, %v, want %+v", got, err, f)
		}
	}
}

func FuzzFrame(f *testing.F) {
	frame := homebrew.Frame{Seq: 1, Src: 2, Dst: 3, Repeater: hotspot, Slot: 2, Burst: dmr.Control(1, dmr.Alarm, 2, 3)}
	f.Add(frame.Append(nil))
	f.Add([]byte("DMRD"))
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := homebrew.ParseFrame(p)
		if err != nil {
			return
		}
		again, err := homebrew.ParseFrame(got.Append(nil))
		if err != nil || len(p) == 55 && again != got {
			t.Errorf("%+v, then %+v, %v", got, again, err)
		}
	})
}
