package dmr

import (
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/call"
)

// listener is a Receiver and what it said, in words.
type listener struct {
	Receiver
	now  time.Time
	said []string
	bad  int
}

func listen() *listener {
	n := 0
	l := &listener{now: time.Unix(1_800_000_000, 0)}
	l.Receiver = Receiver{Station: "460001", Channel: "1", Name: func() string {
		n++
		return fmt.Sprint("call-", n)
	}}
	return l
}

func (l *listener) emit(e call.Event) {
	if err := e.Check(); err != nil {
		panic(err)
	}
	s := fmt.Sprintf("%s %s→%s", e.Kind, e.From, e.To)
	if e.Private {
		s += " private"
	}
	if e.Urgent {
		s += " urgent"
	}
	if e.Lost {
		s += " lost"
	}
	if e.Text != "" {
		s += " " + e.Text
	}
	if p := e.Position; p != nil {
		s += fmt.Sprintf(" %.4f %.4f", p.Lat, p.Lon)
	}
	l.said = append(l.said, s)
}

func (l *listener) take(stream uint32, bursts ...Burst) {
	for i := range bursts {
		if !l.Take(&bursts[i], stream, l.now, nil, l.emit) {
			l.bad++
		}
		l.now = l.now.Add(60 * time.Millisecond)
	}
}

func (l *listener) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(l.said, want) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(l.said, "\n"), strings.Join(want, "\n"))
	}
}

// recorded makes bursts of a file, as a repeater would label them.
func recorded(t testing.TB, name string) (all []Burst) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	return label(data)
}

func label(data []byte) (all []Burst) {
	place := 0
	for ; len(data) >= BurstBytes; data = data[BurstBytes:] {
		b := Burst{Payload: [BurstBytes]byte(data)}
		if b.Data = b.synced(); b.Data {
			_, b.Type, _ = b.slotType()
		} else {
			if c := b.center(); c == syncBSVoice || c == syncMSVoice {
				place = 0
			}
			b.Voice = place % 6
			place++
		}
		all = append(all, b)
	}
	return all
}

// What repeaters sent decodes to the ids and texts that others read in it.
func TestRecordings(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"parrot_kerchunk", []string{"begin 3191868→9990 private", "end 3191868→9990 private"}},
		{"voice", []string{"begin 3191868→9990 private", "end 3191868→9990 private"}},
		{"d-sms", []string{"text 3191868→9990 private TEST KI5VMF"}},
		{"h-sms", []string{"text 3191868→9990 private TEST KI5VMF"}},
		{"m-sms", []string{"text 3191868→9990 private TEST KI5VMF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen()
			l.take(1, recorded(t, c.name)...)
			l.want(t, c.want...)
			if l.bad > 0 {
				t.Errorf("%d bursts make no sense", l.bad)
			}
		})
	}
}

// Who joins late learns who speaks from what is embedded.
func TestLateEntry(t *testing.T) {
	l := listen()
	l.take(1, recorded(t, "voice")[2:]...)
	l.want(t, "begin 3191868→9990 private", "end 3191868→9990 private")
}

// The test vectors of others.
func TestVectors(t *testing.T) {
	burst := func(s string) Burst {
		data, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return label(data)[0]
	}
	// github.com/HBLink-org/dmr_utils3, decode.py: a call of 3120101 to the group 3120, by a set of Motorola.
	for i, s := range []string{
		"2b6004101f842dd00df07d41046dff57d75df5de30152e2070b20f803f88c695e2",
		"2b0f04c41f342da80d807de104adff57d75df5d965012d1877d203c03788df95d1",
	} {
		b, mask := burst(s), byte(headerMask)
		if i == 1 {
			mask = terminatorMask
		}
		lc, ok := decodeFullLC(&b, mask)
		if want := (LC{Opcode: GroupVoice, FID: 0x10, Options: 0x20, Dst: 3120, Src: 3120101}); !ok || lc != want {
			t.Errorf("%+v, %v", lc, ok)
		}
		if again := encodeFullLC(1, b.Type, &lc); again.Payload != b.Payload {
			t.Errorf("encoded\n%x, want\n%x", again.Payload, b.Payload)
		}
	}
	// github.com/OK-DMR/ok-dmr, dmrlib, test_csbk.py: a preamble of 2308155 to 2301.
	b := burst("51dd0c4d8bb40ac413a86c5094fdff57d75df5dcadfa1268aaa87b82b9d8291910")
	info, _, ok := DecodeBPTC(&b.Payload)
	if c, good := parseCSBK(&info); !ok || !good || c.Opcode != Preamble || c.Dst != 2301 || c.Src != 2308155 {
		t.Errorf("%+v, %v, %v", c, ok, good)
	}
	// The same, test_pcap_tool.py: bursts B to E of a call of 2623266 to the group 9.
	l := listen()
	for i, s := range []string{
		"5bfd956f6e8bb53d09817a4e6b26d1347030900914b4e255cceadac1b1d881e71c", "5bd1d67d01757969c64857b2f2620170309410074435ed05f7c85e8a7770ce40a4",
		"5b439c06c8a6fc011d59bd9970611170a051e4e7440306a7d3c578a37c9c8dec2c", "5b5a2fabb90dad361a16ff298e6a91547181117079c68d87f72340d8c1bdaafa96",
	} {
		b := burst(s[2:] + "00")
		b.Data, b.Voice = false, i+1
		l.take(1, b)
	}
	if len(l.said) != 1 || l.said[0] != "begin 2623266→9" {
		t.Errorf("heard %q", l.said)
	}
}

// The same library's embedded link controls.
func TestEmbeddedVectors(t *testing.T) {
	for s, want := range map[string]LC{
		"0300030a0f0006060f033a030c393530": {Dst: 6, Src: 2145007},
		"03000a03060906060f03030a05000c09": {Dst: 9, Src: 2145007},
		"0a00030a170a06050c11220005223f3a": {Dst: 2149, Src: 2145016},
		"09001d17271e81b730060c9a9a8e09b1": {Opcode: UnitVoice, Dst: 2504105, Src: 250997},
	} {
		data, _ := hex.DecodeString(s)
		var f [4]uint32
		for i := range 128 {
			f[i/32] |= uint32(bit(data, i)) << (31 - i%32)
		}
		lc, ok := decodeEmbedded(&f)
		if got, good := parseLC(lc[:]); !ok || !good || got != want {
			t.Errorf("%s: %+v, %v, %v", s, got, ok, good)
		}
		if again := encodeEmbedded(&lc); again != f {
			t.Errorf("%s: encoded %x", s, again)
		}
	}
	// A talker alias, R4WBP Dmitrii.
	var a alias
	for i, s := range []string{"0400da00520034005748", "050000420050002000e0", "060044006d0069007408", "070000720069006900a8"} {
		lc, _ := hex.DecodeString(s)
		text, ok := a.add(lc[:9])
		if ok != (i == 3) || ok && text != "R4WBP Dmitrii" {
			t.Errorf("block %d: %q, %v", i, text, ok)
		}
	}
}

func TestGPS(t *testing.T) {
	for _, want := range []call.Fix{{Lat: 30.5, Lon: 114.3, Error: 20}, {Lat: -33.9, Lon: -70.6, Error: 2000}, {Lat: 0.001, Lon: 179.9}} {
		b := gpsBytes(want)
		got, ok := parseGPS(b[:])
		if !ok || math.Abs(got.Lat-want.Lat) > 2e-5 || math.Abs(got.Lon-want.Lon) > 2e-5 || got.Error != want.Error {
			t.Errorf("%+v, %v, want %+v", got, ok, want)
		}
	}
	b := gpsBytes(call.Fix{})
	if _, ok := parseGPS(b[:]); ok {
		t.Error("nowhere is a position")
	}
}
