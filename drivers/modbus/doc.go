// Package modbus is a Modbus client: RTU on a serial line or a serial server
// (RTU over TCP), and Modbus TCP (MODBUS Application Protocol V1.1b3, MODBUS over
// Serial Line V1.02, MODBUS Messaging on TCP/IP V1.0b).
//
// A [Driver] keeps one bus with all of its units. Sections are what is read of
// a unit, each at its interval; sections that are near to each other are read with one
// request. A unit that does not answer is asked less and less, see package
// poll, and is no failure of the bus.
//
// # Late answers
//
// RTU numbers nothing: an answer that comes after its time looks like the answer to
// the next request. A unit answers requests in order. So after a missed answer, the
// next request to that unit is a small one, whose answer has another
// length: when it has come, all that was asked before is answered. Where none of another
// length can be made, an answer is thrown away, and the line must then be silent for as long as an
// answer may take, before the unit is asked again. On Modbus TCP, the transaction's number tells.
//
// # Why not a library
//
// github.com/simonvetter/modbus v1.6.4 opens its ports by itself, so unplugging reads as a
// timeout and the port cannot be kept from others; it does not throw away what came late before it sends;
// and an answer that follows noise is lost. The framing is a page of code, and most of this package is
// what it does not have: plans, schedules, doubt about late answers, rest.
package modbus
