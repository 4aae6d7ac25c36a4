package lorawan

import (
	"errors"
	"fmt"
	"time"

	"sentrybox/drivers/replay"
)

// Device is one device that was activated by personalisation: its address and keys
// were fixed when it was made or set up, and it never joins.
type Device struct {
	// ID is what messages call it, best its DevEUI in lower case; its address if
	// empty.
	ID      string
	Addr    DevAddr
	NwkSKey Key
	AppSKey Key
	// AllowReset takes a device back whose counter has begun at 0 again, as many do
	// at a change of batteries. It also lets anybody who has recorded its first
	// messages play them again.
	AllowReset bool
}

// Why an uplink was not taken.
var (
	errUnknown   = errors.New("a device that is not known here, or has other keys")
	errReplay    = errors.New("a packet that was received before, or is too old to tell")
	errDuplicate = errors.New("a copy from another gateway, or a repetition")
)

const (
	// copies is how long after the first the copies of other gateways may come, and
	// a device's own repetitions: their counters are no sign of a replay.
	copies = 30 * time.Second
	// rollovers is how often the 16 bits of a device may have wrapped before it was
	// first heard here.
	rollovers = 16
	// resetBelow is where a counter may be when a device that began anew is first
	// heard.
	resetBelow = 256
)

// session is a device with what is known of its counters.
type session struct {
	Device
	keys
	last     uint32 // counter of the newest uplink
	mic      [micSize]byte
	at       time.Time // when it first came; zero before the first
	answered time.Time // when it was last answered
}

// sessions are the devices by address. Several may share one.
type sessions struct {
	byAddr map[DevAddr][]*session
	guard  *replay.Guard
}

func newSessions(devices []Device, guard *replay.Guard) (*sessions, error) {
	s := &sessions{byAddr: map[DevAddr][]*session{}, guard: guard}
	ids := map[string]bool{}
	for _, d := range devices {
		if d.ID == "" {
			d.ID = d.Addr.String()
		}
		if ids[d.ID] {
			return nil, fmt.Errorf("device %s is there twice", d.ID)
		}
		ids[d.ID] = true
		if d.NwkSKey == (Key{}) || d.AppSKey == (Key{}) {
			return nil, fmt.Errorf("device %s has a key of zeros", d.ID)
		}
		s.byAddr[d.Addr] = append(s.byAddr[d.Addr], &session{Device: d, keys: newKeys(d.NwkSKey, d.AppSKey)})
	}
	return s, nil
}

// take finds who sent an uplink, and with which counter, and takes it once. With
// errDuplicate the session comes too.
func (s *sessions) take(u *uplink, now time.Time) (*session, uint32, error) {
	reason := errUnknown
	for _, d := range s.byAddr[u.addr] {
		highest, heard, err := s.guard.Highest(d.ID)
		if err != nil {
			reason = err
			continue
		}
		counter, ok := d.find(u, highest, heard)
		if !ok {
			continue
		}
		fresh, err := s.guard.Accept(d.ID, counter)
		switch {
		case err != nil:
			return nil, 0, err
		case fresh:
			if d.at.IsZero() || counter > d.last {
				d.newest(u, counter, now)
			}
			return d, counter, nil
		case d.isCopy(u, now):
			return d, counter, errDuplicate
		case !d.hasReset(counter, now):
			return nil, 0, errReplay
		}
		if err := s.guard.Forget(d.ID); err != nil {
			return nil, 0, err
		}
		if _, err := s.guard.Accept(d.ID, counter); err != nil {
			return nil, 0, err
		}
		d.newest(u, counter, now)
		return d, counter, nil
	}
	return nil, 0, reason
}

func (d *session) newest(u *uplink, counter uint32, now time.Time) {
	d.last, d.mic, d.at = counter, [micSize]byte(u.mic), now
}

func (d *session) isCopy(u *uplink, now time.Time) bool {
	return !d.at.IsZero() && [micSize]byte(u.mic) == d.mic && now.Sub(d.at) < copies
}

// hasReset says whether a counter that is not new means that the device began at 0
// again. What comes soon after the newest is late, and no reset.
func (d *session) hasReset(counter uint32, now time.Time) bool {
	return d.AllowReset && counter < resetBelow && (d.at.IsZero() || now.Sub(d.at) >= copies)
}

// find returns the 32 bits of which an uplink has the lower 16: those with which
// the MIC is right. heard says that highest is the highest so far.
func (d *session) find(u *uplink, highest uint32, heard bool) (uint32, bool) {
	low := uint64(u.counter)
	if !heard {
		for n := range uint64(rollovers) {
			if c := uint32(n<<16 | low); d.valid(u, c) {
				return c, true
			}
		}
		return 0, false
	}
	// The first with these bits that the window does not call too old, the one
	// after it, and the one before, to tell an old packet from a stranger's.
	least := uint64(highest) - min(uint64(highest), replay.Size-1)
	next := least&^0xffff | low
	if next < least {
		next += 1 << 16
	}
	for _, c := range [...]uint64{next, next + 1<<16, next - 1<<16} { // the last may wrap, and is too large then
		if c < 1<<32 && d.valid(u, uint32(c)) {
			return uint32(c), true
		}
	}
	if next >= 1<<17 && d.AllowReset && low < resetBelow && d.valid(u, uint32(low)) {
		return uint32(low), true
	}
	return 0, false
}
