package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/goccy/go-yaml"

	"sentrybox/drivers/call"
	"sentrybox/drivers/dmr"
	"sentrybox/drivers/homebrew/homebrewtest"
)

type dmrCmd struct {
	File     string        `arg:"" type:"existingfile" help:"What is said: a list of YAML."`
	Master   string        `default:"127.0.0.1:62031" help:"Where the gateway listens."`
	ID       uint32        `name:"id" default:"460010199" help:"Id of the hotspot."`
	Password string        `required:"" env:"RADIOSIM_PASSWORD" help:"Its password."`
	Pace     time.Duration `default:"60ms" help:"Time between bursts; 0 for as fast as it goes."`
	Loop     bool          `help:"Begin again at the end."`
	Seed     uint64        `default:"1" help:"Of the errors."`
}

// said is one entry of the file.
type said struct {
	After     time.Duration `yaml:"after"`
	Slot      int           `yaml:"slot"`
	Src       uint32        `yaml:"src"`
	Dst       uint32        `yaml:"dst"`
	Private   bool          `yaml:"private"`
	Seconds   float64       `yaml:"seconds"`   // of speech
	Emergency bool          `yaml:"emergency"` // option of the call
	Late      bool          `yaml:"late"`      // its beginning is not heard
	Breaks    bool          `yaml:"breaks"`    // nor its end
	Alias     string        `yaml:"alias"`
	Lat       float64       `yaml:"lat"`
	Lon       float64       `yaml:"lon"`
	Press     string        `yaml:"press"` // alarm, alert or check
	Text      string        `yaml:"text"`
	Times     int           `yaml:"times"`
	Every     time.Duration `yaml:"every"`
	Errors    int           `yaml:"errors"` // wrong bits of each burst
	RSSI      int           `yaml:"rssi"`
}

func readCalls(name string) ([]said, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var all []said
	if err := yaml.UnmarshalWithOptions(data, &all, yaml.Strict()); err != nil {
		return nil, err
	}
	for i, s := range all {
		if _, err := s.bursts(1); err != nil {
			return nil, fmt.Errorf("%s, entry %d: %w", name, i+1, err)
		}
	}
	return all, nil
}

const superframe = 0.36 // seconds

// bursts returns what is sent.
func (s *said) bursts(color byte) ([]dmr.Burst, error) {
	if s.Src == 0 || s.Src >= 1<<24 || s.Dst >= 1<<24 || s.Slot < 0 || s.Slot > 2 {
		return nil, errors.New("src and dst are of 24 bits, and slot is 1 or 2")
	}
	switch {
	case s.Press != "":
		op, ok := map[string]dmr.Opcode{"alarm": dmr.Alarm, "alert": dmr.CallAlert, "check": dmr.RadioCheck}[s.Press]
		if !ok {
			return nil, fmt.Errorf("press %q: alarm, alert or check", s.Press)
		}
		return []dmr.Burst{dmr.Control(color, op, s.Src, s.Dst)}, nil
	case s.Text != "":
		return dmr.ShortText(color, s.Src, s.Dst, !s.Private, s.Text), nil
	case s.Seconds <= 0:
		return nil, errors.New("one of seconds, press and text is needed")
	}
	speech := dmr.Speech{
		LC: dmr.LC{Src: s.Src, Dst: s.Dst}, Color: color, Superframes: max(int(s.Seconds/superframe+0.5), 1), Alias: s.Alias, NoHeader: s.Late, NoEnd: s.Breaks,
	}
	if s.Private {
		speech.LC.Opcode = dmr.UnitVoice
	}
	if s.Emergency {
		speech.LC.Options = 0x80
	}
	if s.Lat != 0 || s.Lon != 0 {
		speech.Position = &call.Fix{Lat: s.Lat, Lon: s.Lon, Error: 20}
	}
	return speech.Bursts(), nil
}

// spoil flips n bits of each burst.
func spoil(bursts []dmr.Burst, n int, rnd *rand.Rand) {
	for i := range bursts {
		for _, at := range rnd.Perm(8 * dmr.BurstBytes)[:n] {
			bursts[i].Payload[at/8] ^= 0x80 >> (at % 8)
		}
	}
}

func (c *dmrCmd) run(ctx context.Context, out io.Writer) error {
	all, err := readCalls(c.File)
	if err != nil {
		return err
	}
	r, err := homebrewtest.Login(ctx, c.Master, c.ID, c.Password)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	fmt.Fprintln(out, "logged in")
	rnd := rand.New(rand.NewPCG(c.Seed, 0)) // to be had again
	for {
		for i := range all {
			if err := c.say(ctx, r, &all[i], rnd, out); err != nil {
				return stopped(ctx, err)
			}
		}
		if !c.Loop {
			return nil
		}
	}
}

// say sends one entry, as often as it says.
func (c *dmrCmd) say(ctx context.Context, r *homebrewtest.Repeater, s *said, rnd *rand.Rand, out io.Writer) error {
	pause := s.After
	for range max(s.Times, 1) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = s.Every
		bursts, err := s.bursts(r.Color)
		if err != nil {
			return err
		}
		spoil(bursts, min(max(s.Errors, 0), 8*dmr.BurstBytes), rnd)
		fmt.Fprintf(out, "%d to %d: %d bursts\n", s.Src, s.Dst, len(bursts))
		err = r.Send(ctx, homebrewtest.Transmission{Slot: s.Slot, Src: s.Src, Dst: s.Dst, Private: s.Private, Bursts: bursts, Pace: c.Pace, RSSI: s.RSSI})
		if err != nil {
			return err
		}
	}
	return nil
}

// stopped is no error if somebody has stopped the program.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
