package audio

import (
	"encoding/binary"
	"errors"
	"io"
)

// MuLaw returns a sample in µ-law (ITU-T G.711).
func MuLaw(v int16) byte {
	const bias, clip = 0x84, 32635
	sign, x := byte(0), int(v)
	if x < 0 {
		sign, x = 0x80, -x
	}
	x = min(x, clip) + bias
	exponent := 7
	for mask := 0x4000; x&mask == 0 && exponent > 0; mask >>= 1 {
		exponent--
	}
	return ^(sign | byte(exponent<<4) | byte(x>>(exponent+3)&0x0f))
}

// FromMuLaw returns the sample of a byte of µ-law.
func FromMuLaw(b byte) int16 {
	b = ^b
	x := (int(b&0x0f)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		x = -x
	}
	return int16(x)
}

// FromALaw returns the sample of a byte of A-law (ITU-T G.711).
func FromALaw(b byte) int16 {
	b ^= 0x55
	x := int(b&0x0f)<<4 + 8
	if e := b >> 4 & 7; e > 0 {
		x = (x + 0x100) << (e - 1)
	}
	if b&0x80 == 0 {
		x = -x
	}
	return int16(x)
}

// WriteWAV writes µ-law at Rate, mono, as a WAV file (RIFF, format 7): a byte a sample, which
// browsers and players know.
func WriteWAV(w io.Writer, mulaw []byte) error {
	pad := len(mulaw) & 1
	h := make([]byte, 0, 58)
	u32 := func(v int) { h = binary.LittleEndian.AppendUint32(h, uint32(v)) }
	u16 := func(v int) { h = binary.LittleEndian.AppendUint16(h, uint16(v)) }
	h = append(h, "RIFF"...)
	u32(4 + 8 + 18 + 8 + 4 + 8 + len(mulaw) + pad)
	h = append(h, "WAVEfmt "...)
	u32(18)
	u16(7) // WAVE_FORMAT_MULAW
	u16(1)
	u32(Rate)
	u32(Rate)
	u16(1)
	u16(8)
	u16(0)
	h = append(h, "fact"...)
	u32(4)
	u32(len(mulaw))
	h = append(h, "data"...)
	u32(len(mulaw))
	_, err := w.Write(h)
	if err == nil {
		_, err = w.Write(append(mulaw[:len(mulaw):len(mulaw)], make([]byte, pad)...))
	}
	return err
}

// ErrWAV is a file that ReadWAV does not read.
var ErrWAV = errors.New("want a WAV file of 16 bits, mono, 8000 Hz, or of µ-law")

// ReadWAV returns the samples of a WAV file at Rate, mono, of 16 bits or of µ-law; of most bytes
// of them, the rest is left out.
func ReadWAV(r io.Reader, most int) ([]int16, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, ErrWAV
	}
	format := 0
	for range 64 {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return nil, ErrWAV
		}
		size := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			var f [16]byte
			if size < 16 || size > 1024 {
				return nil, ErrWAV
			}
			if _, err := io.ReadFull(r, f[:]); err != nil {
				return nil, ErrWAV
			}
			format = int(binary.LittleEndian.Uint16(f[:]))
			bits := int(binary.LittleEndian.Uint16(f[14:]))
			known := format == 1 && bits == 16 || format == 7 && bits == 8
			if !known || binary.LittleEndian.Uint16(f[2:]) != 1 || binary.LittleEndian.Uint32(f[4:]) != Rate {
				return nil, ErrWAV
			}
			size -= 16
		case "data":
			if format == 0 {
				return nil, ErrWAV
			}
			data, err := io.ReadAll(io.LimitReader(r, min(size, int64(most))))
			return samplesOf(data, format), err
		}
		if _, err := io.CopyN(io.Discard, r, size+size&1); err != nil {
			return nil, ErrWAV
		}
	}
	return nil, ErrWAV
}

func samplesOf(data []byte, format int) []int16 {
	if format == 7 {
		out := make([]int16, len(data))
		for i, b := range data {
			out[i] = FromMuLaw(b)
		}
		return out
	}
	out := make([]int16, len(data)/2)
	for i := range out {
		out[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
	}
	return out
}
