package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
)

type tonesCmd struct {
	Out   string        `default:"-" help:"File that is written: WAV if it is called so, else samples of 16 bits; a named pipe; - is the standard output."`
	Rate  int           `default:"8000" help:"Samples a second."`
	SNR   float64       `name:"snr" help:"Noise so many dB below the signal, all the time; none if 0."`
	Twist float64       `help:"dB that the upper tone of DTMF is above the lower."`
	Drift float64       `help:"Percent by which all frequencies are too high."`
	Level float64       `default:"-6" help:"dB of full scale of the loudest."`
	Tone  time.Duration `default:"80ms" help:"How long a digit of DTMF is, and the pause behind it."`
	First time.Duration `help:"How long the first tone of a five-tone call is."`
	Gap   time.Duration `default:"1s" help:"Of silence behind each call."`
	Seed  uint64        `default:"1" help:"Of the noise."`
	Pace  bool          `help:"As fast as it sounds, for a pipe that a gateway listens to."`

	Calls []string `arg:"" help:"Calls: dtmf DIGITS, zvei1|zvei2|ccir|eea NUMBER, mdc emergency|pttid|postid|check UNIT, mdc status UNIT NUMBER, mdc page UNIT TARGET, play FILE.wav, pause DURATION; - reads them from the standard input, a line each."`
}

// run makes the audio of each call, and writes it.
func (c *tonesCmd) run(ctx context.Context, in io.Reader, out io.Writer) error {
	s := &sink{cmd: c, noise: rand.New(rand.NewPCG(c.Seed, 1))}
	if err := s.open(out); err != nil {
		return err
	}
	err := c.calls(in, func(line string) error {
		x, err := c.make(line)
		if err != nil {
			return err
		}
		return s.write(ctx, append(x, make([]float32, c.samples(c.Gap))...))
	})
	return errors.Join(err, s.close())
}

// calls hands over each call, as it comes.
func (c *tonesCmd) calls(in io.Reader, do func(string) error) error {
	for _, arg := range c.Calls {
		if arg != "-" {
			if err := do(arg); err != nil {
				return err
			}
			continue
		}
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := do(line); err != nil {
				return err
			}
		}
		if err := lines.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (c *tonesCmd) samples(d time.Duration) int { return int(d.Seconds() * float64(c.Rate)) }

// amplitude is that of the loudest.
func (c *tonesCmd) amplitude() float64 { return math.Pow(10, c.Level/20) }

// make makes the sound of one call.
func (c *tonesCmd) make(line string) ([]float32, error) {
	word := strings.Fields(line)
	if len(word) < 2 {
		return nil, fmt.Errorf("%q: want a kind of call and what is called", line)
	}
	drift := c.Drift / 100
	switch word[0] {
	case "dtmf":
		return dtmf.Append(nil, c.Rate, word[1], dtmf.Sending{Tone: c.Tone, Pause: c.Tone, Level: c.amplitude() / 2, Twist: c.Twist, Drift: drift})
	case "mdc":
		p, err := packet(word[1:])
		return mdc1200.Append(nil, c.Rate, p, mdc1200.Sending{Level: c.amplitude(), Drift: drift}), err
	case "pause":
		d, err := time.ParseDuration(word[1])
		if err != nil || d < 0 || d > time.Hour {
			return nil, fmt.Errorf("%q: want a duration of at most an hour", line)
		}
		return make([]float32, c.samples(d)), nil
	case "play":
		return c.play(strings.TrimSpace(strings.TrimPrefix(line, "play")))
	}
	system, ok := selcall.ByName(word[0])
	if !ok {
		return nil, fmt.Errorf("%q is no kind of call", word[0])
	}
	return selcall.Append(nil, c.Rate, system, word[1], selcall.Sending{First: c.First, Level: c.amplitude(), Drift: drift})
}

// packet reads a call of MDC 1200.
func packet(word []string) (p mdc1200.Packet, err error) {
	if len(word) < 2 {
		return p, errors.New("mdc: want what, and the unit's four hexadecimal digits")
	}
	var unit [2]uint64
	for i, w := range word[1:min(len(word), 3)] {
		if unit[i], err = strconv.ParseUint(w, 16, 16); err != nil {
			return p, fmt.Errorf("mdc: %q is no unit: want up to four hexadecimal digits", w)
		}
	}
	p.Unit = uint16(unit[0])
	switch word[0] {
	case "emergency":
		p.Arg = 0x81
	case "pttid":
		p.Op, p.Arg = 0x01, 0x80
	case "postid":
		p.Op = 0x01
	case "check":
		p.Op, p.Arg = 0x63, 0x85
	case "status":
		p.Op, p.Arg = 0x46, byte(unit[1]&0x0f)
	case "page":
		p.Op, p.Arg, p.Double = 0x35, 0x89, true
		p.Unit, p.Extra = uint16(unit[1]), [4]byte{0x83, 0x0D, byte(unit[0] >> 8), byte(unit[0])}
	default:
		return p, fmt.Errorf("mdc: %q is no packet", word[0])
	}
	return p, nil
}

func (c *tonesCmd) play(name string) ([]float32, error) {
	if c.Rate != audio.Rate {
		return nil, fmt.Errorf("files are played at %d Hz alone", audio.Rate)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	samples, err := audio.ReadWAV(f, 64<<20)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]float32, len(samples))
	for i, v := range samples {
		out[i] = float32(v) / 32768
	}
	return out, nil
}

// sink writes the sound.
type sink struct {
	cmd   *tonesCmd
	noise *rand.Rand
	w     io.Writer
	file  *os.File
	wav   bytes.Buffer
	next  time.Time
}

func (s *sink) open(stdout io.Writer) (err error) {
	switch {
	case s.cmd.Rate < 8000 || s.cmd.Rate > 48000:
		return fmt.Errorf("rate %d: want 8000 to 48000", s.cmd.Rate)
	case s.cmd.Out == "-":
		s.w = stdout
		return nil
	case strings.HasSuffix(s.cmd.Out, ".wav"):
		s.w = &s.wav
		return nil
	}
	s.file, err = os.OpenFile(s.cmd.Out, os.O_WRONLY|os.O_CREATE, 0o644)
	s.w = s.file
	return err
}

func (s *sink) write(ctx context.Context, x []float32) error {
	sigma := 0.0
	if s.cmd.SNR != 0 {
		sigma = s.cmd.amplitude() / math.Sqrt2 * math.Pow(10, -s.cmd.SNR/20)
	}
	raw := make([]byte, 0, 2*len(x))
	for _, v := range x {
		y := float64(v) + sigma*s.noise.NormFloat64()
		raw = binary.LittleEndian.AppendUint16(raw, uint16(int16(32767*max(-1, min(1, y)))))
	}
	if !s.cmd.Pace {
		_, err := s.w.Write(raw)
		return err
	}
	block := 2 * s.cmd.samples(20*time.Millisecond)
	for len(raw) > 0 && ctx.Err() == nil {
		if now := time.Now(); s.next.Before(now.Add(-time.Second)) {
			s.next = now
		}
		time.Sleep(time.Until(s.next))
		s.next = s.next.Add(20 * time.Millisecond)
		n := min(block, len(raw))
		if _, err := s.w.Write(raw[:n]); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return ctx.Err()
}

// close writes the head of a WAV file, which says how long it is.
func (s *sink) close() error {
	if s.file != nil {
		return s.file.Close()
	}
	if s.w != &s.wav {
		return nil
	}
	h := []byte("RIFF")
	h = binary.LittleEndian.AppendUint32(h, uint32(36+s.wav.Len()))
	h = append(h, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	h = binary.LittleEndian.AppendUint32(h, uint32(s.cmd.Rate))
	h = binary.LittleEndian.AppendUint32(h, uint32(2*s.cmd.Rate))
	h = append(h, "\x02\x00\x10\x00data"...)
	h = binary.LittleEndian.AppendUint32(h, uint32(s.wav.Len()))
	return os.WriteFile(s.cmd.Out, append(h, s.wav.Bytes()...), 0o644)
}
