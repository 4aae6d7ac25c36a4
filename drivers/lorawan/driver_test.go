package lorawan_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/lorawan/lorawantest"
	"sentrybox/drivers/replay"
)

const addr = lorawan.DevAddr(0x26011f42)

func device() *lorawantest.Device {
	return &lorawantest.Device{Addr: addr, NwkSKey: lorawan.Key{1, 2, 3}, AppSKey: lorawan.Key{4, 5, 6}}
}

func config(d *lorawantest.Device) lorawan.Config {
	return lorawan.Config{Listen: "127.0.0.1:0", Devices: []lorawan.Device{{ID: "a84041000181c061", Addr: d.Addr, NwkSKey: d.NwkSKey, AppSKey: d.AppSKey}}}
}

// running is a driver that runs, with a forwarder that calls it.
type running struct {
	*lorawan.Driver
	t        *testing.T
	messages chan driver.Message
}

func start(t *testing.T, cfg lorawan.Config) *running {
	t.Helper()
	d, err := lorawan.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Driver: d, t: t, messages: make(chan driver.Message, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, func(m driver.Message) { r.messages <- m }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for d.Addr() == nil {
		select {
		case err := <-ended:
			ended <- err
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	return r
}

func (r *running) forwarder(eui byte) *lorawantest.Forwarder {
	r.t.Helper()
	f := &lorawantest.Forwarder{EUI: lorawan.EUI{0xaa, eui}, Server: r.Addr().String(), Keepalive: 50 * time.Millisecond}
	if err := f.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = f.Close() })
	return f
}

func (r *running) push(f *lorawantest.Forwarder, p ...lorawantest.Packet) {
	r.t.Helper()
	if err := f.Push(r.t.Context(), p...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) next() driver.Message {
	r.t.Helper()
	select {
	case m := <-r.messages:
		return m
	case <-time.After(time.Minute):
		r.t.Fatal("no message")
		return driver.Message{}
	}
}

// none says that nothing but what was read is there: a marker comes next.
func (r *running) none(f *lorawantest.Forwarder, d *lorawantest.Device) {
	r.t.Helper()
	r.push(f, lorawantest.Packet{Data: d.Uplink(false, 9, []byte("marker"))})
	if m := r.next(); string(m.Data) != "marker" {
		r.t.Errorf("%+v was taken", m)
	}
}

func TestConform(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		dev := device()
		d, err := lorawan.New(config(dev))
		if err != nil {
			t.Fatal(err)
		}
		to := func(b []byte) {
			if a := d.Addr(); a != nil {
				if c, err := net.Dial("udp", a.String()); err == nil {
					_, _ = c.Write(b)
					c.Close()
				}
			}
		}
		var f lorawantest.Forwarder
		return drivertest.Rig{
			Driver: d,
			Say: func() {
				body, err := f.Body(lorawantest.Packet{Data: dev.Uplink(false, 2, []byte("smoke"))})
				if err != nil {
					t.Error(err)
				}
				to(append([]byte{2, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8}, body...))
			},
			Valid: func(m driver.Message) bool {
				return m.Device == "a84041000181c061" && m.Port == 2 && string(m.Data) == "smoke" && *m.RSSI == -80
			},
			Noise: to,
		}
	})
}

func TestUplinks(t *testing.T) {
	dev, store := device(), &replay.Memory{}
	cfg := config(dev)
	cfg.Counters = store
	r := start(t, cfg)
	a, b := r.forwarder(1), r.forwarder(2)
	a.Base64 = base64.RawURLEncoding.EncodeToString

	first := dev.Uplink(false, 85, []byte{1, 0xff, 0xfb})
	r.push(a, lorawantest.Packet{Data: first, RSSI: -101.5, SNR: -7.25})
	r.push(b, lorawantest.Packet{Data: first, RSSI: -60})
	m := r.next()
	if m.Port != 85 || !bytes.Equal(m.Data, []byte{1, 0xff, 0xfb}) || *m.Counter != 0 || *m.RSSI != -101.5 || *m.SNR != -7.25 {
		t.Errorf("%+v", m)
	}
	r.none(a, dev)

	bad := dev.Uplink(false, 1, []byte("x"))
	r.push(a, lorawantest.Packet{Data: bad, Stat: -1})
	bad[10] ^= 1
	r.push(a, lorawantest.Packet{Data: bad}) // the MIC
	other := &lorawantest.Device{Addr: addr, NwkSKey: lorawan.Key{9}, AppSKey: dev.AppSKey}
	r.push(a, lorawantest.Packet{Data: other.Uplink(false, 1, []byte("forged"))})
	r.push(a, lorawantest.Packet{Data: first}, lorawantest.Packet{Data: []byte("rubbish, but long enough")}, lorawantest.Packet{Data: dev.Uplink(false, 0, []byte{2})})
	r.none(a, dev)
	// One malformed packet costs no other.
	ok := dev.Uplink(false, 1, []byte("beside"))
	body := fmt.Sprintf(`{"rxpk":[{"tmst":"x"},7,{"stat":1,"data":"%s"},{"stat":1,"data":"!"}]}`, base64.StdEncoding.EncodeToString(ok))
	if err := a.Send(append([]byte{2, 0, 0, 0, 0xaa, 1, 0, 0, 0, 0, 0, 0}, body...)); err != nil {
		t.Fatal(err)
	}
	if m := r.next(); string(m.Data) != "beside" || m.RSSI != nil || m.SNR != nil {
		t.Errorf("%+v", m)
	}
	s := r.State()
	for end := time.Now().Add(time.Minute); s.Counts.Messages < 4 && time.Now().Before(end); s = r.State() {
		time.Sleep(5 * time.Millisecond) // it is counted once it has been taken
	}
	if s.Phase != driver.Online || s.Devices["a84041000181c061"].Phase != driver.Online || s.Counts.Messages != 4 || s.Counts.Rejected == 0 || s.Counts.Discarded < 2 {
		t.Errorf("%+v", s)
	}
	gws := r.Gateways()
	if len(gws) != 2 || gws[0].EUI != a.EUI || gws[0].Status.AckRatio != 100 || !gws[0].Pull.IsValid() {
		t.Errorf("gateways %+v", gws)
	}
	if err := r.Halt(); err != nil {
		t.Error(err)
	}
	// After a restart what was heard before is old.
	r = start(t, cfg)
	f := r.forwarder(1)
	r.push(f, lorawantest.Packet{Data: first}, lorawantest.Packet{Data: ok})
	r.none(f, dev)
}

func TestAllowedGateways(t *testing.T) {
	dev := device()
	cfg := config(dev)
	cfg.Gateways = []string{"AA-02-00-00-00-00-00-00"}
	r := start(t, cfg)
	stranger, ours := r.forwarder(1), r.forwarder(2)
	body, _ := stranger.Body(lorawantest.Packet{Data: dev.Uplink(false, 1, []byte("by a stranger"))})
	if err := stranger.Send(append([]byte{2, 0, 0, 0, 0xaa, 1, 0, 0, 0, 0, 0, 0}, body...)); err != nil {
		t.Fatal(err)
	}
	r.none(ours, dev)
	if len(r.Gateways()) != 1 {
		t.Errorf("%+v", r.Gateways())
	}
}

// TestFlood has a gateway that sends rubbish as fast as it can.
func TestFlood(t *testing.T) {
	dev := device()
	r := start(t, config(dev))
	f := r.forwarder(1)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		junk := append([]byte{2, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0, 0, 0}, strings.Repeat(`{"rxpk":[`, 100)...)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			binary.BigEndian.PutUint32(junk[5:], uint32(n)) // another gateway each time
			_ = f.Send(junk)
		}
	})
	for range 4 {
		r.none(f, dev)
	}
	close(stop)
	wg.Wait()
	if n := len(r.Gateways()); n > 256 {
		t.Errorf("%d gateways are remembered", n)
	}
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		plan     lorawan.Plan
		up, down float64
	}{{lorawan.SameChannel, 868.1, 868.1}, {lorawan.CN470, 470.3, 500.3}, {lorawan.CN470, 489.3, 509.7}, {lorawan.CN470, 479.9, 500.3}} {
		dev, store := device(), &replay.Memory{}
		cfg := config(dev)
		cfg.Answer, cfg.Counters = c.plan, store
		r := start(t, cfg)
		downs := make(chan json.RawMessage, 10)
		f := r.forwarder(1)
		_ = f.Close()
		f.Downlink = func(b json.RawMessage) { downs <- b }
		if err := f.Start(); err != nil {
			t.Fatal(err)
		}
		for len(r.Gateways()) == 0 || !r.Gateways()[0].Pull.IsValid() {
			time.Sleep(time.Millisecond)
		}
		r.push(f, lorawantest.Packet{Data: dev.Uplink(false, 1, []byte("not confirmed")), Freq: c.up})
		up := dev.Uplink(true, 1, []byte("panic"))
		r.push(f, lorawantest.Packet{Data: up, Freq: c.up})
		var got struct {
			TXPK struct {
				Imme, IPol, NCRC bool
				Tmst             uint32
				Freq             float64
				Powe, Size       int
				Datr, Data       string
			}
		}
		for i := range 2 {
			if i == 1 { // nobody heard the answer: the device says it again
				for len(downs) == 0 {
					r.push(f, lorawantest.Packet{Data: up, Freq: c.up})
					time.Sleep(50 * time.Millisecond)
				}
			}
			if err := json.Unmarshal(<-downs, &got); err != nil {
				t.Fatal(err)
			}
			tx := got.TXPK
			if tx.Imme || !tx.IPol || !tx.NCRC || tx.Freq != c.down || tx.Tmst < 1_000_000 || tx.Powe != 14 || tx.Datr != "SF7BW125" || tx.Size != 12 {
				t.Errorf("%+v", tx)
			}
			// Unconfirmed data down, ACK, counter i, no port.
			b, _ := base64.StdEncoding.DecodeString(tx.Data)
			want := fmt.Sprintf("60421f012620%02x00", i)
			if len(b) != 12 || hex.EncodeToString(b[:8]) != want {
				t.Errorf("%x, want %s…", b, want)
			}
			if !lorawan.ValidDown(dev.NwkSKey, b, uint32(i)) {
				t.Errorf("%x: wrong MIC", b)
			}
		}
		if b, err := store.Load("lorawan-down/a84041000181c061"); err != nil || len(b) != 4 || binary.BigEndian.Uint32(b) < 2 {
			t.Errorf("the counter of downlinks is %x, %v", b, err)
		}
		if m := r.next(); string(m.Data) != "not confirmed" {
			t.Errorf("%+v", m)
		}
		if m := r.next(); string(m.Data) != "panic" {
			t.Errorf("%+v", m)
		}
		r.none(f, dev)
	}
}

func TestConfig(t *testing.T) {
	ok := config(device())
	for name, change := range map[string]func(*lorawan.Config){
		"no port":        func(c *lorawan.Config) { c.Listen = "localhost" },
		"a short EUI":    func(c *lorawan.Config) { c.Gateways = []string{"0102"} },
		"another plan":   func(c *lorawan.Config) { c.Answer = "us915" },
		"too much power": func(c *lorawan.Config) { c.Power = 40 },
	} {
		cfg := ok
		change(&cfg)
		if _, err := lorawan.New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzDatagram(f *testing.F) {
	dev := device()
	var fw lorawantest.Forwarder
	body, err := fw.Body(lorawantest.Packet{Data: dev.Uplink(true, 2, []byte("smoke"))})
	if err != nil {
		f.Fatal(err)
	}
	head := []byte{2, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	f.Add(append(bytes.Clone(head), body...))
	f.Add(append(bytes.Clone(head), `{"rxpk":[{"tmst":1,"stat":1,"data":"QPF9vkkAAgABlUN4disR/w0="},null],"stat":null}`...))
	f.Add([]byte{2, 0, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(append([]byte{2, 0, 1, 5, 1, 2, 3, 4, 5, 6, 7, 8}, `{"txpk_ack":{"error":"TOO_LATE"}}`...))
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg := config(dev)
		cfg.Answer = lorawan.SameChannel
		d, err := lorawan.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		feed, _ := d.Feed(func(m driver.Message) {
			if string(m.Data) != "smoke" || m.Port != 2 || *m.Counter != 0 {
				t.Errorf("made up: %+v", m)
			}
		})
		feed([]byte{2, 0, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8})
		feed(b)
		feed(b)
	})
}

// BenchmarkPush is a PUSH_DATA with one packet of one device among 500, from the
// datagram to the message.
func BenchmarkPush(b *testing.B) {
	dev := device()
	cfg := config(dev)
	for i := range 499 {
		cfg.Devices = append(cfg.Devices, lorawan.Device{Addr: lorawan.DevAddr(i), NwkSKey: lorawan.Key{7, byte(i), byte(i >> 8)}, AppSKey: lorawan.Key{8}})
	}
	d, err := lorawan.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	got := 0
	feed, _ := d.Feed(func(driver.Message) { got++ })
	var fw lorawantest.Forwarder
	var datagrams [][]byte
	for range 60000 {
		body, err := fw.Body(lorawantest.Packet{Data: dev.Uplink(false, 2, []byte("twelve bytes"))})
		if err != nil {
			b.Fatal(err)
		}
		datagrams = append(datagrams, append([]byte{2, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8}, body...))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		feed(datagrams[i%len(datagrams)])
	}
	if got == 0 {
		b.Fatal("no message")
	}
}
