// Package lora is the sensors' own frame for LoRa modules that have none: it says
// who sent, in what order, and that nobody made it up. What it carries is for
// others to read. See packages ebyte and rak for the modules.
//
// # Frame
//
// Numbers are big endian. A frame of n bytes of payload is 19+n bytes long:
//
//	0        bits 7-4: 2, a sensor's frame of version 1
//	         bits 3-1: 0
//	         bit 0:    1 if something has happened, 0 if it was only time to report
//	1-4      the device's number, unique among those that share a radio channel
//	5-8      counter, see below
//	9-…      payload, 0 to 218 bytes
//	8 bytes  MAC: the first eight bytes of HMAC-SHA-256 (RFC 2104) by the device's key,
//	         over everything before it
//	2 bytes  CRC-16/CCITT-FALSE (polynomial 0x1021, begun with 0xFFFF, not reflected,
//	         nothing added; "123456789" gives 0x29B1), over everything before it
//
// A frame with another value in bits 7-1 of byte 0 is of another version, and is
// refused.
//
// # On the line
//
// A module in transparent mode passes bytes on, and no borders: a receiver may
// hear the end of a transmission first. A frame is therefore encoded by COBS
// (Cheshire and Baker, Consistent Overhead Byte Stuffing, 1999), with a zero before
// and behind. That makes 22+n bytes, which must go into one sub-packet of the
// module, or the module puts its RSSI byte, if it is told to, into the middle:
// n is at most 218 for 240 bytes (E22's default), 106 for 128, 42 for 64, 10 for
// 32, and 36 for the 58 bytes of an E32. Where packets have borders of their own, as
// on a RAK3172, the frame goes as it is.
//
// # Counter
//
// It grows with each frame and never comes back, not after a change of batteries
// either: the receiver takes a frame with a counter that it has not seen, at most 63
// below the highest. A device needs no write to flash for each: it may keep a
// number that is ahead, say by 256, go on from there after a restart, and write the
// next when it is reached.
//
// To be heard in spite of collisions a device sends a frame again, bit for bit,
// after random pauses: the receiver takes the first that arrives, and the counter
// tells that the others are the same.
//
// # Key
//
// At least 16 random bytes, another for each device: who opens one device must not
// be able to speak for the others.
//
// # What it is worth
//
// The CRC tells noise from what was sent; the MAC and the counter keep strangers
// from making frames up and from playing old ones again. Eight bytes leave a forger
// one chance in 2^64 a try, of which a LoRa channel bears a few each second. The
// content can be read by anybody. Nobody tells the device that it was heard, and
// nobody can keep a jammer from drowning it: the silence of a device that should
// report at intervals is the only sign of that.
//
// # Example
//
// Device 0x0000A1B2 with the key 000102030405060708090A0B0C0D0E0F sends an event with
// counter 258 and payload 01 64:
//
//	21 0000A1B2 00000102 0164 D22B54EA36E728F3 6076
//
// and on the line, with COBS and zeros:
//
//	00 02 21 01 03 A1 B2 01 0F 01 02 01 64 D2 2B 54 EA 36 E7 28 F3 60 76 00
package lora
