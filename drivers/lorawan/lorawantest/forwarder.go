// Package lorawantest simulates LoRaWAN devices and the packet forwarders that hear
// them, with their faults.
package lorawantest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"sentrybox/drivers/lorawan"
)

// Device is a simulated device. Its methods may be called from several goroutines.
type Device struct {
	Addr             lorawan.DevAddr
	NwkSKey, AppSKey lorawan.Key

	mu      sync.Mutex
	counter uint32 // guarded by mu: of the next uplink
}

// Begin sets the counter of the next uplink.
func (d *Device) Begin(counter uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counter = counter
}

// Uplink makes the next packet of the device.
func (d *Device) Uplink(confirmed bool, port int, payload []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := lorawan.Uplink(d.NwkSKey, d.AppSKey, d.Addr, d.counter, confirmed, port, payload)
	d.counter++
	return b
}

// Forwarder is a packet forwarder. Set the fields, then call Start.
type Forwarder struct {
	EUI    lorawan.EUI
	Server string // host:port
	// Base64 writes packets as some forwarders do; the standard's way if nil.
	Base64 func([]byte) string
	// Downlink gets each PULL_RESP's JSON, in a goroutine of the forwarder; nil for none.
	Downlink func(json.RawMessage)
	// TxError is what it answers to a downlink, for instance TOO_LATE.
	TxError string
	// Keepalive is the time between two PULL_DATA; 5 s if 0.
	Keepalive time.Duration

	conn   *net.UDPConn
	cancel context.CancelFunc
	wg     sync.WaitGroup
	begun  time.Time

	mu    sync.Mutex
	acked map[uint16]chan struct{} // guarded by mu
}

// Packet is how a packet was heard.
type Packet struct {
	Data []byte
	RSSI float64 // dBm; -80 if 0
	SNR  float64
	Freq float64 // MHz; 868.1 if 0
	Stat int     // of the CRC; 1 if 0, and -1 for a wrong one
}

// Start begins to call the server.
func (f *Forwarder) Start() error {
	to, err := net.ResolveUDPAddr("udp", f.Server)
	if err != nil {
		return err
	}
	if f.conn, err = net.DialUDP("udp", nil, to); err != nil {
		return err
	}
	if f.Keepalive == 0 {
		f.Keepalive = 5 * time.Second
	}
	f.acked, f.begun = map[uint16]chan struct{}{}, time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	f.wg.Go(f.receive)
	f.wg.Go(func() {
		tick := time.NewTicker(f.Keepalive)
		defer tick.Stop()
		for {
			_ = f.call(2, nil, nil)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return nil
}

// Close ends it.
func (f *Forwarder) Close() error {
	f.cancel()
	err := f.conn.Close()
	f.wg.Wait()
	return err
}

// call sends a datagram, and waits for its answer if acked is not nil.
func (f *Forwarder) call(kind byte, body []byte, acked chan struct{}) error {
	token := uint16(rand.Uint32())
	if acked != nil {
		f.mu.Lock()
		f.acked[token] = acked
		f.mu.Unlock()
		defer func() {
			f.mu.Lock()
			delete(f.acked, token)
			f.mu.Unlock()
		}()
	}
	b := binary.BigEndian.AppendUint16([]byte{2}, token)
	b = append(append(append(b, kind), f.EUI[:]...), body...)
	if _, err := f.conn.Write(b); err != nil && errors.Is(err, net.ErrClosed) || acked == nil {
		return err
	}
	select {
	case <-acked:
		return nil
	case <-time.After(time.Second):
		return errors.New("no answer from the server")
	}
}

// Push sends packets as one PUSH_DATA, again and again until it is confirmed or
// ctx ends.
func (f *Forwarder) Push(ctx context.Context, packets ...Packet) error {
	body, err := f.Body(packets...)
	if err != nil {
		return err
	}
	for {
		if err = f.call(0, body, make(chan struct{}, 1)); err == nil || errors.Is(err, net.ErrClosed) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("push: %w: %w", ctx.Err(), err)
		}
	}
}

// Send sends one datagram as it is, and waits for nothing: for rubbish.
func (f *Forwarder) Send(b []byte) error {
	_, err := f.conn.Write(b)
	return err
}

// Body returns the JSON of a PUSH_DATA.
func (f *Forwarder) Body(packets ...Packet) ([]byte, error) {
	type m = map[string]any
	encode := f.Base64
	if encode == nil {
		encode = base64.StdEncoding.EncodeToString
	}
	var all []m
	for _, p := range packets {
		if p.RSSI == 0 {
			p.RSSI = -80
		}
		if p.Freq == 0 {
			p.Freq = 868.1
		}
		if p.Stat == 0 {
			p.Stat = 1
		}
		all = append(all, m{
			"tmst": uint32(time.Since(f.begun).Microseconds()), "chan": 2, "rfch": 0, "freq": p.Freq, "stat": p.Stat, "modu": "LORA",
			"datr": "SF7BW125", "codr": "4/5", "rssi": p.RSSI, "lsnr": p.SNR, "size": len(p.Data), "data": encode(p.Data),
		})
	}
	return json.Marshal(m{"rxpk": all, "stat": m{"time": time.Now().UTC().Format("2006-01-02 15:04:05 GMT"), "rxnb": len(all), "rxok": len(all), "ackr": 100.0}})
}

func (f *Forwarder) receive() {
	buf := make([]byte, 65535)
	for {
		n, err := f.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // nobody listens there at the moment
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if n < 4 || buf[0] != 2 {
			continue
		}
		token := binary.BigEndian.Uint16(buf[1:])
		switch buf[3] {
		case 1:
			f.mu.Lock()
			if c := f.acked[token]; c != nil {
				select {
				case c <- struct{}{}:
				default:
				}
			}
			f.mu.Unlock()
		case 3:
			reason := f.TxError
			if reason == "" {
				reason = "NONE"
			}
			ack := append(append([]byte{2, buf[1], buf[2], 5}, f.EUI[:]...), fmt.Sprintf(`{"txpk_ack":{"error":%q}}`, reason)...)
			_, _ = f.conn.Write(ack)
			if f.Downlink != nil {
				f.Downlink(json.RawMessage(append([]byte(nil), buf[4:n]...)))
			}
		}
	}
}
