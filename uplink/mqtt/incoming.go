package mqtt

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// incomingQueue is how many messages wait for their handler. A duty room that
// answers every alert of a bad night at once is to lose nothing by a slow disk.
const incomingQueue = 1024

// message is an incoming message, with its topic relative to the prefix.
type message struct {
	topic   string
	payload []byte
}

// inbox takes messages from paho without ever blocking it, and hands them to
// the handlers one at a time.
type inbox struct {
	prefix  string // with its slash
	subs    []Subscription
	log     *slog.Logger
	queue   chan message
	dropped atomic.Uint64

	echo  []echo         // what we send to ourselves, by subscription
	heard []atomic.Int64 // when it last came back, in Unix nanoseconds
}

func newInbox(cfg Config) *inbox {
	return &inbox{prefix: cfg.Prefix + "/", subs: cfg.Subscriptions, log: cfg.Log, queue: make(chan message, incomingQueue),
		echo: newEchoes(cfg.Subscriptions), heard: make([]atomic.Int64, len(cfg.Subscriptions))}
}

// take is paho's handler.
func (in *inbox) take(_ paho.Client, m paho.Message) {
	topic, ok := strings.CutPrefix(m.Topic(), in.prefix)
	if !ok {
		in.dropped.Add(1)
		return
	}
	if in.echoed(topic) {
		return
	}
	select {
	case in.queue <- message{topic, m.Payload()}:
	default:
		in.dropped.Add(1)
	}
}

// run calls the handlers until ctx ends.
func (in *inbox) run(ctx context.Context) {
	report := time.NewTicker(time.Minute)
	defer report.Stop()
	var reported uint64
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-in.queue:
			in.handle(ctx, m)
		case <-report.C:
			if n := in.dropped.Load(); n > reported {
				in.log.Warn("incoming messages dropped", "count", n-reported)
				reported = n
			}
		}
	}
}

func (in *inbox) handle(ctx context.Context, m message) {
	var found bool
	for _, s := range in.subs {
		if matches(s.Filter, m.topic) {
			found = true
			s.Handle(ctx, m.topic, m.payload)
		}
	}
	if !found {
		in.dropped.Add(1)
	}
}
