package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"sentrybox/drivers/analogue"
	"sentrybox/drivers/audio"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
)

// heard is what the gateway's decoders make of a sound.
func heard(t *testing.T, samples []int16) string {
	t.Helper()
	ear, err := analogue.NewEar(audio.Rate, analogue.Signals{DTMF: true, MDC1200: true, FiveTone: []string{"zvei1", "ccir"}})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	ear.Digit = func(d dtmf.Digit) { out.WriteByte(d.Digit) }
	ear.Call = func(c selcall.Call) { out.WriteString(" " + c.System + " " + c.Digits) }
	ear.Packet = func(p mdc1200.Packet) { out.WriteString(" " + string(p.Kind())) }
	x := make([]float32, len(samples))
	for i, v := range samples {
		x[i] = float32(v) / 32768
	}
	ear.Write(x)
	return strings.TrimSpace(out.String())
}

// tones runs the command line.
func tones(t *testing.T, in string, out io.Writer, args ...string) error {
	t.Helper()
	var c tonesCmd
	p, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse(args); err != nil {
		return err
	}
	return c.run(t.Context(), strings.NewReader(in), out)
}

const calls = `# what is pressed
dtmf *911
ccir 20203

zvei1 12345
mdc emergency 1A17
mdc page 1234 5678
mdc status 1234 3
`

const want = "*911 ccir 20203 zvei1 12345 emergency call_alert status"

func TestTones(t *testing.T) {
	var out bytes.Buffer
	if err := tones(t, calls, &out, "--snr=12", "--twist=-4", "--drift=0.3", "-"); err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, out.Len()/2)
	if err := binary.Read(&out, binary.LittleEndian, samples); err != nil {
		t.Fatal(err)
	}

	if got := heard(t, samples); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWAV(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a.wav"), filepath.Join(dir, "b.wav")
	if err := tones(t, "", nil, "--out", first, "dtmf 5"); err != nil {
		t.Fatal(err)
	}
	if err := tones(t, "", nil, "--out", second, "--pace", "--gap", "10ms", "play "+first, "pause 20ms"); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	samples, err := audio.ReadWAV(f, 1<<20)
	if err != nil || heard(t, samples) != "5" {
		t.Errorf("%q, %v", heard(t, samples), err)
	}
}

func TestMistakes(t *testing.T) {
	for _, args := range [][]string{
		{}, {"dtmf"}, {"dtmf x"}, {"zvei9 12345"}, {"zvei1 12"}, {"pause x"}, {"mdc emergency"}, {"mdc emergency x"}, {"mdc x 1"},
		{"play /none.wav"}, {"--rate", "1", "dtmf 1"},
	} {
		if err := tones(t, "", &bytes.Buffer{}, args...); err == nil {
			t.Errorf("%q passes", args)
		}
	}
}
