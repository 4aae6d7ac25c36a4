package lorawan

import (
	"errors"
	"testing"
	"time"

	"sentrybox/drivers/replay"
)

const addr = DevAddr(0x26011f42)

func nwk() Key { return key("44024241ed4ce9a68c6a8bc055233fd3") }
func app() Key { return key("ec925802ae430ca77fd3dd73cb2cc588") }

func uplinkOf(t testing.TB, nwk Key, counter uint32, payload string) *uplink {
	t.Helper()
	u, err := parseUplink(Uplink(nwk, app(), addr, counter, false, 1, []byte(payload)))
	if err != nil {
		t.Fatal(err)
	}
	return &u
}

func TestCounters(t *testing.T) {
	type step struct {
		counter uint32
		after   time.Duration
		want    error
	}
	const soon, late = time.Second, time.Hour
	for _, c := range []struct {
		name  string
		reset bool
		steps []step
	}{
		{"in order", false, []step{{0, late, nil}, {1, late, nil}, {2, late, nil}}},
		{"copies and replays", false, []step{
			{7, late, nil}, {7, soon, errDuplicate}, {7, soon, errDuplicate}, {8, late, nil}, {7, soon, errReplay}, {6, soon, nil}, {6, soon, errReplay},
			{8, late, errReplay},
		}},
		{"over 16 bits", false, []step{
			{0xfff0, late, nil}, {0xffff, late, nil}, {0x10000, late, nil}, {0xfffe, soon, nil}, {0x10001, late, nil}, {0xffff, late, errReplay},
			{0x1fff0, late, nil}, {0x10001, late, errReplay}, {0x20010, late, nil}, {0x1fff1, soon, nil}, {3, late, errUnknown}, {0x10010, late, errReplay},
		}},
		{"first heard late in its life", false, []step{{0x5abcd, late, nil}, {0x5abcc, late, nil}, {0x5abce, late, nil}}},
		{"too late in its life", false, []step{{0x105abcd, late, errUnknown}}},
		{"a gap", false, []step{{1, late, nil}, {60000, late, nil}, {0x10001, late, nil}, {60001, late, errReplay}}},
		{"reset refused", false, []step{{500, late, nil}, {0, late, errReplay}, {501, late, nil}, {0x30000, late, errUnknown}}},
		{"reset allowed", true, []step{{500, late, nil}, {0, late, nil}, {0, soon, errDuplicate}, {1, late, nil}, {500, late, nil}, {2, soon, errReplay}}},
		{"reset within the window", true, []step{{5, late, nil}, {4, soon, nil}, {4, soon, errReplay}, {0, late, nil}, {5, late, nil}}},
		{"reset after many", true, []step{{0xabcde, late, nil}, {3, late, nil}, {4, late, nil}}},
		{"no reset to a high number", true, []step{{50000, late, nil}, {400, late, errReplay}}},
		{"the last number", false, []step{{0xffff0, late, nil}}},
	} {
		store := &replay.Memory{}
		guard := &replay.Guard{Store: store}
		s, err := newSessions([]Device{{Addr: addr, NwkSKey: nwk(), AppSKey: app(), AllowReset: c.reset}}, guard)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1_790_000_000, 0)
		for i, st := range c.steps {
			now = now.Add(st.after)
			d, got, err := s.take(uplinkOf(t, nwk(), st.counter, "x"), now)
			if !errors.Is(err, st.want) || err == nil && (got != st.counter || d.ID != "26011f42") {
				t.Errorf("%s, step %d: counter %x taken as %x, %v; want %v", c.name, i, st.counter, got, err, st.want)
			}
			if err := guard.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		// After a restart nothing of it is new.
		s, err = newSessions([]Device{{Addr: addr, NwkSKey: nwk(), AppSKey: app()}}, &replay.Guard{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		for i, st := range c.steps {
			if _, _, err := s.take(uplinkOf(t, nwk(), st.counter, "x"), now.Add(late)); !c.reset && st.want == nil && err == nil {
				t.Errorf("%s, step %d: played again after a restart, and taken", c.name, i)
			}
		}
	}
}

// TestSharedAddress has two devices with one address, and a stranger.
func TestSharedAddress(t *testing.T) {
	second := nwk()
	second[3] ^= 1
	s, err := newSessions([]Device{{ID: "a", Addr: addr, NwkSKey: nwk(), AppSKey: app()}, {ID: "b", Addr: addr, NwkSKey: second, AppSKey: app()}}, &replay.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	stranger := nwk()
	stranger[0] ^= 1
	now := time.Now()
	for i, c := range []struct {
		key  Key
		n    uint32
		id   string
		want error
	}{{nwk(), 5, "a", nil}, {second, 5, "b", nil}, {second, 5, "b", errDuplicate}, {stranger, 6, "", errUnknown}, {second, 6, "b", nil}, {nwk(), 6, "a", nil}} {
		d, _, err := s.take(uplinkOf(t, c.key, c.n, "x"), now)
		if !errors.Is(err, c.want) || d != nil && d.ID != c.id || d == nil && c.id != "" {
			t.Errorf("%d: from %v, %v", i, d, err)
		}
	}
	for _, devices := range [][]Device{
		{{Addr: addr, NwkSKey: nwk()}}, {{Addr: addr, AppSKey: nwk()}},
		{{ID: "a", Addr: addr, NwkSKey: nwk(), AppSKey: app()}, {ID: "a", Addr: 5, NwkSKey: nwk(), AppSKey: app()}},
	} {
		if _, err := newSessions(devices, nil); err == nil {
			t.Errorf("%v is taken", devices)
		}
	}
}

func TestStoreThatFails(t *testing.T) {
	store := &replay.Memory{}
	s, err := newSessions([]Device{{Addr: addr, NwkSKey: nwk(), AppSKey: app()}}, &replay.Guard{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	store.Fail(true)
	if _, _, err := s.take(uplinkOf(t, nwk(), 1, "x"), time.Now()); err == nil || errors.Is(err, errUnknown) {
		t.Errorf("%v", err)
	}
	store.Fail(false)
	if _, _, err := s.take(uplinkOf(t, nwk(), 1, "x"), time.Now()); err != nil {
		t.Errorf("%v", err)
	}
}
