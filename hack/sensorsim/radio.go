package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"sentrybox/drivers/chirpstack/chirpstacktest"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/loratest"
	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/lorawan/lorawantest"
	"sentrybox/drivers/port/porttest"
)

// says is what a radio device sends, and how often.
type says struct {
	Payload string        `default:"0100" help:"What it says, in hexadecimal."`
	Every   time.Duration `default:"10s" help:"Interval; 0 for only what is pressed."`
}

type moduleCmd struct {
	Port   string `arg:"" help:"Name of the port: a link that is made."`
	Device uint32 `default:"7" help:"The sensor's number."`
	Key    string `required:"" help:"Its key, in hexadecimal: 16 bytes or more."`
	Begin  uint32 `help:"Its first counter; of the time if 0, so that it grows from run to run."`
	says
}

type forwarderCmd struct {
	Server string `arg:"" help:"Where the gateway listens: host:port."`
	EUI    string `default:"aa555a0000000101" help:"The packet forwarder's."`
	Addr   string `default:"26011f42" help:"The device's address."`
	NwkKey string `required:"" help:"Its NwkSKey, in hexadecimal."`
	AppKey string `required:"" help:"Its AppSKey, in hexadecimal."`
	FPort  int    `default:"2" help:"FPort of what it says."`
	Begin  uint32 `help:"Its first counter."`
	says
}

type chirpstackCmd struct {
	Broker   string `arg:"" help:"Where ChirpStack publishes: tcp://host:port."`
	Username string `help:"At the broker."`
	Password string `env:"SENSORSIM_PASSWORD" help:"At the broker."`
	EUI      string `default:"24e124136b502217" help:"The device's."`
	FPort    int    `default:"85" help:"FPort of what it says."`
	says
}

// air is a device that something hears.
type air struct {
	says
	// packet makes its next packet; hear has it heard. forged is by somebody else.
	packet func(payload []byte, event, forged bool) ([]byte, error)
	hear   func(packet []byte) error
	// faults are its own, beside those that all have.
	faults map[string]func()
	work   func(ctx context.Context) // nil if it needs none
	end    func()

	mu   sync.Mutex
	last []byte // guarded by mu
}

func (a *air) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer a.end()
	payload, err := hex.DecodeString(a.Payload)
	if err != nil {
		return fmt.Errorf("payload %q: want hexadecimal digits", a.Payload)
	}
	if a.work != nil {
		wg.Go(func() { a.work(ctx) })
	}
	var tick <-chan time.Time
	if a.Every > 0 {
		t := time.NewTicker(a.Every)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
			if err := a.say(payload, false, false); err != nil && ctx.Err() == nil {
				fmt.Println("error:", err)
			}
		}
	}
}

func (a *air) say(payload []byte, event, forged bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	b, err := a.packet(payload, event, forged)
	if err != nil {
		return err
	}
	if !forged {
		a.last = b
	}
	return a.hear(b)
}

// press has the device say that something has happened.
func (a *air) press(words []string) error {
	digits := a.Payload
	if len(words) > 0 {
		digits = words[0]
	}
	payload, err := hex.DecodeString(digits)
	if err != nil {
		return fmt.Errorf("press %q: want hexadecimal digits", digits)
	}
	return a.say(payload, true, false)
}

func (a *air) fault(words []string) error {
	if len(words) != 1 {
		return errors.New("fault: want one")
	}
	if f := a.faults[words[0]]; f != nil {
		f()
		return nil
	}
	a.mu.Lock()
	last := append([]byte(nil), a.last...)
	a.mu.Unlock()
	switch words[0] {
	case "forged":
		return a.say([]byte{1}, true, true)
	case "replay":
	case "damaged":
		if len(last) > 0 {
			last[rand.IntN(len(last))] ^= 1 << rand.IntN(8)
		}
	default:
		return fmt.Errorf("fault %q: want replay, damaged or forged, or for a module dead, alive or restart", words[0])
	}
	if len(last) == 0 {
		return errors.New("it has said nothing yet")
	}
	return a.hear(last)
}

// newModule is an E22, E32 or RAK3172 that hears a sensor with a frame of package lora.
func newModule(pty *porttest.PTY, kind string, c moduleCmd) (device, error) {
	key, err := hex.DecodeString(c.Key)
	if err != nil || len(key) < lora.MinKey {
		return nil, fmt.Errorf("key: want %d bytes or more, in hexadecimal", lora.MinKey)
	}
	counter := c.Begin
	if counter == 0 {
		counter = uint32(time.Now().Unix())
	}
	a := &air{says: c.says, end: func() { _ = pty.Close() }}
	a.packet = func(payload []byte, event, forged bool) ([]byte, error) {
		f := lora.Frame{Device: c.Device, Counter: counter, Event: event, Payload: payload}
		k := key
		if forged {
			k = make([]byte, lora.MinKey)
		} else {
			counter++
		}
		if kind == "rak3172" {
			return f.Append(nil, k)
		}
		return f.AppendLine(nil, k)
	}
	deaf := errors.New("the module did not hear it: it is dead, unplugged, or being configured")
	if kind == "rak3172" {
		m := &loratest.RAK{Line: pty, Mode: 1}
		a.work = m.Run
		a.faults = map[string]func(){"dead": func() { m.Die(true) }, "alive": func() { m.Die(false) }, "restart": func() { m.Restart(false) }}
		a.hear = func(b []byte) error {
			if !m.Hear(b, -90, 6) {
				return deaf
			}
			return nil
		}
		return a, nil
	}
	m := &loratest.Ebyte{Line: pty, E32: kind == "e32", Software: true}
	a.work = m.Run
	a.faults = map[string]func(){"dead": func() { m.Die(true) }, "alive": func() { m.Die(false) }}
	a.hear = func(b []byte) error {
		if !m.Hear(b, 0xb0) {
			return deaf
		}
		return nil
	}
	return a, nil
}

// newForwarder is a packet forwarder that hears a LoRaWAN device.
func newForwarder(c forwarderCmd) (device, error) {
	addr, err := hex.DecodeString(c.Addr)
	eui, err1 := hex.DecodeString(c.EUI)
	nwk, err2 := hex.DecodeString(c.NwkKey)
	app, err3 := hex.DecodeString(c.AppKey)
	if err := errors.Join(err, err1, err2, err3); err != nil || len(addr) != 4 || len(eui) != 8 || len(nwk) != 16 || len(app) != 16 {
		return nil, errors.New("want an address of 4 bytes, an EUI of 8 and keys of 16, in hexadecimal")
	}
	number := uint32(addr[0])<<24 | uint32(addr[1])<<16 | uint32(addr[2])<<8 | uint32(addr[3])
	d := &lorawantest.Device{Addr: lorawan.DevAddr(number), NwkSKey: lorawan.Key(nwk), AppSKey: lorawan.Key(app)}
	d.Begin(c.Begin)
	stranger := &lorawantest.Device{Addr: d.Addr}
	f := &lorawantest.Forwarder{EUI: lorawan.EUI(eui), Server: c.Server}
	if err := f.Start(); err != nil {
		return nil, err
	}
	return &air{
		says: c.says, end: func() { _ = f.Close() },
		packet: func(payload []byte, event, forged bool) ([]byte, error) {
			if forged {
				return stranger.Uplink(event, c.FPort, payload), nil
			}
			return d.Uplink(event, c.FPort, payload), nil // what happens is confirmed
		},
		hear: func(b []byte) error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			return f.Push(ctx, lorawantest.Packet{Data: b, SNR: 5})
		},
	}, nil
}

// newChirpStack is a ChirpStack that hears a LoRaWAN device.
func newChirpStack(c chirpstackCmd) (device, error) {
	opt := paho.NewClientOptions().AddBroker(c.Broker).SetClientID(fmt.Sprintf("sensorsim-%x", rand.Uint64())).
		SetUsername(c.Username).SetPassword(c.Password).SetAutoReconnect(false).SetConnectTimeout(5 * time.Second)
	client := paho.NewClient(opt)
	var topic string
	var event []byte
	p := &chirpstacktest.Publisher{EUI: c.EUI, Publish: func(t string, b []byte) error { topic, event = t, b; return nil }}
	return &air{
		says: c.says, end: func() { client.Disconnect(100) },
		packet: func(payload []byte, _, forged bool) ([]byte, error) {
			up := p.Uplink(c.FPort, payload, nil, chirpstacktest.Reception{Gateway: "0016c001f153a14c", RSSI: -70, SNR: 8})
			if forged {
				up["deviceInfo"] = map[string]string{"devEui": "ffffffffffffffff"}
			}
			err := p.Event("up", up)
			return event, err
		},
		hear: func(b []byte) error {
			if !client.IsConnectionOpen() {
				token := client.Connect()
				if <-token.Done(); token.Error() != nil {
					return token.Error()
				}
			}
			token := client.Publish(topic, 1, false, b)
			if !token.WaitTimeout(5 * time.Second) {
				return errors.New("the broker does not answer")
			}
			return token.Error()
		},
	}, nil
}
