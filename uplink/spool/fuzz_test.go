package spool

import (
	"bytes"
	"testing"
	"time"
)

func FuzzDecode(f *testing.F) {
	at := time.UnixMilli(1_772_000_000_000)
	series := []Series{
		{Name: "温度", Labels: map[string]string{"device": "th-1", "floor": ""}, Samples: []Sample{{at, 1, 1, 1, 1}, {at.Add(time.Minute), -2.5, -2.5, -2.5, 1}}},
		{Name: "x", Samples: []Sample{{at, 0, 0, 0, 1}}},
	}
	for _, res := range []time.Duration{0, tenMinutes, time.Hour} {
		data, err := encode(fold(series, max(res, time.Second)), res)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)-1])
	}
	f.Add([]byte(magic))
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		fix(data)
		all, res, err := decode(data)
		if err != nil {
			return
		}
		again, err := encode(all, res)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := decode(again)
		if err != nil || !equal(merge(all), merge(back)) {
			t.Fatalf("read %v, then %v, %v", all, back, err)
		}
		for _, b := range split(fold(all, tenMinutes), tenMinutes) {
			if _, err := b.JSON(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// fix gives data a right length and checksum, without which nothing would be
// looked at.
func fix(data []byte) {
	if len(data) < header || !bytes.HasPrefix(data, []byte(magic)) {
		return
	}
	body := data[header:]
	put := func(b []byte, v uint32) { b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24) }
	at := len(magic) + 1
	put(data[at+8:], uint32(len(body)))
	put(data[at+4:], crcOf(data[at:at+4], data[at+8:at+12], body))
}
