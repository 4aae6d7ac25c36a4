package camera

import (
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	blockBytes  = 16 << 10
	regionBytes = 1 << 20 // that the system is asked for at once
	warmBlocks  = 64      // unused ones that keep their pages
)

// blocks gives out memory in blocks of one size, from outside Go's heap: there the collector neither counts
// it, which would make room for as much garbage, nor has to find it. Its zero value is ready. A nil one
// takes what it gives out from the heap.
type blocks struct {
	mu   sync.Mutex
	warm [][]byte // guarded by mu, as is cold
	cold [][]byte // without pages
}

func (b *blocks) take() []byte {
	if b == nil {
		return make([]byte, blockBytes)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.warm) == 0 && len(b.cold) == 0 && !b.more() {
		return make([]byte, blockBytes)
	}
	from := &b.warm
	if len(*from) == 0 {
		from = &b.cold
	}
	n := len(*from) - 1
	block := (*from)[n]
	*from = (*from)[:n]
	return block
}

// more gets another region. It is called with mu held, and returns false if there is none to be had.
func (b *blocks) more() bool {
	region, err := unix.Mmap(-1, 0, regionBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	for at := 0; at < regionBytes; at += blockBytes {
		b.cold = append(b.cold, region[at:at+blockBytes:at+blockBytes])
	}
	return true
}

// give takes blocks back, which nobody may look into any more.
func (b *blocks) give(list [][]byte) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, block := range list {
		// One from the heap begins anywhere, and is not worth more thought.
		if len(b.warm) >= warmBlocks && unix.Madvise(block, unix.MADV_DONTNEED) == nil {
			b.cold = append(b.cold, block)
			continue
		}
		b.warm = append(b.warm, block)
	}
}

// stream is bytes one after the other in blocks: added at its end, given up at its beginning.
type stream struct {
	from   *blocks
	pieces [][]byte
	start  int64 // of the first piece
	end    int64
}

func (s *stream) add(data []byte) {
	for len(data) > 0 {
		in := int(s.end-s.start) - blockBytes*(len(s.pieces)-1)
		if len(s.pieces) == 0 || in == blockBytes {
			s.pieces = append(s.pieces, s.from.take())
			in = 0
		}
		n := copy(s.pieces[len(s.pieces)-1][in:], data)
		s.end += int64(n)
		data = data[n:]
	}
}

// append appends n bytes from a position on to dst.
func (s *stream) append(dst []byte, at int64, n int) []byte {
	for n > 0 {
		k, in := int((at-s.start)/blockBytes), int((at-s.start)%blockBytes)
		m := min(n, blockBytes-in)
		dst = append(dst, s.pieces[k][in:in+m]...)
		at, n = at+int64(m), n-m
	}
	return dst
}

// drop gives up what is before a position.
func (s *stream) drop(to int64) {
	n := int((to - s.start) / blockBytes)
	s.from.give(s.pieces[:n])
	s.pieces = slices.Delete(s.pieces, 0, n)
	s.start += int64(n) * blockBytes
}

// give gives up everything, and the rest of the last block.
func (s *stream) give() {
	s.from.give(s.pieces)
	s.pieces, s.start = nil, s.end
}
