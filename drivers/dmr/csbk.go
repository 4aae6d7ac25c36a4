package dmr

// Opcode is that of a control signalling block.
type Opcode byte

// The opcodes that are read. Those of the feature set of ETSI are in TS 102 361-2, B.1; the others are
// Motorola's.
const (
	CallAlert  Opcode = 0x1F
	RadioCheck Opcode = 0x24
	Alarm      Opcode = 0x27 // an emergency key
	Preamble   Opcode = 0x3D
)

// fidMotorola is the feature set of call alert, radio check and alarm.
const fidMotorola = 0x10

// CSBK is a control signalling block (TS 102 361-1, 9.3.10).
type CSBK struct {
	Opcode Opcode
	FID    byte
	Data   [2]byte // what stands before the addresses
	Dst    uint32
	Src    uint32
}

func parseCSBK(info *[12]byte) (CSBK, bool) {
	c := CSBK{Opcode: Opcode(info[0] & 0x3F), FID: info[1], Data: [2]byte{info[2], info[3]}, Dst: id24(info[4:]), Src: id24(info[7:])}
	return c, info[0]&0x40 == 0 && crcGood(info, maskCSBK)
}

func (c *CSBK) encode(color byte) Burst {
	var info [12]byte
	info[0], info[1], info[2], info[3] = 0x80|byte(c.Opcode), c.FID, c.Data[0], c.Data[1]
	putID24(info[4:], c.Dst)
	putID24(info[7:], c.Src)
	putCRC(&info, maskCSBK)
	return newData(color, CSBKType, &info)
}
