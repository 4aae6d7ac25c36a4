package subscribe

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
)

type bytesConn struct {
	net.Conn
	r io.Reader
}

func (c bytesConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// FuzzGuard holds that what passes is what came, up to where the protocol ends.
func FuzzGuard(f *testing.F) {
	f.Add([]byte("\x20\x02\x00\x00\x90\x03\x00\x01\x01\x30\x04\x00\x01ab\xd0\x00"))
	f.Add([]byte("\x20\x02\x00\x00\x30\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte("\x20\x02\x00\x00\x30\x80\x01" + strings.Repeat("x", 128)))
	f.Fuzz(func(t *testing.T, in []byte) {
		g := &guard{Conn: bytesConn{r: bytes.NewReader(in)}, filters: 1}
		out, err := io.ReadAll(g)
		if !bytes.HasPrefix(in, out) {
			t.Errorf("%x became %x", in, out)
		}
		if err == nil && len(out) != len(in) && len(in)-len(out) > 5 {
			t.Errorf("%x ended at %x", in, out)
		}
	})
}
