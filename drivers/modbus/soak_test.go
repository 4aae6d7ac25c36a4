package modbus_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/modbus/modbustest"
)

// wire is a line that remembers what was asked last and what was heard since.
// It is the truth of TestADayOfFaults: a whole answer that was heard in time must become a reading.
type wire struct {
	*drivertest.Line
	t *testing.T

	mu     sync.Mutex
	asked  time.Time
	answer []byte // to the request, by the unit; nil if it gave none
	heard  []byte // in time
	void   bool   // the line was unplugged meanwhile
	due    map[string]bool
	given  map[string]time.Time // answers that units gave, and no reading was made of
	stats  struct{ due, lost, readings int }
}

// thinks is the driver's timeout, without what the line takes; no answer comes near it.
const thinks = 500 * time.Millisecond

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Line.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	w.asked, w.answer, w.heard, w.void = time.Now(), nil, nil, false
	return n, err
}

// settle looks back at a request: its answer, if it was heard, is due as a reading. w.mu is held.
func (w *wire) settle() {
	if w.answer != nil && !w.void && bytes.Contains(w.heard, w.answer) {
		w.stats.due++
		if _, untold := w.given[key(w.answer)]; untold {
			w.due[key(w.answer)] = true
		}
	}
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	if time.Since(w.asked) < thinks {
		w.heard = append(w.heard, b...)
	}
	w.mu.Unlock()
	return w.Line.Write(b)
}

// gave says what a unit answers, before anything becomes of it.
func (w *wire) gave(frame []byte) {
	if len(frame) != 5+8 {
		return // the small request after a missed answer
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = frame
	w.given[key(frame)] = time.Now()
}

// key is a reading's unit and stamp.
func key(frame []byte) string { return fmt.Sprintf("%d/%x", frame[0], frame[3:11]) }

func (w *wire) reading(m driver.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.readings++
	k := fmt.Sprintf("%s/%x", m.Device, m.Data)
	at, ok := w.given[k]
	if !ok {
		w.t.Errorf("invented, or told twice: %s", k)
	} else if age := m.At.Sub(at); age > thinks+100*time.Millisecond {
		w.t.Errorf("%s is %v old: a late answer was taken for the next", k, age)
	}
	delete(w.given, k)
}

// look counts what is due and was not told, and forgets what is long past.
func (w *wire) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k := range w.due {
		w.t.Errorf("lost: %s", k)
		w.stats.lost++
		delete(w.due, k)
	}
	for k, at := range w.given {
		if time.Since(at) > time.Minute {
			delete(w.given, k)
		}
	}
}

func (w *wire) replug(away time.Duration) {
	w.mu.Lock()
	w.void = true
	w.mu.Unlock()
	w.Unplug()
	time.Sleep(away)
	w.Replug()
}

// stamp has a unit's registers be the time and its complement, for no two answers to be the same.
func stamp(u *modbustest.Unit) {
	v := uint32(time.Now().UnixMilli())
	u.SetRegisters(0, uint16(v>>16), uint16(v), ^uint16(v>>16), ^uint16(v))
}

// faults are all that a unit can do wrong, and doing nothing wrong.
func faults(rnd *rand.Rand) []modbustest.Fault {
	stale := modbustest.Frame(200, []byte{3, 8, 1, 2, 3, 4, 5, 6, 7, 8})
	return []modbustest.Fault{
		nil, nil, nil,
		modbustest.Dead(),
		modbustest.Late(700 * time.Millisecond),
		modbustest.Late(2500 * time.Millisecond),
		modbustest.WrongCRC(rnd),
		modbustest.Split(rnd, 80*time.Millisecond),
		modbustest.CutOff(rnd),
		modbustest.Noisy(rnd, 40),
		modbustest.Merged(stale),
		modbustest.Flood(rnd, 6400, 30*time.Millisecond),
	}
}

// A day of every fault on a bus of eight units loses no reading, invents none, takes none for another, and
// keeps nothing.
func TestADayOfFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd := modbustest.NewRand(11)
		w := &wire{Line: drivertest.NewLine(), t: t, due: map[string]bool{}, given: map[string]time.Time{}}
		bus := modbustest.NewBus(w)
		all := faults(rnd)
		var config []modbus.Unit
		units := map[byte]*modbustest.Unit{}
		misbehave := func(address byte, f modbustest.Fault) {
			bus.Misbehave(address, func(answer []byte) []modbustest.Piece {
				w.gave(answer)
				stamp(units[address])
				if f == nil {
					return []modbustest.Piece{{Data: answer}}
				}
				return f(answer)
			})
		}
		for address := byte(1); address <= 8; address++ {
			units[address] = modbustest.NewUnit(4)
			stamp(units[address])
			time.Sleep(time.Millisecond) // no two stamps are the same
			bus.Attach(address, units[address])
			misbehave(address, nil)
			config = append(config, modbus.Unit{Address: address, Sections: []modbus.Section{{Name: "stamp", Table: modbus.Holding, Count: 4, Every: 10 * time.Second}}})
		}
		d := mustNew(t, modbus.Config{Open: w.Open, CharTime: time.Millisecond, Timeout: thinks, Units: config})
		ctx, cancel := context.WithCancel(t.Context())
		ended, served := make(chan error), make(chan error)
		go func() { served <- bus.Serve() }()
		go func() { ended <- d.Run(ctx, w.reading) }()

		var early, late runtime.MemStats
		const day = 24 * time.Hour
		for begin := time.Now(); time.Since(begin) < day; {
			for address := range units {
				if rnd.IntN(3) == 0 {
					misbehave(address, all[rnd.IntN(len(all))])
				}
			}
			if rnd.IntN(6) == 0 {
				w.replug(time.Duration(rnd.IntN(60)) * time.Second)
			}
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			w.look()
			if early.HeapAlloc == 0 && time.Since(begin) > time.Hour {
				runtime.GC()
				runtime.ReadMemStats(&early)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&late)
		if grown := int64(late.HeapAlloc) - int64(early.HeapAlloc); grown > 1<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		for address := range units {
			misbehave(address, nil)
		}
		time.Sleep(2 * time.Minute)
		s := d.State()
		for address := range units {
			if got := s.Devices[fmt.Sprint(address)]; got.Phase != driver.Online {
				t.Errorf("unit %d, well again: %+v", address, got)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.Close()
		<-served
		t.Logf("%d readings, %d of them certain, %d lost; %+v", w.stats.readings, w.stats.due, w.stats.lost, s.Counts)
		if w.stats.due < 30000 || s.Counts.Timeouts < 1000 || s.Counts.Rejected < 100 || s.Counts.Noise < 10000 {
			t.Errorf("a day without its faults: %d readings due, %+v", w.stats.due, s.Counts)
		}
	})
}
