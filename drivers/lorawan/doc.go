// Package lorawan hears LoRaWAN devices without a network server: for a small site
// with a gateway of its own, whose packet forwarder sends to this machine by
// Semtech's UDP protocol (version 2, also called GWMP).
//
// # What it does
//
// It answers the forwarders, drops packets with a wrong CRC, folds what several
// gateways hear into one, checks each uplink's code and counter, decrypts it and
// hands its payload on at once. Devices must be activated by personalisation (ABP,
// LoRaWAN 1.0.x): nobody answers a join. Their counters survive restarts, so that
// what was recorded on the air cannot be played again.
//
// With Config.Answer, confirmed uplinks are confirmed in the first receive window,
// and devices that ask whether anybody listens (ADRACKReq) are told so.
//
// # What it does not do
//
// No joining, no adaptive data rate, no MAC commands, no downlinks with a payload,
// no class B or C: a site that needs them has a network server, and package
// chirpstack. LoRaWAN 1.1 is not taken: the code of its uplinks covers channel and
// data rate by their indices in the region's plan (1.1, 4.4.1), which a packet
// forwarder does not tell.
//
// # Trust
//
// The protocol has no authentication: anybody who reaches the port can pass for a
// gateway, drop packets and send them. They cannot make uplinks up, which devices
// sign. The port belongs on a network of its own.
//
// Own code and no library: what is needed here is two uses of AES, in the standard's
// chapter 4, and no library that covers the whole of the protocol.
package lorawan
