package uart

import (
	"bytes"
	"testing"
)

// BenchmarkSplitter takes the worst that a line can bring, byte by byte: nothing but beginnings.
func BenchmarkSplitter(b *testing.B) {
	for name, c := range map[string]struct {
		framing string
		noise   []byte
	}{
		"frames": {"ultrasonic", []byte("\xff\x07\xa1\xa7")},
		"starts": {"dust", []byte("BM\x00\xf0")},
		"pairs":  {"pairs", []byte("~}}")},
		"hdlc":   {"hdlc", []byte("~\xf0~")},
	} {
		b.Run(name, func(b *testing.B) {
			s := NewSplitter(framings[c.framing])
			stream := bytes.Repeat(c.noise, 1000)
			b.SetBytes(int64(len(stream)))
			for b.Loop() {
				for i := range stream {
					s.Push(stream[i : i+1])
				}
			}
		})
	}
}
