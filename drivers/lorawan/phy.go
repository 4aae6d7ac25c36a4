package lorawan

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// DevAddr is a device's address on the air.
type DevAddr uint32

// String returns eight hexadecimal digits, as devices are labelled.
func (a DevAddr) String() string { return fmt.Sprintf("%08x", uint32(a)) }

// Message types, the upper three bits of MHDR (LoRaWAN 1.0.4, table 1).
const (
	unconfirmedUp   = 2
	unconfirmedDown = 3
	confirmedUp     = 4
)

const (
	minData = 1 + 7 + micSize // MHDR, FHDR without options, MIC
	maxData = 255             // of a LoRa packet
	micSize = 4
)

// Bits of FCtrl in an uplink (1.0.4, 4.3.1).
const (
	adrAckReq = 0x40
	ackBit    = 0x20
)

// Why a packet is no data of a device.
var (
	errForm  = errors.New("not a LoRaWAN packet")
	errOther = errors.New("not an uplink with data")
)

// uplink is a data frame from a device, still encrypted. Slices are parts of the
// packet.
type uplink struct {
	addr      DevAddr
	confirmed bool
	ctrl      byte
	counter   uint16
	port      int // -1 if there is none
	payload   []byte
	signed    []byte // all but the MIC
	mic       []byte
}

// parseUplink reads a PHYPayload (1.0.4, chapter 4).
func parseUplink(b []byte) (uplink, error) {
	if len(b) < 1 || len(b) > maxData || b[0]&0x1f != 0 { // RFU 0, major R1
		return uplink{}, errForm
	}
	if kind := b[0] >> 5; kind != unconfirmedUp && kind != confirmedUp {
		return uplink{}, errOther
	}
	if len(b) < minData {
		return uplink{}, errForm
	}
	u := uplink{
		confirmed: b[0]>>5 == confirmedUp, addr: DevAddr(binary.LittleEndian.Uint32(b[1:])), ctrl: b[5],
		counter: binary.LittleEndian.Uint16(b[6:]), port: -1, signed: b[:len(b)-micSize], mic: b[len(b)-micSize:],
	}
	rest := u.signed[8:]
	options := int(u.ctrl & 0x0f)
	if options > len(rest) {
		return uplink{}, errForm
	}
	rest = rest[options:]
	if len(rest) > 0 {
		u.port, u.payload = int(rest[0]), rest[1:]
		if u.port == 0 && options > 0 { // commands are in one place or the other (4.3.1.6)
			return uplink{}, errForm
		}
	}
	return u, nil
}

// Direction of a frame.
const (
	up   = 0
	down = 1
)

// keys are those of a session.
type keys struct {
	mac *cmac        // NwkSKey
	nwk cipher.Block // NwkSKey, for commands on port 0
	app cipher.Block // AppSKey
}

func newKeys(nwk, app Key) keys {
	return keys{mac: newCMAC(nwk), nwk: newCMAC(nwk).block, app: newCMAC(app).block}
}

// mic returns the code of a frame (1.0.4, 4.4).
func (k *keys) mic(dir byte, addr DevAddr, counter uint32, signed []byte) [micSize]byte {
	b0 := block(0x49, dir, addr, counter)
	b0[15] = byte(len(signed))
	sum := k.mac.sum(&b0, signed)
	return [micSize]byte(sum[:micSize])
}

// valid says whether an uplink was made by this session with this counter.
func (k *keys) valid(u *uplink, counter uint32) bool {
	mic := k.mic(up, u.addr, counter, u.signed)
	return subtle.ConstantTimeCompare(mic[:], u.mic) == 1
}

// crypt encrypts or decrypts a payload (1.0.4, 4.3.3.1), into a slice of its own.
func (k *keys) crypt(dir byte, addr DevAddr, counter uint32, port int, payload []byte) []byte {
	c := k.app
	if port == 0 {
		c = k.nwk
	}
	out := make([]byte, len(payload))
	s := make([]byte, 16)
	for i := 0; i < len(payload); i += 16 {
		a := block(0x01, dir, addr, counter)
		a[15] = byte(i/16 + 1)
		copy(s, a[:])
		c.Encrypt(s, s)
		subtle.XORBytes(out[i:], payload[i:], s)
	}
	return out
}

// block is what A and B0 have in common.
func block(first, dir byte, addr DevAddr, counter uint32) (b [16]byte) {
	b[0], b[5] = first, dir
	binary.LittleEndian.PutUint32(b[6:], uint32(addr))
	binary.LittleEndian.PutUint32(b[10:], counter)
	return b
}

// Uplink makes the PHYPayload that a device sends, for tests and simulators. port
// below 0 is none.
func Uplink(nwk, app Key, addr DevAddr, counter uint32, confirmed bool, port int, payload []byte) []byte {
	k := newKeys(nwk, app)
	kind := byte(unconfirmedUp)
	if confirmed {
		kind = confirmedUp
	}
	b := binary.LittleEndian.AppendUint32([]byte{kind << 5}, uint32(addr))
	b = binary.LittleEndian.AppendUint16(append(b, 0), uint16(counter))
	if port >= 0 {
		b = append(append(b, byte(port)), k.crypt(up, addr, counter, port, payload)...)
	}
	mic := k.mic(up, addr, counter, b)
	return append(b, mic[:]...)
}

// reply makes the PHYPayload of an empty downlink (1.0.4, 4.3.1): it says that
// somebody listens and, with ack, that a confirmed uplink arrived.
func (k *keys) reply(addr DevAddr, counter uint32, ack bool) []byte {
	var ctrl byte
	if ack {
		ctrl = ackBit
	}
	b := binary.LittleEndian.AppendUint32([]byte{unconfirmedDown << 5}, uint32(addr))
	b = binary.LittleEndian.AppendUint16(append(b, ctrl), uint16(counter))
	mic := k.mic(down, addr, counter, b)
	return append(b, mic[:]...)
}
