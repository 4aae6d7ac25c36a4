// Package dmr reads and writes the bursts of Digital Mobile Radio, as far as they say who
// calls whom: ETSI TS 102 361-1 (air interface) and TS 102 361-2 (voice and generic
// services). It makes call.Events of what a repeater hears; the speech itself is not decoded.
//
// # Errors on the air
//
// Every code corrects what it can: BPTC(196,96) any three bits of 196 and most patterns of more, the
// embedded code (128,77) any three of 128, Golay(20,8) any three of 20, the quadratic residue code
// (16,7) any two of 16 and detects three, RS(12,9) a byte. What needs more than is likely of a frame that
// can be trusted is refused: noise has no name in it. See [MaxFixed].
//
// # Manufacturers
//
// The emergency alarm, call alert and radio check are not ETSI's but Motorola's (feature set 0x10), whose
// opcodes many sets share. They are described in MMDVMHost's DMRCSBK.cpp, and read
// here as there.
package dmr
