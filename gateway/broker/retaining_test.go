package broker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// TestRetainWhileSubscribing holds, with the race detector, that messages are retained, by the gateway
// and by clients, while others ask for what is retained, and that nothing is left locked.
func TestRetainWhileSubscribing(t *testing.T) {
	b, err := New(Config{Listen: "127.0.0.1:0", Prefix: "p", Clients: 16, Handle: func(context.Context, string, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for b.Addr() == nil {
		time.Sleep(time.Millisecond)
	}
	client := func(id string) paho.Client {
		c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + b.Addr().String()).SetClientID(id).SetProtocolVersion(4))
		if tok := c.Connect(); !tok.WaitTimeout(patience) || tok.Error() != nil {
			t.Fatal("no connection")
		}
		return c
	}
	const rounds = 40
	var wg, publisher sync.WaitGroup
	var over atomic.Bool
	publisher.Go(func() {
		for i := 0; !over.Load(); i++ {
			if err := b.Publish(fmt.Sprintf("alert/community/%d", i%50), true, []byte("x")); err != nil {
				t.Error(err)
			}
			if err := b.Publish(fmt.Sprintf("alert/community/%d", i%25), true, nil); err != nil {
				t.Error(err)
			}
		}
	})
	for n := range 3 {
		c := client(fmt.Sprintf("c%d", n))
		defer c.Disconnect(0)
		wg.Go(func() {
			for i := range rounds {
				if tok := c.Publish(fmt.Sprintf("p/sensors/s%d-%d", n, i), 1, true, "1"); !tok.WaitTimeout(patience) || tok.Error() != nil {
					t.Error("a client's message is not taken")
					return
				}
				for _, f := range []string{"p/#", "p/alert/+/+"} {
					if tok := c.Subscribe(f, 1, nil); !tok.WaitTimeout(patience) || tok.Error() != nil {
						t.Error("a subscription is not granted")
						return
					}
				}
			}
		})
	}
	wg.Wait()
	over.Store(true)
	publisher.Wait()
	// The last subscription is granted a moment before it is through.
	for end := time.Now().Add(patience); !b.hook.retaining.mu.TryLock(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is left locked")
		}
	}
	b.hook.retaining.mu.Unlock()
}
