// Package ebyte reads Ebyte's LoRa modules of the series E22 and E32, in
// transparent mode: what one module is given, all others of its channel put out.
//
// # Configuration
//
// When its line is opened, a module is compared with its configuration in the mode
// for that, which is always 9600 baud 8N1. What differs is written once, read
// back and compared again; nothing is written that is right, as the memory wears.
// A module that takes a configuration and does not keep it is a permanent error.
//
// The mode is set by the pins M0 and M1, see [Switch]. Without one, a technician
// sets the switches: the module is then compared once, at the beginning, and if it
// answers, the state says that the switches are to be set back. A module that does not
// answer is listened to all the same: a panic button that is heard is worth more
// than a register that is verified. The question is three bytes, which a module in
// transparent mode sends to everybody, and which nobody takes for a frame.
//
// # Messages
//
// With lora.Sealed, devices speak the frame of package lora, and a message is of the
// device with its number in eight hexadecimal digits. With lora.Raw, whatever arrives
// without a pause is a message, of a sender that nobody knows: for devices that cannot
// be taught. Anybody can make such a message up.
package ebyte
