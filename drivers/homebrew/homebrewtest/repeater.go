// Package homebrewtest is a simulated DMR repeater: it logs in to a master and sends it calls. Tests, the
// demo and hack/radiosim use it.
package homebrewtest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"sentrybox/drivers/dmr"
	"sentrybox/drivers/homebrew"
)

// ErrRefused is a master that does not take the repeater.
var ErrRefused = errors.New("the master refuses the repeater")

// PingEvery is how often a repeater shows that it is there.
const PingEvery = 10 * time.Second

// Repeater is a repeater that is logged in. Its methods may be called by several goroutines.
type Repeater struct {
	ID    uint32
	Color byte
	conn  net.Conn
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu    sync.Mutex
	seq   byte     // guarded by mu
	words []string // guarded by mu: what the master has said since the login
}

// Login logs in to the master at addr (host:port). It fails with ErrRefused if the master says no.
func Login(ctx context.Context, addr string, id uint32, password string) (*Repeater, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	r := &Repeater{ID: id, Color: 1, conn: conn}
	if err := r.login(ctx, password); err != nil {
		_ = conn.Close()
		return nil, err
	}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.wg.Go(r.listen)
	r.wg.Go(func() { r.ping(ctx) })
	return r, nil
}

func (r *Repeater) login(ctx context.Context, password string) error {
	id := binary.BigEndian.AppendUint32(nil, r.ID)
	salt, err := r.ask(ctx, append([]byte("RPTL"), id...))
	if err != nil {
		return err
	}
	key := sha256.Sum256(append(salt, password...))
	if _, err = r.ask(ctx, append(append([]byte("RPTK"), id...), key[:]...)); err != nil {
		return err
	}
	_, err = r.ask(ctx, r.describe())
	return err
}

// describe is the configuration, of 302 bytes.
func (r *Repeater) describe() []byte {
	b := binary.BigEndian.AppendUint32([]byte("RPTC"), r.ID)
	return fmt.Appendf(b, "%-8.8s%09d%09d%02d%02d%8.8s%9.9s%03d%-20.20s%-19.19s%c%-124.124s%-40.40s%-40.40s",
		"SIM", 435000000, 435000000, 1, r.Color, "30.5000", "114.3000", 10, "simulator", "radiosim", '3', "", "radiosim", "radiosim")
}

// ask sends a packet until it is answered, and returns what stands behind RPTACK.
func (r *Repeater) ask(ctx context.Context, packet []byte) ([]byte, error) {
	buf := make([]byte, 64)
	for range 10 {
		if _, err := r.conn.Write(packet); err != nil {
			return nil, err
		}
		_ = r.conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := r.conn.Read(buf)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil: // nobody is there yet
			time.Sleep(20 * time.Millisecond)
		case n >= 6 && string(buf[:6]) == "MSTNAK":
			return nil, ErrRefused
		case n == 10 && string(buf[:6]) == "RPTACK":
			return buf[6:10:10], r.conn.SetReadDeadline(time.Time{})
		}
	}
	return nil, errors.New("the master does not answer")
}

func (r *Repeater) listen() {
	buf := make([]byte, 64)
	for {
		n, err := r.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		r.mu.Lock()
		if len(r.words) < 1000 {
			r.words = append(r.words, string(buf[:max(n-4, 0)]))
		}
		r.mu.Unlock()
	}
}

func (r *Repeater) ping(ctx context.Context) {
	tick := time.NewTicker(PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = r.Raw(binary.BigEndian.AppendUint32([]byte("RPTPING"), r.ID))
		}
	}
}

// Heard returns what the master has said since the login: MSTPONG, MSTNAK, MSTCL.
func (r *Repeater) Heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.words...)
}

// Closed says whether the master has hung up, or does not know the repeater any more.
func (r *Repeater) Closed() bool {
	return slices.ContainsFunc(r.Heard(), func(w string) bool { return w == "MSTCL" || w == "MSTNAK" })
}

// Raw sends a packet as it is.
func (r *Repeater) Raw(packet []byte) error {
	_, err := r.conn.Write(packet)
	return err
}

// Transmission is bursts that belong together.
type Transmission struct {
	Slot     int // 1 or 2
	Src, Dst uint32
	Private  bool
	Bursts   []dmr.Burst
	// Pace is the time between bursts: 60 ms on the air.
	Pace time.Duration
	RSSI int // dBm
}

// Send sends a transmission, and ends with ctx.
func (r *Repeater) Send(ctx context.Context, t Transmission) error {
	stream := rand.Uint32() // it is only to differ
	for i := range t.Bursts {
		r.mu.Lock()
		seq := r.seq
		r.seq++
		r.mu.Unlock()
		f := homebrew.Frame{
			Seq: seq, Src: t.Src, Dst: t.Dst, Repeater: r.ID, Slot: max(t.Slot, 1), Private: t.Private, Stream: stream, Burst: t.Bursts[i], RSSI: t.RSSI,
		}
		if err := r.Raw(f.Append(nil)); err != nil {
			return err
		}
		if t.Pace <= 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(t.Pace):
		}
	}
	return nil
}

// Press sends what a set sends whose emergency key is pressed.
func (r *Repeater) Press(ctx context.Context, slot int, src, dst uint32) error {
	return r.Send(ctx, Transmission{Slot: slot, Src: src, Dst: dst, Bursts: []dmr.Burst{dmr.Control(r.Color, dmr.Alarm, src, dst)}})
}

// Close logs out.
func (r *Repeater) Close() error {
	_ = r.Raw(binary.BigEndian.AppendUint32([]byte("RPTCL"), r.ID))
	return r.Drop()
}

// Drop goes without a word.
func (r *Repeater) Drop() error {
	r.stop()
	err := r.conn.Close()
	r.wg.Wait()
	return err
}
