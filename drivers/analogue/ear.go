package analogue

import (
	"slices"

	"sentrybox/drivers/tone"
	"sentrybox/drivers/tone/activity"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
)

// Signals says what is listened for.
type Signals struct {
	DTMF    bool
	MDC1200 bool
	// FiveTone are the names of systems of package selcall, the one that is preferred first.
	FiveTone []string
	// Lengths are the digits that a five-tone call may have; five if empty.
	Lengths []int
	// Activity says what is a carrier.
	Activity activity.Config
}

// Ear is all decoders of one channel on one front end. It is used by one goroutine, and
// allocates nothing but the digits of five-tone calls.
type Ear struct {
	bank     *tone.Bank
	dtmf     *dtmf.Decoder
	fiveTone *selcall.Decoder
	mdc      *mdc1200.Decoder
	activity *activity.Detector

	// What is called of what was heard. Each may be nil.
	Digit    func(dtmf.Digit)
	Call     func(selcall.Call)
	Packet   func(mdc1200.Packet)
	Activity func(activity.State)
}

// NewEar returns an Ear for a sample rate of tone.MinRate to tone.MaxRate.
func NewEar(rate int, s Signals) (*Ear, error) {
	e := &Ear{}
	var err error
	if e.bank, err = tone.NewBank(rate); err != nil {
		return nil, err
	}
	if e.activity, err = activity.New(rate, s.Activity); err != nil {
		return nil, err
	}
	if s.DTMF {
		e.dtmf = dtmf.New(e.bank)
	}
	if systems := s.systems(); len(systems) > 0 {
		e.fiveTone = selcall.New(e.bank, systems, s.Lengths...)
	}
	if s.MDC1200 {
		if e.mdc, err = mdc1200.New(rate); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (s *Signals) systems() (systems []selcall.System) {
	for _, name := range s.FiveTone {
		if system, ok := selcall.ByName(name); ok && !slices.ContainsFunc(systems, func(o selcall.System) bool { return o.Name == name }) {
			systems = append(systems, system)
		}
	}
	return systems
}

// State returns how loud it is, and what is going on.
func (e *Ear) State() activity.State { return e.activity.State() }

// chunk is how many samples are listened to at once, so that what is heard is told in order.
const chunk = 160

// Write listens to samples, full scale being 1.
func (e *Ear) Write(x []float32) {
	for len(x) > 0 {
		n := min(chunk, len(x))
		e.listen(x[:n])
		x = x[n:]
	}
}

func (e *Ear) listen(x []float32) {
	if e.activity.Write(x) && e.Activity != nil {
		e.Activity(e.activity.State())
	}
	if e.mdc != nil {
		for y := x; len(y) > 0; {
			n, ok := e.mdc.Write(y)
			if ok && e.Packet != nil {
				e.Packet(e.mdc.Packet())
			}
			y = y[n:]
		}
	}
	if e.dtmf == nil && e.fiveTone == nil {
		return
	}
	for len(x) > 0 {
		n, hop := e.bank.Write(x)
		if hop {
			e.hop()
		}
		x = x[n:]
	}
}

func (e *Ear) hop() {
	if e.dtmf != nil {
		if d, ok := e.dtmf.Hop(); ok && e.Digit != nil {
			e.Digit(d)
		}
	}
	if e.fiveTone != nil {
		if c, ok := e.fiveTone.Hop(); ok && e.Call != nil {
			e.Call(c)
		}
	}
}
