package dmr

import (
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/drivers/call"
)

func speech() *Speech {
	return &Speech{LC: LC{Dst: 9, Src: 4600101}, Color: 1, Superframes: 6, Alias: "老王 gate", Position: &call.Fix{Lat: 30.5, Lon: 114.3, Error: 20}}
}

func TestCall(t *testing.T) {
	l := listen()
	l.take(7, speech().Bursts()...)
	l.want(t, "begin 4600101→9", "text 4600101→9 老王 gate", "position 4600101→9 30.5000 114.3000", "end 4600101→9")
	if l.bad > 0 {
		t.Errorf("%d bursts make no sense", l.bad)
	}
	s := speech()
	s.LC = LC{Opcode: UnitVoice, Options: optionEmergency, Dst: 4600102, Src: 4600101}
	s.Alias, s.Position = "", nil
	l = listen()
	l.take(8, s.Bursts()...)
	l.take(9, s.Bursts()...)
	l.want(t,
		"begin 4600101→4600102 private urgent", "emergency 4600101→4600102 private", "end 4600101→4600102 private",
		"begin 4600101→4600102 private urgent", "emergency 4600101→4600102 private", "end 4600101→4600102 private")
}

// TestSameStream: a repeater that does not tell transmissions apart by their streams, and a short call for help right
// behind another's call.
func TestSameStream(t *testing.T) {
	s := speech()
	s.Alias, s.Position = "", nil
	l := listen()
	l.take(0, s.Bursts()...)
	s.LC.Src, s.LC.Options, s.Superframes = 4600102, optionEmergency, 1
	l.take(0, s.Bursts()...)
	l.want(t, "begin 4600101→9", "end 4600101→9", "begin 4600102→9 urgent", "emergency 4600102→9", "end 4600102→9")
}

func TestCallBreaksOff(t *testing.T) {
	s := speech()
	s.NoEnd, s.Alias, s.Position = true, "", nil
	l := listen()
	l.take(1, s.Bursts()...)
	l.now = l.now.Add(LostAfter)
	l.Expire(l.now, l.emit)
	l.Expire(l.now, l.emit)
	l.want(t, "begin 4600101→9", "end 4600101→9 lost")
	other := *s
	other.LC.Src = 4600102
	l.take(2, s.Bursts()...)
	l.take(3, other.Bursts()...)
	l.Close(l.emit)
	l.want(t, "begin 4600101→9", "end 4600101→9 lost", "begin 4600101→9", "end 4600101→9 lost", "begin 4600102→9", "end 4600102→9 lost")
}

func TestControl(t *testing.T) {
	l := listen()
	alarm := Control(1, Alarm, 4600101, 9)
	l.take(1, alarm, alarm, alarm)
	l.want(t, "emergency 4600101→9")
	l.now = l.now.Add(sameWithin)
	l.take(2, alarm, Control(1, CallAlert, 4600101, 4600102), Control(1, RadioCheck, 4600101, 4600102))
	answer := CSBK{Opcode: RadioCheck, FID: fidMotorola, Src: 1, Dst: 2}
	foreign := CSBK{Opcode: CallAlert, Src: 1, Dst: 2}
	l.take(3, answer.encode(1), foreign.encode(1), Control(1, Preamble, 1, 2))
	l.want(t, "emergency 4600101→9", "emergency 4600101→9", "page 4600101→4600102 private", "check 4600101→4600102 private")
	if l.bad > 0 {
		t.Errorf("%d bursts make no sense", l.bad)
	}
}

// TestAlarmGoesOn: a set that repeats its alarm without a pause is told of again now and then.
func TestAlarmGoesOn(t *testing.T) {
	l := listen()
	for range 25 {
		l.take(1, Control(1, Alarm, 4600101, 9))
		l.now = l.now.Add(time.Second)
	}
	l.want(t, "emergency 4600101→9", "emergency 4600101→9", "emergency 4600101→9")
}

func TestShortText(t *testing.T) {
	for _, text := range []string{"东门有人摔倒", "a", "a rather long text that needs more than a handful of blocks to be sent"} {
		l := listen()
		l.take(1, ShortText(1, 4600101, 9, true, text)...)
		l.want(t, "text 4600101→9 "+text)
	}
	l := listen()
	bursts := ShortText(1, 4600101, 9, true, "lost in part")
	l.take(1, append(bursts[:1:1], bursts[2:]...)...)
	l.want(t)
	spoiled := ShortText(1, 4600101, 9, true, "spoiled")
	for i := range infoBits / 2 {
		flip(&spoiled[1], infoIndex(2*i))
	}
	l.take(2, spoiled...)
	l.want(t)
}

// Confirmed data of rate 3/4 has a CRC in each block.
func TestConfirmedRate34(t *testing.T) {
	body := append([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 1, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x13, 0x98, 0x13, 0x98, 0, 20, 0, 0}, "h\x00e\x00l\x00p\x00!\x00!\x00"...)
	for len(body) < 44 {
		body = append(body, 0)
	}
	crc := crc32(body)
	body = append(body, byte(crc), byte(crc>>8), byte(crc>>16), byte(crc>>24))
	var h [12]byte
	h[0], h[1], h[8] = 0x80|formatConfirmed, 0x44, 0x83
	putID24(h[2:], 9)
	putID24(h[5:], 4600101)
	putCRC(&h, maskHeader)
	bursts := []Burst{newData(1, DataHeaderType, &h)}
	for i := range 3 {
		var block [18]byte
		copy(block[2:], body[16*i:])
		c := crc9(block[2:], 128, byte(i)) ^ 0x1FF
		block[0], block[1] = byte(i)<<1|byte(c>>8), byte(c)
		bursts = append(bursts, encodeTrellis(1, &block))
	}
	l := listen()
	l.take(1, bursts...)
	l.want(t, "text 4600101→9 help!!")
}

// Noise says nothing: some thousand bursts here, DMR_FRAMES of them by hand.
func TestNoiseSaysNothing(t *testing.T) {
	n := long(t, "DMR_FRAMES", 10_000)
	rnd := rand.New(rand.NewPCG(11, 12))
	l := listen()
	types := []DataType{VoiceLCHeader, TerminatorLC, CSBKType, DataHeaderType, Rate12, Rate34}
	for i := range n {
		var b Burst
		for k := 0; k < BurstBytes; k += 3 {
			v := rnd.Uint32()
			b.Payload[k], b.Payload[k+1], b.Payload[k+2] = byte(v), byte(v>>8), byte(v>>16)
		}
		// The hardest: sync, slot type and EMB are as they should be, and the rest is noise.
		if b.Data = i%2 == 0; b.Data {
			b.Type = types[i/2%len(types)]
			b.setCenter(syncBSData)
			b.setSlotType(1, b.Type)
		} else if b.Voice = i / 2 % 6; b.Voice > 0 {
			b.setEmb(emb{color: 1, lcss: []byte{0, 1, 3, 3, 2, 0}[b.Voice]})
		}
		l.Take(&b, 1, l.now, nil, l.emit)
	}
	if len(l.said) > 0 {
		t.Errorf("%d bursts of noise: %q", n, l.said)
	}
}

// All of a call comes through with three wrong bits in each burst, which are anywhere in it.
func TestCallOnABadChannel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 14))
	begun, alarms := 0, 0
	const rounds = 50
	for i := range rounds {
		l := listen()
		s := Speech{LC: LC{Options: optionEmergency, Dst: 9, Src: 4600101}, Color: 1, Superframes: 2}
		bursts := append(s.Bursts(), Control(1, Alarm, 4600102, 9))
		for k := range bursts {
			for _, at := range rnd.Perm(8 * BurstBytes)[:3] {
				flip(&bursts[k], at)
			}
		}
		l.take(uint32(i), bursts...)
		for _, said := range l.said {
			switch said {
			case "begin 4600101→9 urgent":
				begun++
			case "emergency 4600102→9":
				alarms++
			case "emergency 4600101→9", "end 4600101→9", "end 4600101→9 lost":
			default:
				t.Errorf("heard %q", said)
			}
		}
	}
	if begun != rounds || alarms != rounds {
		t.Errorf("of %d calls and alarms with three wrong bits in each burst %d and %d were heard", rounds, begun, alarms)
	}
}

func FuzzReceiver(f *testing.F) {
	for _, b := range speech().Bursts() {
		f.Add(b.Payload[:], b.Data, byte(b.Type), byte(b.Voice))
	}
	alarm := Control(1, Alarm, 1, 2)
	for _, b := range append(ShortText(1, 1, 2, false, "fuzz"), alarm) {
		f.Add(b.Payload[:], b.Data, byte(b.Type), byte(0))
	}
	l := listen()
	f.Fuzz(func(t *testing.T, payload []byte, data bool, kind, voice byte) {
		b := Burst{Data: data, Type: DataType(kind), Voice: int(voice % 6)}
		copy(b.Payload[:], payload)
		l.Take(&b, 1, l.now, nil, func(e call.Event) {
			if err := e.Check(); err != nil {
				t.Errorf("%v in %+v", err, e)
			}
		})
		l.now = l.now.Add(60 * time.Millisecond)
	})
}

// What comes after the corrections of the codes is hostile as well.
func FuzzInfo(f *testing.F) {
	f.Add([]byte("123456789012"), []byte("some data that follows, of any length"))
	f.Fuzz(func(_ *testing.T, info, body []byte) {
		var b [12]byte
		copy(b[:], info)
		putCRC(&b, maskHeader)
		if m, ok := parseHeader(&b); ok {
			m.data = append(m.data, body...)
			if n := len(m.data); n >= 4 && n%2 == 0 {
				c := crc32(m.data[:n-4])
				m.data[n-4], m.data[n-3], m.data[n-2], m.data[n-1] = byte(c), byte(c>>8), byte(c>>16), byte(c>>24)
			}
			_ = m.text()
		}
		_ = overIP(body)
		putCRC(&b, maskCSBK)
		_, _ = parseCSBK(&b)
		_, _ = parseLC(b[:9])
		_, _ = parseGPS(b[:9])
		var a alias
		for i := 0; i+9 <= len(body); i += 9 {
			_, _ = a.add(body[i : i+9])
		}
	})
}
