// Package rak reads a RAK3172 (and its kin RAK3272 and RAK4630) by AT commands,
// in LoRa P2P mode. Its commands are those of RUI3 (RAKwireless, RUI3 AT Command
// Manual) and of the firmware before it, 1.0.4 and older.
//
// # Configuration
//
// When the line is opened, the module is set to P2P mode, which restarts it if it was
// in another, and its radio is compared with the configuration and written once
// if it differs. Then it listens: with 65533, which leaves it able to send
// meanwhile, or with 65534 where the firmware does not know that.
//
// A module that restarts says so with a banner; it is configured again. One that has
// restarted unheard is found by asking it, once a minute without messages, whether
// it still listens.
//
// # Messages
//
// RUI3 tells a packet in one line, `+EVT:RXP2P:-28:5:48656C6C6F` with RSSI, SNR and
// payload. Older firmware has two: `+EVT:RXP2P, RSSI -28, SNR 5` and
// `+EVT:48656C6C6F`. Both come at any time, also between a command and its OK. What
// is in the packet is as with package ebyte: a frame of package lora, or anything.
package rak
