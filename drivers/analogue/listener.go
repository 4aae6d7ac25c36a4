package analogue

import (
	"fmt"
	"strings"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/tone/activity"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
)

// listener makes Events of what an Ear hears.
type listener struct {
	d     *Driver
	emit  func(call.Event)
	ear   *Ear
	block [chunk]float32
	now   time.Time
	sound time.Time // the newest sample that was not zero
	level level
	told  driver.Phase

	carrier time.Time // since when; zero for none
	from    string    // who speaks in this transmission, if they said so
	named   time.Time // when they did
	call    string    // the call that is begun, empty for none
	voice   bool      // Voice is told

	digits  strings.Builder
	pressed time.Time
	still   time.Duration // of sound since the last digit
}

func (d *Driver) listener(emit func(call.Event)) (*listener, error) {
	ear, err := NewEar(audio.Rate, d.cfg.Signals)
	if err != nil {
		return nil, err
	}
	l := &listener{d: d, ear: ear, now: time.Now()}
	l.emit = func(e call.Event) {
		e.At = l.now
		d.Heard("audio")
		if l.level.told != "" {
			d.Device("audio", l.level.phase, l.level.told)
		}
		emit(e)
	}
	ear.Digit, ear.Call, ear.Packet, ear.Activity = l.digit, l.fiveTone, l.packet, l.activity
	return l, nil
}

func (l *listener) activity(s activity.State) {
	switch {
	case s.Carrier && l.carrier.IsZero():
		l.carrier = l.now
		if l.now.Sub(l.named) > justNow {
			l.from = ""
		}
	case !s.Carrier && !l.carrier.IsZero():
		l.over(false)
	}
	if s.Voice && l.call == "" {
		l.speaks()
	}
}

// speaks tells that somebody without a name is on the channel.
func (l *listener) speaks() {
	if l.call == "" && !l.voice {
		l.voice = true
		l.emit(call.Event{Kind: call.Voice, Active: true, From: l.from})
	}
}

// over ends a transmission. What was said of it is told at once.
func (l *listener) over(lost bool) {
	if l.call != "" {
		l.emit(call.Event{Kind: call.End, Call: l.call, From: l.from, Lost: lost})
	}
	if l.voice {
		l.emit(call.Event{Kind: call.Voice, From: l.from})
	}
	l.call, l.voice, l.carrier = "", false, time.Time{}
	l.level.over(&l.d.Tracker)
}

// tick looks at what waits for time to pass. lasts is how long the sound is that has come, or the silence: a busy
// machine reads late what a caller has pressed without a pause.
func (l *listener) tick(now time.Time, lasts time.Duration) {
	l.now = now
	l.still += lasts
	if l.digits.Len() > 0 && l.still > digitsPause {
		l.flush()
	}
	if !l.carrier.IsZero() && l.call == "" && l.from == "" && now.Sub(l.carrier) > nameless {
		l.speaks()
	}
}

// end is the end of the source: nothing more comes of what goes on.
func (l *listener) end(now time.Time) {
	l.now = now
	l.flush()
	l.over(true)
	l.d.busy.set(false, now)
}

func (l *listener) digit(d dtmf.Digit) {
	l.pressed, l.still = l.now, 0
	if l.digits.Len() < call.MaxDigits {
		l.digits.WriteByte(d.Digit)
	}
	all := l.digits.String()
	for _, code := range l.d.cfg.Codes {
		if len(all) < len(code) {
			continue
		}
		if from, ok := match(code, all[len(all)-len(code):]); ok {
			l.digits.Reset()
			l.coded(code, from)
			return
		}
	}
}

// coded tells a code, of who sent it if it says so.
func (l *listener) coded(code, from string) {
	if from == "" {
		from = l.from
	} else {
		l.is(from)
	}
	l.emit(call.Event{Kind: call.Digits, Digits: fixed(code), From: from})
}

func (l *listener) flush() {
	if l.digits.Len() > 0 {
		l.emit(call.Event{Kind: call.Digits, Digits: l.digits.String(), From: l.from})
		l.digits.Reset()
	}
}

func (l *listener) fiveTone(c selcall.Call) {
	for _, code := range l.d.cfg.Codes {
		if from, ok := match(code, c.Digits); ok {
			if from == "" {
				from = c.Digits // the call is who calls
			}
			l.coded(code, from)
			return
		}
	}
	l.is(c.Digits)
	l.emit(call.Event{Kind: call.Digits, Digits: c.Digits, From: c.Digits})
}

// is notes who speaks. Digits of an earlier transmission are not theirs.
func (l *listener) is(from string) {
	if l.pressed.Before(l.carrier) {
		l.flush()
	}
	l.from, l.named = from, l.now
}

func (l *listener) packet(p mdc1200.Packet) {
	from := unit(p.Sender())
	e := call.Event{From: from}
	if target, ok := p.Target(); ok {
		e.To, e.Private = unit(target), true
		if !p.Double {
			e.From = "" // who asks does not say who that is
		}
	}
	if e.From != "" {
		l.is(e.From)
	}
	switch p.Kind() {
	case mdc1200.PTTID:
		l.begin()
		return
	case mdc1200.PostID:
		if l.call != "" {
			l.emit(call.Event{Kind: call.End, Call: l.call, From: from})
			l.call = ""
		}
		return
	case mdc1200.Emergency:
		e.Kind, e.Active = call.Emergency, true
	case mdc1200.CallAlert, mdc1200.SelectCall:
		e.Kind = call.Page
	case mdc1200.RadioCheck:
		e.Kind = call.Check
	case mdc1200.Status:
		e.Kind, e.Digits = call.Status, fmt.Sprintf("%X", p.Arg&0x0f)
	case mdc1200.Message:
		e.Kind, e.Digits = call.Status, fmt.Sprintf("%02X", p.Arg)
	default:
		return
	}
	l.emit(e)
}

// begin tells that somebody with a name speaks.
func (l *listener) begin() {
	if l.call != "" {
		l.emit(call.Event{Kind: call.End, Call: l.call, Lost: true})
	}
	if l.voice {
		l.voice = false
		l.emit(call.Event{Kind: call.Voice})
	}
	l.call = fmt.Sprintf("%x", l.d.calls.Add(1))
	l.emit(call.Event{Kind: call.Begin, Call: l.call, From: l.from})
	if l.carrier.IsZero() {
		l.carrier = l.now
	}
}

func unit(u uint16) string { return fmt.Sprintf("%04X", u) }
