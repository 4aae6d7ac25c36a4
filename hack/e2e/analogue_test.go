//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pion/rtp"
	"golang.org/x/sys/unix"

	"sentrybox/drivers/analogue"
	"sentrybox/drivers/audio"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
	"sentrybox/uplink/mqtt/mqtttest"
)

// channel is a receiver that sounds in real time, silence if nothing else.
type channel struct {
	mu   sync.Mutex
	next []int16 // guarded by mu
	put  func([]int16) error
	stop chan struct{}
	done sync.WaitGroup
}

func sound(t *testing.T, put func([]int16) error) *channel {
	c := &channel{put: put, stop: make(chan struct{})}
	c.done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-tick.C:
			}
			block := make([]int16, audio.Rate/50)
			c.mu.Lock()
			n := copy(block, c.next)
			c.next = c.next[n:]
			c.mu.Unlock()
			if put(block) != nil {
				return
			}
		}
	})
	t.Cleanup(func() { close(c.stop); c.done.Wait() })
	return c
}

// play sounds, and returns when the last of it is out.
func (c *channel) play(x []float32) time.Time {
	c.mu.Lock()
	c.next = slices.Concat(c.next, quantised(x))
	c.mu.Unlock()
	for {
		c.mu.Lock()
		over := len(c.next) == 0
		c.mu.Unlock()
		if over {
			return time.Now()
		}
		time.Sleep(time.Millisecond)
	}
}

func quantised(x []float32) []int16 {
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(32767 * v)
	}
	return out
}

// fifo makes a named pipe, and opens it so that neither side waits for the other.
func fifo(t *testing.T, path string) *os.File {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// little writes samples to a pipe, and gives up if nobody reads.
func little(f *os.File) func([]int16) error {
	return func(x []int16) error {
		_ = f.SetWriteDeadline(time.Now().Add(patience))
		return binary.Write(f, binary.LittleEndian, x)
	}
}

func digits(t *testing.T, s string) []float32 {
	t.Helper()
	const each = 60 * time.Millisecond
	x, err := dtmf.Append(nil, audio.Rate, s, dtmf.Sending{Pause: each, Tone: each})
	if err != nil {
		t.Fatal(err)
	}
	return x[:len(x)-int(each.Seconds()*audio.Rate)] // not the last pause
}

// help is an alert of a radio.
type help struct {
	ID, Device, Kind, Caller, Place, Text string
	Severity                              int
	Evidence                              []string
}

// called waits for the alert of a caller.
func called(sub *mqtttest.Subscriber, device, caller string, with func(help) bool) (found help, at time.Time) {
	sub.Wait(patience, "the alert of "+caller+" on "+device, func(got []mqtttest.Message) bool {
		for _, m := range got {
			var h help
			if strings.Contains(m.Topic, "/alert/") && json.Unmarshal(m.Payload, &h) == nil && h.Device == device && h.Caller == caller && (with == nil || with(h)) {
				found, at = h, m.At
				return true
			}
		}
		return false
	})
	return found, at
}

const analogueRadios = `
alerts: {level: grid}
radios:
  - id: base
    units: {"204": {name: 老王, place: 东门}, "12345": {name: 小李}, "0A17": {name: 小张}}
    emergency: [{on: digits, code: "*9"}, {on: digits, code: "12345"}]
    analogue:
      pipe: ${DIR}/base
      tones: [dtmf, mdc1200, zvei1]
      codes: ["*9xxx"]
      before: 10s
      after: 1s
      transmit: {cm108: "${DIR}/hidraw0", command: [sh, -c, "cat > ${DIR}/said.part && mv ${DIR}/said.part ${DIR}/said"], dtmf: "47", pause: 1s, phrases: {default: "${DIR}/phrase.wav"}}
  - id: card
    analogue: {alsa: radio}
  - id: net
    analogue: {rtp: {listen: "127.0.0.1:${PORT}", from: 127.0.0.1}}
`

// TestAnalogueRadio: keys pressed on radios that are heard through a named pipe, arecord and RTP
// among a flood of strangers are alerts with names; the voice is kept and fetched; the radio is told,
// and its key let go when the gateway is killed.
func TestAnalogueRadio(t *testing.T) {
	dir := t.TempDir()
	base := fifo(t, filepath.Join(dir, "base"))
	card := fifo(t, filepath.Join(dir, "card"))
	key := fifo(t, filepath.Join(dir, "hidraw0"))
	var phrase bytes.Buffer
	if err := audio.WriteWAV(&phrase, bytes.Repeat([]byte{0xFF}, audio.Rate/4)); err != nil {
		t.Fatal(err)
	}
	// alsa-lib's own file and null devices stand in for a sound card's driver.
	alsa := fmt.Sprintf("pcm.radio { type file slave { pcm { type null } } file \"/dev/null\" infile %q format \"raw\" }\n", filepath.Join(dir, "card"))
	for name, data := range map[string][]byte{"phrase.wav": phrase.Bytes(), "asound.conf": []byte(alsa)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("ALSA_CONFIG_PATH", filepath.Join(dir, "asound.conf"))
	port := fmt.Sprint(mqtttest.FreePort(t))
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	g := start(t, broker.URL(), head+strings.NewReplacer("${DIR}", dir, "${PORT}", port).Replace(analogueRadios))
	radio := sound(t, little(base))
	other := sound(t, little(card))
	network := sound(t, rtpTo(t, "127.0.0.1:"+port))
	sub.Wait(patience, "all radios online", func(got []mqtttest.Message) bool {
		online := map[string]bool{}
		for _, m := range got {
			online[strings.TrimPrefix(m.Topic, prefix+"device/")] = strings.Contains(string(m.Payload), `"state":"online"`)
		}
		return online["base"] && online["card"] && online["net"]
	})

	zvei, _ := selcall.ByName("zvei1")
	call, err := selcall.Append(nil, audio.Rate, zvei, "12345", selcall.Sending{})
	if err != nil {
		t.Fatal(err)
	}
	pressed := func(on *channel, device, name string, x []float32) {
		t.Helper()
		var from time.Time
		// What comes while the gateway transmits or in a flood that it cannot read is not heard: it is pressed again.
		again(t, "the alert of "+name, func() { from = on.play(x) }, func() bool {
			return slices.ContainsFunc(sub.Messages(), func(m mqtttest.Message) bool {
				return strings.Contains(m.Topic, "/alert/") && strings.Contains(string(m.Payload), `"caller":"`+name+`"`)
			})
		})
		h, at := called(sub, device, name, nil)
		t.Logf("%s: %v from the last sample to the subscriber", name, at.Sub(from).Round(time.Millisecond))
		if h.Kind != "emergency_call" || h.Severity != 1 || name == "老王" && h.Place != "东门" {
			t.Errorf("%+v", h)
		}
	}
	radio.play(make([]float32, 2*audio.Rate)) // what the voice is to begin with
	pressed(radio, "base", "老王", digits(t, "*9204"))
	report(t, key, 0, 0, 4, 4, 0)
	report(t, key, 0, 0, 0, 4, 0)
	if got := spoken(t, filepath.Join(dir, "said")); got != "47" {
		t.Errorf("the radios hear %q", got)
	}
	pressed(radio, "base", "小李", call)
	pressed(radio, "base", "小张", mdc1200.Append(nil, audio.Rate, mdc1200.Packet{Arg: 0x81, Unit: 0x0A17}, mdc1200.Sending{}))
	pressed(other, "card", "0B01", mdc1200.Append(nil, audio.Rate, mdc1200.Packet{Arg: 0x81, Unit: 0x0B01}, mdc1200.Sending{}))
	strangers(t, "127.0.0.1:"+port)
	pressed(network, "net", "0C01", mdc1200.Append(nil, audio.Rate, mdc1200.Packet{Arg: 0x81, Unit: 0x0C01}, mdc1200.Sending{}))
	fetchVoice(t, sub)

	// An alert is being told when the gateway is killed: the key goes up.
	_ = key.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, _ = io.Copy(io.Discard, key) // what was told meanwhile
	g.mustRaise(1)
	for !bytes.Equal(nextReport(t, key), []byte{0, 0, 4, 4, 0}) { // or was about to be
	}
	g.kill()
	report(t, key, 0, 0, 0, 4, 0)
}

// fetchVoice fetches what was said around the first alert, and listens to it.
func fetchVoice(t *testing.T, sub *mqtttest.Subscriber) {
	t.Helper()
	h, _ := called(sub, "base", "老王", func(h help) bool { return slices.Contains(h.Evidence, "voice") })
	sub.Publish(prefix+"cmd/voice-1", false, fmt.Appendf(nil, `{"type":"evidence","alert":%q,"part":"voice"}`, h.ID))
	var file pieces
	sub.Wait(patience, "the voice", func(got []mqtttest.Message) bool { return file.collect(t, got, h.ID, "voice") })
	samples, err := audio.ReadWAV(bytes.NewReader(file.data), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got := heard(t, samples); !strings.Contains(got, "*9204") || len(samples) < 2*audio.Rate {
		t.Errorf("%d samples, in which is %q", len(samples), got)
	}
}

// heard returns the DTMF digits in a sound.
func heard(t *testing.T, samples []int16) string {
	t.Helper()
	ear, err := analogue.NewEar(audio.Rate, analogue.Signals{DTMF: true})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	ear.Digit = func(d dtmf.Digit) { out.WriteByte(d.Digit) }
	x := make([]float32, len(samples))
	for i, v := range samples {
		x[i] = float32(v) / 32768
	}
	ear.Write(x)
	return out.String()
}

// spoken waits for what was played to the transmitter, and returns the digits in it.
func spoken(t *testing.T, path string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		raw, err := os.ReadFile(path)
		if err == nil {
			samples := make([]int16, len(raw)/2)
			for i := range samples {
				samples[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
			}
			return heard(t, samples)
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was played to the transmitter")
		}
	}
}

// report reads what is written to the adapter that keys.
func report(t *testing.T, f *os.File, want ...byte) {
	t.Helper()
	if got := nextReport(t, f); !bytes.Equal(got, want) {
		t.Fatalf("report % x; want % x", got, want)
	}
}

func nextReport(t *testing.T, f *os.File) []byte {
	t.Helper()
	got := make([]byte, 5)
	_ = f.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(f, got); err != nil {
		t.Fatalf("report % x, %v", got, err)
	}
	return got
}

// rtpTo sends µ-law to a port.
func rtpTo(t *testing.T, to string) func([]int16) error {
	t.Helper()
	conn, err := net.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 7}}
	return func(x []int16) error {
		p.Payload = p.Payload[:0]
		for _, v := range x {
			p.Payload = append(p.Payload, audio.MuLaw(v))
		}
		b, err := p.Marshal()
		if err != nil {
			return err
		}
		_, _ = conn.Write(b) // nobody may listen yet
		p.SequenceNumber++
		p.Timestamp += uint32(len(x))
		return nil
	}
}

// strangers flood a port from another address: junk, huge packets, and RTP that would be heard.
func strangers(t *testing.T, to string) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	conn, err := d.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		r := rand.New(rand.NewPCG(1, 1))
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range 10_000 { // ten seconds at the most
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			for _, size := range []int{0, 13, 172, 1400, 60_000} {
				b := make([]byte, size)
				for i := range min(size, 64) {
					b[i] = byte(r.Uint32())
				}
				if size > 0 {
					b[0] = 0x80
				}
				_, _ = conn.Write(b)
			}
		}
	})
	t.Cleanup(func() { close(stop); done.Wait() })
}

// TestDutyVoice: a press fetches the voice of a radio's alert, and it plays on the page.
func TestDutyVoice(t *testing.T) {
	dir := t.TempDir()
	pipe := fifo(t, filepath.Join(dir, "base"))
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	c := startConsole(t, strings.Replace(dutyConfig, "BROKER", m.URL(), 1))
	start(t, m.URL(), dutyGateway+strings.ReplaceAll(`
alerts: {cool_down: 1h}
radios: [{id: base, units: {"0A17": {name: 小张}}, analogue: {pipe: ${DIR}/base, before: 2s, after: 1s}}]
`, "${DIR}", dir))
	radio := sound(t, little(pipe))
	b := startBrowser(t, c.url)
	b.signInDuty(c)
	b.pressText("#shift", "王阿姨")
	radio.play(mdc1200.Append(nil, audio.Rate, mdc1200.Packet{Arg: 0x81, Unit: 0x0A17}, mdc1200.Sending{}))
	b.pressText(".card", "▶ 听录音")
	b.until("the voice", `document.querySelector('.card audio') && document.querySelector('.card audio').duration > 2`)
	b.do(chromedp.Evaluate(`speech = document.querySelector('.card audio'); speech.muted = true; speech.play(); 0`, nil))
	b.until("it plays", `speech.currentTime > 1`)
	b.pressText(".card", "收到")
	b.until("acknowledged", `document.querySelector('.card').innerText.includes('已收到')`)
	if !eval[bool](b, `speech.isConnected && document.querySelector('.card audio') === speech`) {
		t.Error("the voice begins anew when its alert is answered")
	}
}
