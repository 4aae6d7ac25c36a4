// Package sip is where help points, door stations and the duty room's phones meet: a SIP user
// agent and registrar (RFC 3261), as a source of calls.
//
// A station registers, or calls directly from a known address. A call to the help number is told
// before anything rings. It is then answered, rings on to the duty room's phones one after the
// other, with the audio relayed, and if nobody is there the caller hears a tone that says that the
// call has been noted. DTMF is read from RFC 4733 events, from INFO and, of who has no events, from the
// audio; text from MESSAGE. That one who had registered is away is told as well, by the Input
// [Lost], and so is a station that has not been heard of since the start: a help point that is dead helps nobody.
//
// # Strangers
//
// A request counts when its sender has answered a Digest challenge with a station's
// password, or, for a station without one, when it comes from the station's address. Until then nothing is
// kept of it: challenges are answered statelessly (RFC 3261 section 8.2.7), since
// a nonce carries its time and the address that it was made for, under a key. What is kept
// (calls, registrations, connections, counts) is bounded. Each address has a budget of packets, strangers
// together have another, and those of known addresses do not come out of it. Who guesses passwords is not
// answered any more.
//
// UDP's source addresses can be forged by those on the same network: a station without a
// password is as safe as the network, and a flood in a station's name can use up the station's budget. TCP and a
// password have neither weakness.
//
// # The library
//
// Messages are read and written by github.com/emiago/sipgo/sip. Its transports and transactions
// are not used: they start a goroutine for each message, where a panic ends the process, keep every source
// address for ever, and open sockets by themselves. Here a message is parsed where a panic is caught,
// and a call is one goroutine that has its transactions to itself.
package sip
