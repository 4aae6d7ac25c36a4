package dmr

import (
	"sentrybox/drivers/call"
)

// FLCO says what a link control is about (TS 102 361-2, B.1).
type FLCO byte

// The opcodes.
const (
	GroupVoice  FLCO = 0
	UnitVoice   FLCO = 3
	AliasHeader FLCO = 4
	AliasBlock1 FLCO = 5
	AliasBlock2 FLCO = 6
	AliasBlock3 FLCO = 7
	GPSInfo     FLCO = 8
)

// optionEmergency is that of the service options (TS 102 361-2, 7.2.1).
const optionEmergency = 0x80

// LC is a full link control of speech: who speaks to whom (TS 102 361-2, 7.1.1.1 and 7.1.1.2).
type LC struct {
	Opcode  FLCO
	FID     byte // feature set; 0 is ETSI's
	Options byte // of service
	Dst     uint32
	Src     uint32
}

// Emergency says whether the caller says that it is one.
func (l *LC) Emergency() bool { return l.Options&optionEmergency != 0 }

// Private says whether Dst is one unit.
func (l *LC) Private() bool { return l.Opcode == UnitVoice }

// parseLC reads a link control of speech. It is false for another, or for one that is encrypted.
func parseLC(b []byte) (LC, bool) {
	l := LC{Opcode: FLCO(b[0] & 0x3F), FID: b[1], Options: b[2], Dst: id24(b[3:]), Src: id24(b[6:])}
	return l, b[0]&0x80 == 0 && (l.Opcode == GroupVoice || l.Opcode == UnitVoice) && l.Src != 0
}

func (l *LC) bytes() (b [9]byte) {
	b[0], b[1], b[2] = byte(l.Opcode), l.FID, l.Options
	putID24(b[3:], l.Dst)
	putID24(b[6:], l.Src)
	return b
}

// decodeFullLC reads the link control of a header or a terminator.
func decodeFullLC(b *Burst, mask byte) (LC, bool) {
	info, _, ok := DecodeBPTC(&b.Payload)
	if !ok {
		return LC{}, false
	}
	for i := 9; i < 12; i++ {
		info[i] ^= mask
	}
	if _, ok := rsCorrect(&info); !ok {
		return LC{}, false
	}
	return parseLC(info[:9])
}

func encodeFullLC(color byte, t DataType, lc *LC) Burst {
	var info [12]byte
	nine := lc.bytes()
	copy(info[:], nine[:])
	mask := byte(headerMask)
	if t == TerminatorLC {
		mask = terminatorMask
	}
	for i, p := range rsParity(nine[:]) {
		info[9+i] = p ^ mask
	}
	return newData(color, t, &info)
}

const (
	lonUnit  = 360.0 / (1 << 25)
	latUnit  = 180.0 / (1 << 24)
	maxError = 3 // the greatest error of a position that is worth telling: 2 km
)

// parseGPS reads a GPS Info link control (TS 102 361-2, 7.1.1.3).
func parseGPS(b []byte) (call.Fix, bool) {
	lon := int32(field(b, 23, 25)<<7) >> 7 // two's complement
	lat := int32(field(b, 48, 24)<<8) >> 8 // two's complement
	f := call.Fix{Lat: float64(lat) * latUnit, Lon: float64(lon) * lonUnit}
	switch e := field(b, 20, 3); {
	case e <= maxError:
		f.Error = 2
		for range e {
			f.Error *= 10
		}
	case e < 7:
		return call.Fix{}, false
	}
	return f, b[0]&0x80 == 0 && FLCO(b[0]&0x3F) == GPSInfo && (lat != 0 || lon != 0)
}

func gpsBytes(f call.Fix) (b [9]byte) {
	b[0] = byte(GPSInfo)
	e := uint32(7)
	for i, most := range []float64{2, 20, 200, 2000} {
		if f.Error > 0 && f.Error <= most {
			e = uint32(i) // below 4
			break
		}
	}
	putField(b[:], 20, 3, e)
	putField(b[:], 23, 25, uint32(int32(f.Lon/lonUnit))&(1<<25-1)) // two's complement
	putField(b[:], 48, 24, uint32(int32(f.Lat/latUnit))&(1<<24-1)) // two's complement
	return b
}
