package dmr

import "math/bits"

// DataType says what is in a burst with a slot type (TS 102 361-1, 6.2 and 9.3.6).
type DataType byte

// The data types.
const (
	PIHeader       DataType = 0 // encrypted speech follows
	VoiceLCHeader  DataType = 1
	TerminatorLC   DataType = 2
	CSBKType       DataType = 3
	MBCHeader      DataType = 4
	MBCContinued   DataType = 5
	DataHeaderType DataType = 6
	Rate12         DataType = 7
	Rate34         DataType = 8
	Idle           DataType = 9
	Rate1          DataType = 10
)

// Burst is one of 30 ms, with what the repeater says about it.
type Burst struct {
	// Data says that it has a slot type and is of Type; otherwise it is speech, and Voice is its place in the
	// superframe, 0 for that with the sync to 5.
	Data    bool
	Type    DataType
	Voice   int
	Payload [BurstBytes]byte
}

// Sync patterns (TS 102 361-1, 9.1.1), of 48 bits.
const (
	syncBSVoice = 0x755FD7DF75F7
	syncBSData  = 0xDFF57D75DF5D
	syncMSVoice = 0x7F7D5DD57DFD
	syncMSData  = 0xD5D7F77FD757
)

func (b *Burst) center() uint64 {
	return uint64(field(b.Payload[:], 108, 24))<<24 | uint64(field(b.Payload[:], 132, 24))
}

func (b *Burst) setCenter(v uint64) {
	putField(b.Payload[:], 108, 24, uint32(v>>24))      // 24 bits of it
	putField(b.Payload[:], 132, 24, uint32(v&0xFFFFFF)) // 24 bits
}

// maxSyncErrors of 48 are no hindrance; the codes decide.
const maxSyncErrors = 8

// synced says whether the sync is one of data.
func (b *Burst) synced() bool {
	c := b.center()
	return bits.OnesCount64(c^syncBSData) <= maxSyncErrors || bits.OnesCount64(c^syncMSData) <= maxSyncErrors
}

// slotType returns the colour code and the data type that the burst itself has.
func (b *Burst) slotType() (color byte, t DataType, ok bool) {
	w := field(b.Payload[:], 98, 10)<<10 | field(b.Payload[:], 156, 10)
	v, _, ok := decodeGolay(w)
	return v >> 4, DataType(v & 0xF), ok
}

func (b *Burst) setSlotType(color byte, t DataType) {
	w := encodeGolay(color<<4 | byte(t))
	putField(b.Payload[:], 98, 10, w>>10)
	putField(b.Payload[:], 156, 10, w)
}

// Emb is the EMB field of a burst of speech (9.3.2).
type emb struct {
	color byte
	lcss  byte // 0 single, 1 first, 2 last, 3 continuation of the link control
}

func (b *Burst) emb() (e emb, ok bool) {
	w := field(b.Payload[:], 108, 8)<<8 | field(b.Payload[:], 148, 8)
	v, _, ok := decodeQR(w)
	return emb{color: v >> 3, lcss: v & 3}, ok
}

func (b *Burst) setEmb(e emb) {
	w := encodeQR(e.color<<3 | e.lcss)
	putField(b.Payload[:], 108, 8, w>>8)
	putField(b.Payload[:], 148, 8, w)
}

func (b *Burst) fragment() uint32 { return field(b.Payload[:], 116, 32) }

func (b *Burst) setFragment(v uint32) { putField(b.Payload[:], 116, 32, v) }

// newData makes a burst of 96 bits.
func newData(color byte, t DataType, info *[12]byte) Burst {
	b := Burst{Data: true, Type: t}
	EncodeBPTC(&b.Payload, info)
	b.setSlotType(color, t)
	b.setCenter(syncBSData)
	return b
}
