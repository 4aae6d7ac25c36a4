package mqtt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

func publishBytes(t testing.TB, topic string, qos byte, id uint16, payload []byte) []byte {
	t.Helper()
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Qos, p.MessageID, p.Payload = topic, qos, id, payload
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// packetCases serve the table test and the fuzz target. Clauses are MQTT 3.1.1.
func packetCases(t testing.TB) []struct {
	name string
	in   []byte
	want error // nil, errProtocol, errDismissed, errTakenOver or io.ErrUnexpectedEOF
} {
	return []struct {
		name string
		in   []byte
		want error
	}{
		{"connack", []byte{0x20, 2, 0, 0}, nil},
		{"connack refused", []byte{0x20, 2, 0, 5}, nil},
		{"connack with a reserved code, which paho takes for accepted (3.2.2.3)", []byte{0x20, 2, 0, 6}, errProtocol},
		{"connack with reserved flags (3.2.2.1)", []byte{0x20, 2, 2, 0}, errProtocol},
		{"connack too short", []byte{0x20, 1, 0}, errProtocol},
		{"puback", []byte{0x40, 2, 0, 7}, nil},
		{"puback with flags (2.2.2)", []byte{0x41, 2, 0, 7}, errProtocol},
		{"puback too long", []byte{0x40, 3, 0, 7, 0}, errProtocol},
		{"suback", []byte{0x90, 3, 0, 1, 1}, nil},
		{"suback without codes", []byte{0x90, 2, 0, 1}, errProtocol},
		{"suback with far too many codes", append([]byte{0x90, 0x83, 0x02}, make([]byte, 259)...), errProtocol},
		{"pingresp", []byte{0xd0, 0}, nil},
		{"pingresp with a body", []byte{0xd0, 1, 0}, errProtocol},
		{"pubcomp, which paho takes for an acknowledgement of QoS 1", []byte{0x70, 2, 0, 7}, errProtocol},
		{"unsuback", []byte{0xb0, 2, 0, 7}, nil},
		{"unsuback with something more", []byte{0xb0, 3, 0, 7, 0}, errProtocol},
		{"pubrec", []byte{0x50, 2, 0, 7}, errProtocol},
		{"pubrel", []byte{0x62, 2, 0, 7}, errProtocol},
		{"connect from a broker", []byte{0x10, 0}, errProtocol},
		{"disconnect, as from mochi-mqtt", []byte{0xe0, 0}, errDismissed},
		{"disconnect with a reason", []byte{0xe0, 2, 0x81, 0}, errDismissed},
		{"disconnect as another client came (MQTT 5, 3.14.2.1)", []byte{0xe0, 2, 0x8e, 0}, errTakenOver},
		{"disconnect cut off", []byte{0xe0, 2}, io.ErrUnexpectedEOF},
		{"reserved type", []byte{0xf0, 0}, errProtocol},
		{"length of five bytes (2.2.3)", []byte{0x40, 0xff, 0xff, 0xff, 0xff, 0x01}, errProtocol},
		{"publish", publishBytes(t, "a/b", 1, 9, []byte("x")), nil},
		{"publish at QoS 0, empty", publishBytes(t, "a/b", 0, 0, nil), nil},
		{"publish at QoS 2", publishBytes(t, "a/b", 2, 9, []byte("x")), errProtocol},
		{"publish at QoS 3 (3.3.1.2)", []byte{0x36, 0}, errProtocol},
		{"publish with id 0 (2.3.1)", publishBytes(t, "a/b", 1, 0, []byte("x")), errProtocol},
		{"publish without topic (4.7.3)", publishBytes(t, "", 0, 0, []byte("x")), errProtocol},
		{"dropped: publish on a filter (3.3.2.1)", publishBytes(t, "a/+", 1, 9, []byte("x")), nil},
		{"dropped: publish on bad UTF-8 (1.5.3)", publishBytes(t, "a\xff", 1, 9, []byte("x")), nil},
		{"dropped: publish on a huge topic", publishBytes(t, strings.Repeat("t", maxTopic+1), 1, 9, nil), nil},
		{"publish whose topic is longer than the packet", []byte{0x30, 4, 0, 9, 'a', 'b'}, errProtocol},
		{"publish shorter than its header", []byte{0x32, 3, 0, 1, 'a'}, errProtocol},
		{"publish cut off", publishBytes(t, "a/b", 1, 9, []byte("xyz"))[:9], io.ErrUnexpectedEOF},
		{"publish that announces 256 MiB and ends", []byte{0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 'a'}, io.ErrUnexpectedEOF},
		{"header cut off", []byte{0x40}, io.ErrUnexpectedEOF},
		{"publish as long as allowed", publishBytes(t, "a", 1, 9, make([]byte, MaxIncoming)), nil},
		{"dropped: publish too long", publishBytes(t, "a", 1, 9, make([]byte, MaxIncoming+1)), nil},
	}
}

func TestReadPacket(t *testing.T) {
	for _, c := range packetCases(t) {
		in := append(bytes.Clone(c.in), 0xd0, 0) // something follows, unless the packet is cut off
		if errors.Is(c.want, io.ErrUnexpectedEOF) {
			in = c.in
		}
		r := bufio.NewReader(bytes.NewReader(in))
		p, err := readPacket(r, MaxIncoming)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
			continue
		}
		if err != nil {
			continue
		}
		if strings.HasPrefix(c.name, "dropped: ") { // and acknowledged, so the id is needed
			if p.raw != nil || p.id != 9 || p.qos != 1 {
				t.Errorf("%s: kept %d bytes, id %d, QoS %d", c.name, len(p.raw), p.id, p.qos)
			}
		} else if !bytes.Equal(p.raw, c.in) {
			t.Errorf("%s: came out as %x", c.name, p.raw)
		}
		if next, err := readPacket(r, MaxIncoming); err != nil || next.kind != typePingresp {
			t.Errorf("%s: what follows is %#x, %v", c.name, next.kind, err)
		}
	}
}

// FuzzReadPacket holds that whatever is let through is let through byte for
// byte, is one packet that paho can read, and is no longer than it may be.
func FuzzReadPacket(f *testing.F) {
	for _, c := range packetCases(f) {
		if len(c.in) < 4096 {
			f.Add(c.in)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(bytes.NewReader(in))
		p, err := readPacket(r, MaxIncoming)
		if err != nil || p.raw == nil {
			return
		}
		if !bytes.HasPrefix(in, p.raw) || len(p.raw) > MaxIncoming+maxTopic+16 {
			t.Fatalf("%x came out as %x", in, p.raw)
		}
		rest := bytes.NewReader(p.raw)
		if _, err := packets.ReadPacket(rest); err != nil || rest.Len() != 0 {
			t.Fatalf("paho cannot read %x: %v, %d bytes left", p.raw, err, rest.Len())
		}
	})
}

func TestParseOutgoing(t *testing.T) {
	sub := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	sub.MessageID, sub.Topics, sub.Qoss = 513, []string{"a/+", "b/#", "c"}, []byte{1, 1, 1}
	var b bytes.Buffer
	if err := sub.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		in   []byte
		want outgoing
	}{
		{"subscribe", b.Bytes(), outgoing{typeSubscribe, 513, 3}},
		{"unsubscribe", []byte{0xa2, 5, 2, 1, 0, 1, 'a'}, outgoing{typeUnsubscribe, 513, 0}},
		{"publish", publishBytes(t, "a/b", 1, 0xfffe, make([]byte, 300)), outgoing{typePublish, 0xfffe, 0}},
		{"publish at QoS 0", publishBytes(t, "a/b", 0, 0, nil), outgoing{}},
		{"ping", []byte{0xc0, 0}, outgoing{}},
		{"puback", []byte{0x40, 2, 0, 1}, outgoing{}},
		{"nothing", nil, outgoing{}},
		{"cut off", publishBytes(t, "a/b", 1, 7, nil)[:5], outgoing{}},
	} {
		if got := parseOutgoing(c.in); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestFilters(t *testing.T) {
	for _, c := range []struct { // MQTT 3.1.1, 4.7.1
		filter, topic string
		valid, want   bool
	}{
		{"ack/+", "ack/1", true, true},
		{"ack/+", "ack/1/2", true, false},
		{"ack/+", "ack", true, false},
		{"ack/+", "ack/", true, true},
		{"cmd/#", "cmd/1/result", true, true},
		{"cmd/#", "cmd", true, true},
		{"cmd/#", "cmdx", true, false},
		{"#", "anything/at/all", true, true},
		{"+/x", "a/x", true, true},
		{"+/x", "a/y", true, false},
		{"+", "a/b", true, false},
		{"a/b", "a/b", true, true},
		{"a/b", "a", true, false},
		{"a", "a/b", true, false},
		{"a/#/b", "", false, false},
		{"a#", "", false, false},
		{"a+/b", "", false, false},
		{"", "", false, false},
		{"/a", "", false, false},
		{"a\x00", "", false, false},
	} {
		if got := validFilter(c.filter); got != c.valid {
			t.Errorf("filter %q valid: %v", c.filter, got)
		} else if got && matches(c.filter, c.topic) != c.want {
			t.Errorf("%q under %q: %v", c.topic, c.filter, !c.want)
		}
	}
}
