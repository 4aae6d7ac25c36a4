package uart

import (
	"errors"
	"fmt"
	"time"

	"sentrybox/drivers/port"
)

// Config is a line and what is spoken on it.
type Config struct {
	// Open opens the line.
	Open port.Open
	// Device is Message.Device of frames that have no address in them.
	Device string
	// Framing is how frames are told apart.
	Framing Framing
	// Polls are asked in turn; nil for a device that speaks by itself.
	Polls []Poll
	// Listen hands on frames that answer no poll too, unless they look like an answer that comes too
	// late. It is always so without polls.
	Listen bool
	// Outputs can be switched.
	Outputs []Output
}

// Framing is how a frame is told from the bytes around it. One of End, Length,
// Fixed and Gap says where it ends; Start and Checksum say that it is one.
// Offsets are in bytes from the frame's first, Start included, as manuals count them.
type Framing struct {
	// Start are the bytes that each frame begins with.
	Start []byte
	// End is the delimiter after each frame. It may follow a Length or Fixed
	// frame too, which then must have it. A delimited frame ends at the first End after Start.
	End []byte
	// Length is a field with the frame's length.
	Length *Length
	// Fixed is the length of every frame, with Start, checksum and End. Without Start and
	// Checksum it needs Gap: a burst of that length between two silences.
	Fixed int
	// Gap is the silence after which what came before is a whole frame, if nothing
	// else says where it ends. Otherwise it is the silence after which the rest of
	// a frame comes no more; half a second if 0.
	Gap time.Duration
	// Max is the longest frame, 256 if 0, at most MaxFrame.
	Max int
	// Checksum is checked, and is just before End.
	Checksum Checksum
	// Escape is how bytes that look like Start or End are written; nil if they are not. It needs Start.
	Escape *Escape
	// Address is where the frame says whose it is, for several devices on a line.
	Address *Address
	// Whole hands on the frame as it is. Otherwise Message.Data has neither Start, nor
	// what is around the checksum, nor End.
	Whole bool
	// Text refuses frames with control characters, and skips noise before the text: for lines without a checksum.
	Text bool
	// Hex decodes Message.Data from hexadecimal digits.
	Hex bool
}

// MaxFrame bounds Framing.Max.
const MaxFrame = 4096

// Length is a field with a frame's length.
type Length struct {
	Offset int
	// Size is 1 or 2 bytes.
	Size int
	// Little is whether the low byte comes first.
	Little bool
	// Add is what to add to the field's value to have the length of the whole frame, with
	// Start, checksum and End.
	Add int
}

// Address is a field with a device's address. Message.Device is the number in
// decimal if Size is 1 or 2 (high byte first), and hexadecimal digits if it is more.
type Address struct{ Offset, Size int }

// Poll is a question that is asked again and again.
type Poll struct {
	// Device and Section name the answer in its Message. Device is whose answer is awaited; with
	// Framing.Address only frames from that address are it, or from any if it is empty, and Config.Device too.
	Device, Section string
	// Request is what is sent, as it is.
	Request []byte
	// Match is what the answer begins with, Start included; nil for any.
	Match []byte
	// Every is the interval, 100 ms or more; Timeout is how long the answer may take, 1 s if 0.
	Every, Timeout time.Duration
}

// Output is switched by sending bytes. The device confirms nothing.
type Output struct {
	Device, Name string
	On, Off      []byte
}

// Defaults and limits.
const (
	defaultMax     = 256
	defaultGap     = 500 * time.Millisecond
	defaultTimeout = time.Second
	minEvery       = 100 * time.Millisecond
)

// Check tells what is wrong with the framing.
func (f Framing) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch ends := count(f.Length != nil, f.Fixed != 0); {
	case ends == 2:
		bad("framing: length and fixed exclude each other")
	case ends == 0 && len(f.End) == 0 && f.Gap == 0:
		bad("framing: want one of end, length, fixed and gap")
	}
	if f.Gap < 0 || f.Gap > time.Minute {
		bad("framing: gap %v: want up to a minute", f.Gap)
	}
	if f.Max < 0 || f.Max > MaxFrame {
		bad("framing: max %d: want up to %d", f.Max, MaxFrame)
	}
	if err := f.Checksum.check(); err != nil {
		errs = append(errs, err)
	}
	gap := f.Gap != 0
	f = f.withDefaults()
	least := f.least()
	if f.Fixed != 0 && (f.Fixed < least || f.Fixed > f.Max) {
		bad("framing: fixed %d: want %d to %d", f.Fixed, least, f.Max)
	}
	if l := f.Length; l != nil {
		if l.Offset < 0 || l.Size < 1 || l.Size > 2 || l.Offset+l.Size > f.Max {
			bad("framing: length of %d bytes at %d: want 1 or 2 bytes within the frame", l.Size, l.Offset)
		}
		if l.Add < -MaxFrame || l.Add > MaxFrame {
			bad("framing: length: add %d", l.Add)
		}
	}
	if (f.Length != nil || f.Fixed != 0 && !gap) && len(f.Start) == 0 && f.Checksum.Kind == None {
		bad("framing: without start and checksum nothing tells where a frame of that length begins")
	}
	if f.Escape != nil && (len(f.Start) == 0 || len(f.End) == 0 && f.Length == nil && f.Fixed == 0) {
		bad("framing: escape: want start, and one of end, length and fixed")
	}
	if a := f.Address; a != nil && (a.Offset < 0 || a.Size < 1 || a.Size > 8 || a.Offset+a.Size > f.Max) {
		bad("framing: address of %d bytes at %d: want 1 to 8 bytes within the frame", a.Size, a.Offset)
	}
	if least > f.Max {
		bad("framing: start, checksum and end are longer than max %d", f.Max)
	}
	return errors.Join(errs...)
}

func count(b ...bool) (n int) {
	for _, v := range b {
		if v {
			n++
		}
	}
	return n
}

// least is the length of a frame with nothing in it.
func (f Framing) least() int {
	return len(f.Start) + f.Checksum.Before + f.Checksum.width() + len(f.End)
}

func (f Framing) withDefaults() Framing {
	if f.Max == 0 {
		f.Max = max(defaultMax, f.Fixed)
	}
	if f.Gap == 0 {
		f.Gap = defaultGap
	}
	return f
}

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	errs := []error{c.Framing.Check()}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Open == nil {
		bad("no port")
	}
	for i, p := range c.Polls {
		if len(p.Request) == 0 || len(p.Request) > MaxFrame {
			bad("poll %d: a request of %d bytes", i+1, len(p.Request))
		}
		if p.Every < minEvery {
			bad("poll %d: every %v: want %v or more", i+1, p.Every, minEvery)
		}
		if p.Timeout < 0 || p.Timeout > time.Minute {
			bad("poll %d: timeout %v: want up to a minute", i+1, p.Timeout)
		}
	}
	type key struct{ device, name string }
	seen := map[key]bool{}
	for _, o := range c.Outputs {
		k := key{o.Device, o.Name}
		if o.Name == "" || len(o.On) == 0 || len(o.Off) == 0 || seen[k] {
			bad("output %q of %q: want a name of its own, and what to send for on and off", o.Name, o.Device)
		}
		seen[k] = true
	}
	return errors.Join(errs...)
}
