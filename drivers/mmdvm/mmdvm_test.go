package mmdvm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/call/calltest"
	"sentrybox/drivers/subscribe"
	"sentrybox/drivers/subscribe/brokertest"
)

// dmr is a message as MMDVMHost writes it.
func dmr(rest string) []byte {
	return []byte(`{"DMR":{"timestamp":"2026-11-27T10:00:00.000Z","slot":2,` + rest + `}}`)
}

const who = `"source":"rf","source_id":4600101,"source_info":"4600101","destination_id":9,"destination_type":"group"`

// messages have each what MMDVMHost publishes.
var messages = []string{
	`{"MMDVM":{"timestamp":"2026-11-27T10:00:00.000Z","mode":"idle"}}`,
	string(dmr(`"action":"start",` + who)),
	`{"Text":{"timestamp":"x","mode":"DMR","slot":2,"value":"Wang"}}`,
	`{"RSSI":{"timestamp":"x","mode":"DMR","slot":2,"value":-80}}`,
	string(dmr(`"action":"end","duration":3.2,"ber":0.1,"rssi":{"min":-90,"max":-70,"ave":-80}`)),
	string(dmr(`"action":"csbk","csbk_desc":"Call Emergency",` + who)),
	string(dmr(`"action":"csbk","csbk_desc":"Call Alert","source":"rf","source_id":4600101,"destination_id":4600102,"destination_type":"individual"`)),
	string(dmr(`"action":"csbk","csbk_desc":"Radio Check",` + who)),
	string(dmr(`"action":"csbk","csbk_desc":"Preamble",` + who)),
	string(dmr(`"action":"csbk","csbk_desc":"Call Emergency",` + strings.Replace(who, "rf", "network", 1))),
	string(dmr(`"action":"start",` + strings.Replace(who, "rf", "network", 1))),
	string(dmr(`"action":"end","duration":3.2,"loss":0,"ber":0`)),
	string(dmr(`"action":"start","frames":12,` + who)),
	string(dmr(`"action":"end"`)),
	string(dmr(`"action":"late_entry",` + who)),
	string(dmr(`"action":"lost","duration":3.2,"ber":0.1`)),
	string(dmr(`"action":"rejected",` + who)),
	string(dmr(`"action":"csbk","csbk_desc":"Call Emergency",` + whoOld)),
	string(dmr(`"action":"csbk","csbk_desc":"Call Alert",` + strings.Replace(whoOld, "yes", "no", 1))),
}

// whoOld is who as other releases write it.
const whoOld = `"source":"rf","src_id":4600103,"src_info":"4600103","dst_id":9,"group":"yes"`

func words(e call.Event) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s→%s %v %v %s", e.Kind, e.From, e.To, e.Private, e.Lost || e.Active, e.Text))
}

func TestMessages(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	emit := func(e call.Event) {
		if err := e.Check(); err != nil {
			t.Errorf("%v in %+v", err, e)
		}
		if e.Channel != "2" || e.Station != station {
			t.Errorf("%+v", e)
		}
		said = append(said, words(e))
	}
	now := time.Now()
	for _, m := range messages {
		s.take([]byte(m), now, emit)
	}
	want := []string{
		"begin 4600101→9 false false", "text 4600101→9 false false Wang", "end 4600101→9 false false", "emergency 4600101→9 false true",
		"page 4600101→4600102 true false", "check 4600101→9 false false", "begin 4600101→9 false false", "end 4600101→9 false true",
		"emergency 4600103→9 false true", "page 4600103→9 true false",
	}
	if !slices.Equal(said, want) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if c := s.State().Counts; c.Rejected != 0 {
		t.Errorf("%+v", c)
	}
	// A call of which the end got lost is over with the next, or after a while.
	said = nil
	s.take(dmr(`"action":"start",`+who), now, emit)
	s.take(dmr(`"action":"start",`+who), now, emit)
	s.take([]byte(messages[0]), now.Add(lostAfter), emit)
	if len(said) != 4 || said[1] != "end 4600101→9 false true" || said[3] != said[1] {
		t.Errorf("heard %q", said)
	}
}

func TestNonsense(t *testing.T) {
	s, _ := New(Config{})
	bad := []string{"", "{}", "[]", `{"DMR":1}`, `{"DMR":{"slot":3,"action":"end"}}`, `{"DMR":{"slot":1}}`, `{"DMR":{"slot":1,"action":"end"},"Text":{}}`,
		`{"DMR":{"slot":1,"action":"csbk","csbk_desc":"Call Emergency","source":"rf","source_id":-1}}`, `{"Text":3}`,
		`{"DMR":{"slot":1,"action":"start","source":"rf","source_id":99999999}}`, `{"a":"` + strings.Repeat("x", maxPayload) + `"}`}
	for _, m := range bad {
		s.take([]byte(m), time.Now(), func(e call.Event) { t.Errorf("%s: %+v", m, e) })
	}
	if c := s.State().Counts; int(c.Rejected) != len(bad) {
		t.Errorf("%d of %d are rejected", c.Rejected, len(bad))
	}
}

func TestConform(t *testing.T) {
	calltest.Conform(t, func(t *testing.T) calltest.Rig {
		b := &brokertest.Broker{User: "sentrybox", Password: "secret"}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		must(b.Start())
		t.Cleanup(func() { must(b.Stop()) })
		s, err := New(Config{Name: "mmdvm", Broker: &subscribe.Broker{URL: b.URL(), Username: "sentrybox", Password: "secret"}})
		if err != nil {
			t.Fatal(err)
		}
		return calltest.Rig{
			Source: s,
			Say: func() {
				must(b.Publish("mmdvm/json", dmr(`"action":"start",`+who), false))
				must(b.Publish("mmdvm/json", dmr(`"action":"end"`), false))
			},
			Valid:  func(e call.Event) bool { return e.From == "4600101" },
			Noise:  func(n []byte) { must(b.Publish("mmdvm/json", n, false)) },
			Unplug: func() { must(b.Stop()) },
			Replug: func() { must(b.Start()) },
		}
	})
}

// What the caller hands over is heard too, and a retained message never is.
func TestTake(t *testing.T) {
	s, _ := New(Config{})
	ctx, stop := context.WithCancel(t.Context())
	heard, ended := make(chan call.Event, 1), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(e call.Event) { heard <- e }) }()
	s.Take(dmr(`"action":"csbk","csbk_desc":"Call Emergency",` + who))
	if e := <-heard; e.Kind != call.Emergency || e.From != "4600101" {
		t.Errorf("%+v", e)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for range 2 * waiting {
		s.Take(nil)
	}
	if c := s.State().Counts; c.Discarded != waiting {
		t.Errorf("%+v", c)
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range messages {
		f.Add([]byte(m))
	}
	s, _ := New(Config{})
	f.Fuzz(func(t *testing.T, p []byte) {
		s.take(p, time.Now(), func(e call.Event) {
			if err := e.Check(); err != nil {
				t.Errorf("%v in %+v", err, e)
			}
		})
	})
}
