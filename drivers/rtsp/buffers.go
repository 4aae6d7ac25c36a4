package rtsp

import "sync"

// maxSpare is the largest buffer that is kept.
const maxSpare = 512 << 10

// buffers are shared by sources that seldom need one at once, for what lives no longer than it takes to hand a
// picture on. Its zero value is ready; a nil one has none.
type buffers struct{ pool sync.Pool }

// get returns an empty buffer, nil if there is none.
func (b *buffers) get() []byte {
	if b == nil {
		return nil
	}
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return nil
}

// put gives back a buffer that nobody looks into any more.
func (b *buffers) put(buf []byte) {
	if b != nil && cap(buf) > 0 && cap(buf) <= maxSpare {
		buf = buf[:0]
		b.pool.Put(&buf)
	}
}
