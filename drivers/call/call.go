// Package call is the contract between the gateway and what hears radios and
// intercoms: who called whom, which key was pressed, which door was forced.
//
// A source knows one protocol: a DMR repeater that logs in, tones in the audio of a
// base radio, SIP, a door station's event stream. It says what it heard as an [Event], with
// the identities of the air or the line. Who those are, and whether it is an alert, is
// for the receiver to say.
//
// # Life
//
// It is that of package driver: New checks the configuration and opens nothing; Run opens
// and listens until its context ends, and outlives whatever the far side does; State tells
// how it is doing. A source embeds driver.Tracker and driver.Life. The devices of its state
// are its stations: repeaters, door stations, channels. calltest.Conform holds a source to this.
package call

import (
	"context"
	"time"

	"sentrybox/drivers/driver"
)

// Kind says what happened.
type Kind string

// The kinds. Those of which Active is told begin and end, with an Event each; the others are
// moments.
const (
	Begin     Kind = "begin"     // somebody speaks, or rings
	End       Kind = "end"       // it is over
	Emergency Kind = "emergency" // an emergency key was pressed (Active), or the emergency is cleared
	Page      Kind = "page"      // a call alert: somebody asks to be called back
	Check     Kind = "check"     // a radio check: is it there?
	Digits    Kind = "digits"    // DTMF digits, or a code of tones
	Text      Kind = "text"      // a short message
	Position  Kind = "position"  // where the sender is
	Status    Kind = "status"    // a status number, in Digits
	Voice     Kind = "voice"     // carrier or voice on a channel (Active) that nobody put a name to
	Input     Kind = "input"     // an input of a station: see Event.Input (Active)
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{Begin, End, Emergency, Page, Check, Digits, Text, Position, Status, Voice, Input}
}

// Stated says whether an Event of the kind begins or ends something, by Active.
func (k Kind) Stated() bool { return k == Emergency || k == Voice || k == Input }

// The names of common inputs, for Event.Input. A source may have others: lower case, and
// of letters, digits and underscores.
const (
	DoorOpen   = "door_open"   // it stands open
	DoorForced = "door_forced" // it was opened without leave
	Tamper     = "tamper"      // the station is taken off or opened
	Alarm      = "alarm"       // a contact that is wired to it
	Motion     = "motion"      // what the station's camera says
)

// What an Event may hold at most, in bytes. A source cuts what is longer.
const (
	MaxIdentity = 64 // From, To, Station, Channel, Call, Input
	MaxDigits   = 64
	MaxText     = 512
)

// Event is something that a radio or an intercom said.
type Event struct {
	Kind Kind
	// At is when it was received, or when the sender says, if the source holds that for true.
	At time.Time
	// Call is the same in all Events of one call, and in no other of the source's life; empty
	// for what belongs to none. Each Begin has an End later, in the same Run, unless
	// the Run ends before.
	Call string
	// From and To are the caller and the called as the air or the line knows them: a
	// DMR id or talkgroup ("4600101"), a code of tones ("12345"), a SIP user. From is empty
	// if it is unknown, To if it is to everybody who hears.
	From, To string
	// Private says that To is one unit, not a group.
	Private bool
	// Station is what heard or sent it: a repeater, a door station; a device of State. It is empty
	// where there is but one.
	Station string
	// Channel is a part of the station: a time slot ("1", "2"), a line, an input's number.
	Channel string
	// Active is true when an Emergency, a Voice or an Input begins, or goes on, and false when it
	// is over. An Emergency that is repeated is told each time.
	Active bool
	// Urgent marks a Begin whose caller says that it is an emergency: in DMR by the service
	// options of the link control. The source sends an Emergency as well.
	Urgent bool
	// Lost says of an End that the call broke off: nobody ended it.
	Lost bool
	// Digits are 0-9, A-F, * and # of Digits and Status.
	Digits string
	// Text is that of a Text. On a Begin, and in a Text that belongs to a Call, it is the name by which the caller calls
	// itself (talker alias, display name): hearsay, not to be trusted for a name.
	Text string
	// Input names that of an Input; see [DoorForced].
	Input string
	// Position is where the caller is; nil if it did not say.
	Position *Fix
	// RSSI in dBm; nil if unknown.
	RSSI *float64
}

// Fix is a position on WGS 84.
type Fix struct {
	Lat, Lon float64 // degrees, -90 to 90 and -180 to 180
	Error    float64 // metres within which it is; 0 if that was not said
}

// Source listens to one radio system, or to intercoms of one kind.
type Source interface {
	// Run opens and listens until ctx ends or Halt is called, and then returns nil. Its calls
	// of emit do not overlap; emit does not wait, and must call neither Run nor
	// Halt. When Run has returned, its goroutines have ended and its ports are closed. It
	// may be called again, except after Halt. Its errors are those of driver.Driver.
	Run(ctx context.Context, emit func(Event)) error
	// State tells how the source is doing, and its stations. It may be called at any time.
	State() driver.State
	// Halt ends Run and waits for it. It may be called at any time, and more than once.
	Halt() error
}

// Recorder is a Source that keeps the last of what is said, for evidence.
type Recorder interface {
	// Recording returns what was said on the channel of an Event from so long before it to so long after,
	// as much as there is; it waits for what is still to come, or for ctx. It fails if there is
	// nothing.
	Recording(ctx context.Context, e Event, before, after time.Duration) (Recording, error)
}

// Recording is some seconds of audio.
type Recording struct {
	Type string // as in MIME: audio/wav, audio/ogg
	Data []byte // a whole file
	From time.Time
}
