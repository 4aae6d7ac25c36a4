package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Exception is what a unit answers when it will not do what was asked
// (Application Protocol, section 7).
type Exception byte

func (e Exception) Error() string {
	text := map[Exception]string{
		1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "server device failure",
		5: "acknowledge, still at work", 6: "server device busy", 8: "memory parity error",
		10: "gateway path unavailable", 11: "gateway target device failed to respond",
	}[e]
	if text == "" {
		text = "unknown"
	}
	return fmt.Sprintf("exception %d (%s)", byte(e), text)
}

// absent are exceptions in which a gateway says that the unit behind it does not answer.
func (e Exception) absent() bool { return e == 10 || e == 11 }

// errMalformed is an answer that does not fit its request.
var errMalformed = errors.New("malformed answer")

// request is a read or a write.
type request struct {
	unit  byte
	table Table
	start uint16
	count uint16   // of a read
	write []uint16 // values of a write: one, and a coil's is 0 or 1
	many  bool     // write with function 15 or 16
}

func (r request) function() byte {
	switch {
	case r.write == nil:
		return r.table.read()
	case r.table == Coils && r.many:
		return 15
	case r.table == Coils:
		return 5
	case r.many:
		return 16
	}
	return 6
}

// pdu returns the request without address and checksum.
func (r request) pdu() []byte {
	b := binary.BigEndian.AppendUint16([]byte{r.function()}, r.start)
	switch r.function() {
	case 5:
		return append(b, 0xff*byte(r.write[0]), 0)
	case 6:
		return binary.BigEndian.AppendUint16(b, r.write[0])
	case 15:
		return append(b, 0, 1, 1, byte(r.write[0]))
	case 16:
		return binary.BigEndian.AppendUint16(append(b, 0, 1, 2), r.write[0])
	}
	return binary.BigEndian.AppendUint16(b, r.count)
}

// payload is how many bytes of data the answer to a read has.
func (r request) payload() int {
	if r.table.bits() {
		return (int(r.count) + 7) / 8
	}
	return 2 * int(r.count)
}

// answerLength is how long the answer's PDU is, if it is no exception.
func (r request) answerLength() int {
	if r.write != nil {
		return 5
	}
	return 2 + r.payload()
}

// parse takes an answer's PDU apart, and returns its data. Its error is an Exception, or errMalformed.
func (r request) parse(pdu []byte) ([]byte, error) {
	fn := r.function()
	if len(pdu) == 2 && pdu[0] == fn|0x80 {
		return nil, Exception(pdu[1])
	}
	if len(pdu) != r.answerLength() || pdu[0] != fn {
		return nil, errMalformed
	}
	if r.write != nil {
		// The answer begins as the request: address, and value or count.
		if string(pdu) != string(r.pdu()[:5]) {
			return nil, errMalformed
		}
		return nil, nil
	}
	if int(pdu[1]) != r.payload() {
		return nil, errMalformed
	}
	return pdu[2:], nil
}

func (r request) String() string {
	verb, count := "read", r.count
	if r.write != nil {
		verb, count = "write", 1
	}
	return fmt.Sprintf("%s %s %d+%d of unit %d", verb, r.table, r.start, count, r.unit)
}
