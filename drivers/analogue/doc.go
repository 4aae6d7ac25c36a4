// Package analogue listens to the audio of an analogue base radio: DTMF digits, five-tone calls, MDC
// 1200 bursts, carrier and voice. It is a source of package call.
//
// Who it is that speaks is known from what their radio sends: an MDC 1200 unit, in four
// hexadecimal digits, or a five-tone number. What comes later in the same transmission is
// theirs too.
//
// Digits are told when two seconds have passed without another, or at once when they are, or end
// with, one of the [Config.Codes]; of a code the places x are not digits but who sends it.
//
// # Sound
//
// The last minutes are kept in memory, in µ-law, for evidence: 8000 bytes a second. A sound card
// that is unplugged is opened again when it comes back. State tells, as the device "audio", how
// loud the last transmission was, and whether it was clipped.
package analogue
