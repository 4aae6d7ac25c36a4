package audio

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		c    Config
		want string
	}{
		{Config{ALSA: "plughw:CARD=Device,DEV=0"}, ""},
		{Config{Command: []string{"rtl_fm", "-f", "409.75M"}, Rate: 48000}, ""},
		{Config{Pipe: "/run/radio"}, ""},
		{Config{RTP: &RTP{Listen: "127.0.0.1:5004"}}, ""},
		{Config{RTP: &RTP{Listen: "0.0.0.0:5004", From: netip.MustParseAddr("10.0.0.7")}}, ""},
		{Config{}, "exactly one"},
		{Config{ALSA: "default", Pipe: "/x"}, "exactly one"},
		{Config{ALSA: "-x"}, "such a name"},
		{Config{Command: []string{""}}, "such a name"},
		{Config{ALSA: "default", Rate: 48000}, "arecord makes"},
		{Config{Pipe: "radio"}, "whole path"},
		{Config{Pipe: "/x", Rate: 44100}, "rate 44100"},
		{Config{RTP: &RTP{Listen: "0.0.0.0:5004"}}, "from whom"},
		{Config{RTP: &RTP{Listen: "radio:5004"}}, "want an address"},
	} {
		_, err := New(c.c)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, driver.ErrPermanent)) {
			t.Errorf("%+v: %v, want %q", c.c, err, c.want)
		}
	}
}

// read reads so many samples, or as many as come within a minute.
func read(t *testing.T, s Stream, n int) []int16 {
	t.Helper()
	all := make([]int16, 0, n)
	buf := make([]int16, 160)
	if err := s.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for len(all) < n {
		got, err := s.Read(buf[:min(len(buf), n-len(all))])
		if err != nil {
			t.Fatalf("after %d samples: %v", len(all), err)
		}
		all = append(all, buf[:got]...)
	}
	return all
}

func open(t *testing.T, c Config) Stream {
	t.Helper()
	o, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A program's output is the sound; its end is an unplugged source, with what it said last.
func TestCommand(t *testing.T) {
	s := open(t, Config{Command: []string{"sh", "-c", `printf '\001\000\002\000\003\000'; echo 'one'>&2; echo 'arecord: no such device' >&2; exit 1`}})
	if got := read(t, s, 3); got[0] != 1 || got[1] != 2 || got[2] != 3 {
		t.Errorf("%v", got)
	}
	if _, err := s.Read(make([]int16, 8)); !errors.Is(err, port.ErrUnplugged) || !strings.Contains(err.Error(), "no such device") {
		t.Errorf("after its end: %v", err)
	}
	o, _ := New(Config{Command: []string{"no-such-program"}})
	if _, err := o(t.Context()); !errors.Is(err, driver.ErrSkipped) {
		t.Errorf("no program: %v", err)
	}
}

// Close ends a program and its children, and wakes who reads.
func TestCommandIsKilled(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	s := open(t, Config{Command: []string{"sh", "-c", `sleep 600 & echo $! > "$0".new; mv "$0".new "$0"; sleep 600`, pid}})
	for {
		if _, err := os.Stat(pid); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	woken := make(chan error, 1)
	go func() {
		_, err := s.Read(make([]int16, 8))
		woken <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; err == nil {
		t.Error("a closed source reads")
	}
	data, _ := os.ReadFile(pid)
	var child int
	for _, c := range strings.TrimSpace(string(data)) {
		child = child*10 + int(c-'0')
	}
	for unix.Kill(child, 0) == nil {
		if stat, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(data)), "stat")); err != nil || strings.Contains(string(stat), ") Z ") {
			break // it is dead, and nobody has fetched it
		}
		time.Sleep(time.Millisecond)
	}
}

func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "radio")
	o, err := New(Config{Pipe: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o(t.Context()); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("no pipe: %v", err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := o(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for range 2 { // one writer after another
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte{5, 0, 6}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		if got := read(t, s, 2); got[0] != 5 || got[1] != 6 {
			t.Errorf("%v", got)
		}
	}
	_ = s.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := s.Read(make([]int16, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a pipe that nobody writes to: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	plain, _ := New(Config{Pipe: file})
	if _, err := plain(t.Context()); !errors.Is(err, driver.ErrPermanent) {
		t.Errorf("a file: %v", err)
	}
}

// A tone of the channel passes the decimator, one above does not.
func TestDecimator(t *testing.T) {
	for _, factor := range []int{2, 6} {
		for _, c := range []struct {
			freq float64
			pass bool
		}{{1000, true}, {3000, true}, {5000, false}, {7000, false}} {
			d := newDecimator(factor)
			var sum float64
			n := 0
			for i := range Rate * factor {
				v, ok := d.next(int16(10000 * math.Sin(2*math.Pi*c.freq*float64(i)/float64(Rate*factor))))
				if ok && i > Rate*factor/2 {
					sum += float64(v) * float64(v)
					n++
				}
			}
			level := math.Sqrt(2*sum/float64(n)) / 10000
			if c.pass && (level < 0.97 || level > 1.03) || !c.pass && level > 0.01 {
				t.Errorf("by %d, %g Hz: %.3f", factor, c.freq, level)
			}
		}
	}
}

// TestG711: the ends and the middle of ITU-T G.711's tables, and that every byte survives.
func TestG711(t *testing.T) {
	for b, want := range map[byte]int16{0x00: -32124, 0x80: 32124, 0xFF: 0, 0x7F: 0, 0x8F: 16764, 0xEF: 132} {
		if got := FromMuLaw(b); got != want {
			t.Errorf("µ-law %02x: %d, want %d", b, got, want)
		}
	}
	for b, want := range map[byte]int16{0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0x80: 5504} {
		if got := FromALaw(b); got != want {
			t.Errorf("A-law %02x: %d, want %d", b, got, want)
		}
	}
	for b := range 256 {
		if got := MuLaw(FromMuLaw(byte(b))); got != byte(b) && b != 0x7F {
			t.Errorf("µ-law %02x becomes %02x", b, got)
		}
	}
}

func TestWAV(t *testing.T) {
	var file bytes.Buffer
	law := []byte{0x00, 0x80, 0xFF}
	if err := WriteWAV(&file, law); err != nil {
		t.Fatal(err)
	}
	if file.Len()%2 != 0 || int(file.Bytes()[4])+8 != file.Len() {
		t.Errorf("%d bytes, the head says %d", file.Len(), file.Bytes()[4]+8)
	}
	if got, err := ReadWAV(&file, 1<<20); err != nil || len(got) != 3 || got[0] != -32124 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "RIFF0000WAVE", "RIFF0000WAVEfmt \xff\xff\xff\xff", strings.Repeat("x", 100)} {
		if _, err := ReadWAV(strings.NewReader(bad), 100); !errors.Is(err, ErrWAV) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	var file bytes.Buffer
	_ = WriteWAV(&file, []byte{1, 2, 3})
	f.Add(file.Bytes())
	f.Add([]byte("RIFF0000WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00abcd"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := ReadWAV(bytes.NewReader(in), 1000)
		if err == nil && len(got) > 1000 {
			t.Errorf("%d samples", len(got))
		}
	})
}

// closedConn is what a listener's address is learnt from.
func dial(t *testing.T, s Stream) net.Conn {
	t.Helper()
	r, ok := s.(*receiver)
	if !ok {
		t.Fatal("no receiver")
	}
	c, err := net.Dial("udp", r.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

var _ io.Closer = Stream(nil)
