package probe

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port"
	"sentrybox/drivers/port/porttest"
	"sentrybox/drivers/uart"
	"sentrybox/gateway/profile"
)

func profiles(t testing.TB) []*profile.Profile {
	t.Helper()
	ids, err := profile.Library{}.IDs()
	if err != nil {
		t.Fatal(err)
	}
	var all []*profile.Profile
	for _, id := range ids {
		p, err := profile.Library{}.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// scrambled is a port that is read at another speed than it is written.
type scrambled struct{ port.Port }

func (s scrambled) Read(b []byte) (int, error) {
	n, err := s.Port.Read(b)
	for i := range b[:n] {
		b[i] = b[i]<<3 ^ 0xa5 ^ b[i]>>2
	}
	return n, err
}

// at opens a line that talks with these settings.
func at(line *drivertest.Line, want profile.Line) func(port.Config) (port.Open, error) {
	return func(c port.Config) (port.Open, error) {
		return func(ctx context.Context) (port.Port, error) {
			p, err := line.Open(ctx)
			if err == nil && (c.Baud != want.Baud || string(c.Parity) != want.Parity) {
				p = scrambled{p}
			}
			return p, err
		}, nil
	}
}

func TestListen(t *testing.T) {
	ws := func(baud int, parity string) profile.Line {
		return profile.Line{Baud: baud, DataBits: 8, Parity: parity, StopBits: 1}
	}
	for _, test := range []struct {
		name   string
		line   profile.Line
		frames []string
		kind   Kind
		first  string // profile
	}{
		{"level meter", ws(9600, "none"), []string{"\xff\x07\xa1\xa7", "\xff\x07\xa2\xa8"}, Profile, "dyp-a02yyuw"},
		{"card reader", ws(9600, "none"), []string{"\x0262E3086CED08\x03"}, Profile, "rdm6300"},
		{"text", ws(9600, "none"), []string{"R1234\r", "R1235\r"}, Profile, "maxbotix-mb7389"},
		{"tag reader at another speed", ws(115200, "none"),
			[]string{"\xbb\x02\x22\x00\x11\xc9\x34\x00\x30\x75\x1f\xeb\x70\x5c\x59\x04\xe3\xd5\x0d\x70\x3a\x76\xef\x7e"}, Profile, "yrm100-uhf"},
		{"text that nobody knows", ws(4800, "even"), []string{"pH 7.01\r\n", "pH 7.02\r\n"}, Lines, ""},
		{"Modbus between others", ws(19200, "none"), []string{string(modbustest.Frame(3, []byte{3, 0, 0, 0, 1})), string(modbustest.Frame(3, []byte{3, 2, 0, 7}))}, Modbus, ""},
		{"frames that nobody knows", ws(9600, "none"), []string{"\xa5\x01\x02\x05\x08", "\xa5\x01\x03\x05\x09", "\xa5\x01\x09\x01\x0b"}, Framed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := drivertest.NewLine()
				ctx, cancel := context.WithCancel(t.Context())
				talked := make(chan struct{})
				go func() {
					defer close(talked)
					for i := 0; ctx.Err() == nil; i++ {
						_, _ = line.Write([]byte(test.frames[i%len(test.frames)]))
						time.Sleep(200 * time.Millisecond)
					}
				}()
				l := &Listener{Open: at(line, test.line), Profiles: profiles(t)}
				h, err := l.Run(ctx)
				cancel()
				<-talked
				if err != nil || h == nil {
					t.Fatalf("heard %v, %v", h, err)
				}
				if h.Line.Baud != test.line.Baud || h.Line.Parity != test.line.Parity || h.Kind != test.kind {
					t.Errorf("%s at %+v, want %s at %+v", h.Kind, h.Line, test.kind, test.line)
				}
				if test.first != "" && (len(h.Matches) == 0 || h.Matches[0].Profile.ID != test.first) {
					t.Errorf("matches %v, want %s", h.Matches, test.first)
				}
				if test.kind == Framed && h.Frame.Checksum != (uart.Checksum{Kind: uart.Sum8, From: 1}) {
					t.Errorf("checksum %+v", h.Frame.Checksum)
				}
			})
		})
	}
}

func TestListenToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := drivertest.NewLine()
		h, err := (&Listener{Open: at(line, profile.Line{}), Profiles: profiles(t)}).Run(t.Context())
		if h != nil || err != nil {
			t.Errorf("heard %v, %v", h, err)
		}
	})
}

func TestBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, silent := drivertest.NewLine(), drivertest.NewLine()
		bus := modbustest.NewBus(line)
		climate := modbustest.NewUnit(10)
		climate.SetRegisters(0, 658, 0xff9b, 999, 999)
		bus.Attach(5, climate)
		bus.Attach(200, modbustest.NewUnit(0)) // refuses everything
		served := make(chan error)
		go func() { served <- bus.Serve() }()
		b := &Bus{
			Open: func(l profile.Line) (port.Open, time.Duration, error) {
				if l.Baud != 4800 {
					return silent.Open, time.Millisecond, nil
				}
				return line.Open, 2 * time.Millisecond, nil
			},
			Lines: Usual()[:4], Profiles: profiles(t),
		}
		units, err := b.Run(t.Context())
		if err != nil || len(units) != 2 {
			t.Fatalf("%+v, %v", units, err)
		}
		if u := units[0]; u.Line.Baud != 4800 || u.Address != 5 || len(u.Matches) == 0 || u.Matches[0].Profile.ID != "renke-rs-ws-n01" {
			t.Errorf("%+v", u)
		}
		if u := units[1]; u.Address != 200 || len(u.Matches) > 0 {
			t.Errorf("%+v", u)
		}
		_ = line.Close()
		<-served
	})
}

// TestListenOnTerminal listens to a real terminal device.
func TestListenOnTerminal(t *testing.T) {
	pty, err := porttest.New(filepath.Join(t.TempDir(), "tty"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pty.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	talked := make(chan struct{})
	go func() {
		defer close(talked)
		for i := 0; ctx.Err() == nil; i++ {
			sum := byte(0xff + 0x07 + i%200)
			_, _ = pty.Write([]byte{0xff, 0x07, byte(i % 200), sum})
			time.Sleep(50 * time.Millisecond)
		}
	}()
	heard := func(h *Heard, err error) bool {
		return err == nil && h != nil && h.Kind == Profile && h.Matches[0].Profile.ID == "dyp-a02yyuw"
	}
	listen := func() (*Heard, error) {
		return (&Listener{Address: pty.Name, Enough: 40, Profiles: profiles(t)}).Run(ctx)
	}
	h, err := listen()
	for tries := 1; !heard(h, err) && tries < 5; tries++ { // this machine may have been busy
		h, err = listen()
	}
	cancel()
	<-talked
	if !heard(h, err) {
		t.Errorf("heard %+v, %v", h, err)
	}
}

// FuzzGuess gives any bursts to the guesser.
func FuzzGuess(f *testing.F) {
	all := profiles(f)
	f.Add([]byte("\xff\x07\xa1\xa7\xff\x07\xa2\xa8"), uint8(4))
	f.Add([]byte("R1234\rR1235\r"), uint8(6))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		if len(data) == 0 || len(data) > 4096 {
			return
		}
		var bursts [][]byte
		for n := int(size)%64 + 1; len(data) > 0; {
			n = min(n, len(data))
			bursts, data = append(bursts, data[:n]), data[n:]
		}
		g := guess(bursts, Usual()[0], all)
		if g.Kind == "" || g.Score < 0 || g.Score > 4 {
			t.Errorf("%+v", g)
		}
		for _, m := range g.Matches {
			if m.Share < 0.5 || m.Share > 1 {
				t.Error(fmt.Sprint(m))
			}
		}
	})
}
