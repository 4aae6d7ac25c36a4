package spool

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"
	"time"
)

// A chunk file is
//
//	"SBMETR" version resolution crc length body
//
// with version 1 byte, resolution in seconds 4 bytes, crc 4 bytes (CRC-32C,
// RFC 3720 B.4, of resolution, length and body), length of the body 4 bytes, all
// little-endian, and nothing behind. The body is DEFLATE (RFC 1951) of the number of
// series and, for each, name, number of labels, labels, number of samples, and
// samples. A number is an unsigned varint, a text its length and its bytes. A
// sample is the varint of its time less that of the one before, in milliseconds,
// and its value in 8 bytes of IEEE 754, with a resolution also minimum, maximum
// and count.
const (
	magic   = "SBMETR"
	version = 1
	header  = len(magic) + 1 + 4 + 4 + 4
	// maxChunk bounds what is read of a file, and maxBody what it may inflate to.
	maxChunk = 1 << 20
	maxBody  = 16 << 20
)

var (
	errCorrupt = errors.New("corrupt chunk")
	errFuture  = errors.New("chunk of a newer version")
)

func crcOf(parts ...[]byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	var sum uint32
	for _, p := range parts {
		sum = crc32.Update(sum, table, p)
	}
	return sum
}

func encode(all []Series, res time.Duration) ([]byte, error) {
	raw := binary.AppendUvarint(nil, uint64(len(all)))
	for _, s := range all {
		raw = appendSeries(raw, s, res)
	}
	var body bytes.Buffer
	z, err := flate.NewWriter(&body, flate.DefaultCompression)
	if err == nil {
		_, err = z.Write(raw)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress metrics: %w", err)
	}
	out := append([]byte(magic), version)
	out = binary.LittleEndian.AppendUint32(out, uint32(res/time.Second))
	size := binary.LittleEndian.AppendUint32(nil, uint32(body.Len()))
	out = binary.LittleEndian.AppendUint32(out, crcOf(out[len(magic)+1:], size, body.Bytes()))
	out = append(out, size...)
	return append(out, body.Bytes()...), nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendSeries(b []byte, s Series, res time.Duration) []byte {
	b = appendText(b, s.Name)
	b = binary.AppendUvarint(b, uint64(len(s.Labels)))
	for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
		b = appendText(appendText(b, k), s.Labels[k])
	}
	b = binary.AppendUvarint(b, uint64(len(s.Samples)))
	var last int64
	for _, p := range s.Samples {
		at := p.Time.UnixMilli()
		b = binary.AppendUvarint(b, uint64(at-last)) // sorted
		last = at
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.Mean))
		if res > 0 {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.Min))
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.Max))
			b = binary.AppendUvarint(b, uint64(p.Count))
		}
	}
	return b
}

// decode reads a chunk file. Whatever it holds, it returns errCorrupt or
// errFuture and neither panics nor takes more than maxBody of memory, several times
// over.
func decode(data []byte) (all []Series, res time.Duration, err error) {
	if len(data) < header || string(data[:len(magic)]) != magic {
		return nil, 0, fmt.Errorf("%w: no header", errCorrupt)
	}
	data = data[len(magic):]
	if data[0] != version {
		return nil, 0, fmt.Errorf("%w: %d", errFuture, data[0])
	}
	width, crc, size, body := data[1:5], binary.LittleEndian.Uint32(data[5:9]), data[9:13], data[13:]
	if uint64(binary.LittleEndian.Uint32(size)) != uint64(len(body)) || crcOf(width, size, body) != crc {
		return nil, 0, fmt.Errorf("%w: checksum", errCorrupt)
	}
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body)), maxBody+1))
	if err != nil || len(raw) > maxBody {
		return nil, 0, fmt.Errorf("%w: does not inflate", errCorrupt)
	}
	r := reader{b: raw}
	res = time.Duration(binary.LittleEndian.Uint32(width)) * time.Second
	for n := r.count(4); n > 0 && !r.bad; n-- {
		all = append(all, r.series(res))
	}
	if r.bad || len(r.b) > 0 {
		return nil, 0, fmt.Errorf("%w: content", errCorrupt)
	}
	return all, res, nil
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads how many things of at least each bytes follow.
func (r *reader) count(each int) int {
	n := r.number()
	if n > uint64(len(r.b)/each) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) text(most int) string {
	n := r.count(1)
	if n > most {
		r.bad = true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) float() float64 {
	if len(r.b) < 8 {
		r.bad, r.b = true, nil
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

func (r *reader) series(res time.Duration) Series {
	s := Series{Name: r.text(maxName)}
	if n := r.count(2); n > maxLabels {
		r.bad = true
	} else if n > 0 {
		s.Labels = make(map[string]string, n)
		for ; n > 0 && !r.bad; n-- {
			k := r.text(maxLabel)
			s.Labels[k] = r.text(maxLabel)
		}
	}
	n := r.count(9)
	if r.bad {
		return s
	}
	s.Samples = make([]Sample, 0, n)
	var at uint64
	for ; n > 0 && !r.bad; n-- {
		at += min(r.number(), maxTime)
		p := Sample{Mean: r.float(), Count: 1}
		p.Min, p.Max = p.Mean, p.Mean
		if res > 0 {
			p.Min, p.Max, p.Count = r.float(), r.float(), int64(min(r.number(), maxCount))
		}
		p.Time = time.UnixMilli(int64(min(at, maxTime)))
		r.bad = r.bad || at > maxTime || !p.sound()
		s.Samples = append(s.Samples, p)
	}
	return s
}

func (s Sample) sound() bool {
	for _, v := range []float64{s.Mean, s.Min, s.Max} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return s.Count > 0
}
