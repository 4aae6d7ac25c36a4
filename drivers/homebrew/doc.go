// Package homebrew is the master of the Homebrew repeater protocol (J. Wehmeyer DL5DI and
// R. Simpson, "IPSC Protocol Specs for homebrew DMR repeater", 2015): DMR hotspots and repeaters log in to it by
// UDP and send it what they hear. It sends them nothing but what the protocol asks for.
//
// # Login
//
//	repeater                     master
//	RPTL id            (8 B)  →
//	                          ←  RPTACK salt(4)
//	RPTK id SHA-256(salt‖password) (40 B) →
//	                          ←  RPTACK id
//	RPTC id configuration (302 B) →
//	                          ←  RPTACK id
//	RPTPING id, every 10 s    →
//	                          ←  MSTPONG id
//	DMRD … (53 or 55 B)       →
//	RPTCL id                  →
//
// MSTNAK refuses, and MSTCL closes.
//
// # Strangers
//
// A salt is computed of the sender's address, so that nobody costs memory before the password was
// right. Only ids of the configuration get in. A login that is under way harms no session: it takes
// the place of one when the password was right. An answer is at most two bytes longer than what it answers,
// and strangers get few; an address with wrong passwords for a repeater is not heard in its name for a while. What comes from anywhere but a
// session's address is no part of it. The protocol has no signature: somebody on the same network who can
// send with a repeater's address can speak for it, so it belongs on a network of its own or into a VPN.
package homebrew
