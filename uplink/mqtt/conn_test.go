package mqtt

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// late is no time in which anything here is still under way.
const late = 10 * time.Minute

func pipe(t *testing.T, timeout time.Duration) (*conn, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	return &conn{Conn: ours, raw: &counted{Conn: ours, meter: unmetered{}}, timeout: timeout, longest: MaxIncoming, count: &counters{}, r: bufio.NewReader(ours),
		acks: map[uint16]struct{}{}, subs: map[uint16]int{}, ends: map[uint16]struct{}{}}, theirs
}

// greet has the broker's side send CONNACK and what follows.
func greet(t *testing.T, c *conn, theirs net.Conn, then ...byte) {
	t.Helper()
	go func() { _, _ = theirs.Write(append([]byte{0x20, 2, 0, 0}, then...)) }()
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryWriteHasADeadline(t *testing.T) {
	for name, packet := range map[string][]byte{
		"PUBLISH": publishBytes(t, "a", 1, 7, []byte("x")), "PINGREQ": {0xc0, 0}, "PUBACK": {0x40, 2, 0, 1}, "SUBSCRIBE": {0x82, 6, 0, 1, 0, 1, 'a', 1},
	} {
		c, theirs := pipe(t, 50*time.Millisecond)
		greet(t, c, theirs)
		// paho clears the deadline after each PUBLISH, perhaps while a ping is being written.
		if err := errors.Join(c.SetWriteDeadline(time.Time{}), c.SetDeadline(time.Time{})); err != nil {
			t.Fatal(err)
		}
		_, err := c.Write(packet)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v, want a timeout", name, err)
		}
		// The reader learns of it, in words that paho does not take for its own doing.
		if _, err := c.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: the reader sees %v", name, err)
		}
		if len(c.acks)+len(c.subs) != 0 {
			t.Errorf("%s: what was not written can be acknowledged", name)
		}
	}
}

func TestAbortIsNotTakenForOurOwnClosing(t *testing.T) {
	for _, why := range []error{errStalled, net.ErrClosed} {
		c, theirs := pipe(t, late)
		greet(t, c, theirs)
		time.AfterFunc(20*time.Millisecond, func() { c.abort(why) })
		_, err := c.Read(make([]byte, 1))
		if err == nil || strings.Contains(err.Error(), "closed network connection") || errors.Is(err, io.EOF) {
			t.Errorf("reader sees %v", err)
		}
		if _, err := c.Write([]byte{0xc0, 0}); err == nil || strings.Contains(err.Error(), "closed network connection") {
			t.Errorf("writer sees %v", err)
		}
	}
}

func TestOnlyWhatWasSentCanBeAcknowledged(t *testing.T) {
	c, theirs := pipe(t, late)
	greet(t, c, theirs)
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	if _, err := c.Write(publishBytes(t, "a", 1, 7, []byte("x"))); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = theirs.Write([]byte{0x40, 2, 0, 8, 0x40, 2, 0, 7, 0x40, 2, 0, 7, 0xd0, 0})
	}()
	got := make([]byte, 6)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "\x40\x02\x00\x07\xd0\x00" {
		t.Fatalf("got %x, %v", got, err)
	}
	if n := c.count.strayAcks.Load(); n != 2 {
		t.Fatalf("%d stray acknowledgements, want 2", n)
	}
}

func TestConnackComesFirstAndOnce(t *testing.T) {
	c, theirs := pipe(t, late)
	go func() { _, _ = theirs.Write([]byte{0xd0, 0}) }()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, errProtocol) {
		t.Errorf("PINGRESP before CONNACK: %v", err)
	}
	c, theirs = pipe(t, late)
	greet(t, c, theirs, 0x20, 2, 0, 0)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, errProtocol) {
		t.Errorf("second CONNACK: %v", err)
	}
}

func TestOversizedMessagesAreAcknowledgedAndDropped(t *testing.T) {
	c, theirs := pipe(t, late)
	greet(t, c, theirs)
	acks := make(chan []byte, 1)
	go func() {
		_, _ = theirs.Write(publishBytes(t, "a", 1, 0x1234, make([]byte, MaxIncoming+1)))
		b := make([]byte, 4)
		_, _ = io.ReadFull(theirs, b)
		acks <- b
		_, _ = theirs.Write([]byte{0xd0, 0})
	}()
	b := make([]byte, 2)
	if _, err := io.ReadFull(c, b); err != nil || b[0] != 0xd0 {
		t.Fatalf("after the message comes %x, %v", b, err)
	}
	if got := <-acks; string(got) != "\x40\x02\x12\x34" {
		t.Fatalf("answered %x", got)
	}
}

// paho takes an UNSUBACK for the end of whatever has its id: one that answers
// nothing must not acknowledge a publication.
func TestOnlyWhatWasUnsubscribedCanEnd(t *testing.T) {
	c, theirs := pipe(t, late)
	greet(t, c, theirs)
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	for _, packet := range [][]byte{{0xa2, 5, 0, 7, 0, 1, 'a'}, publishBytes(t, "a", 1, 8, []byte("x"))} {
		if _, err := c.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _, _ = theirs.Write([]byte{0xb0, 2, 0, 7, 0xb0, 2, 0, 8}) }()
	got := make([]byte, 4)
	if _, err := io.ReadFull(c, got); err != nil || got[0] != typeUnsuback || got[3] != 7 {
		t.Fatalf("the answer to ours came as %x, %v", got, err)
	}
	if n, err := c.Read(got); !errors.Is(err, errProtocol) {
		t.Errorf("one for a publication came as %x, %v", got[:n], err)
	}
}
