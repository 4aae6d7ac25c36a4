package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const base = head + `radios: [{id: r, analogue: {`

var analogueMistakes = []mistake{
	{"analogue radio without sound", base + `}}]`, `4: radios[0].analogue: one of these must be given, and no more: alsa, command, pipe, rtp`},
	{"analogue radio with two", base + `alsa: -x, pipe: radio, rate: 44100, tones: [dtmf, zvei9], lengths: [12], codes: [xx], threshold: 5, hang: 1m}}]`,
		`4: radios[0].analogue: one of these must be given, and no more: alsa, command, pipe, rtp
4: radios[0].analogue.alsa: no name of a sound card; arecord -L lists them
4: radios[0].analogue.pipe: must be a whole path, such as /dev/ttyUSB0
4: radios[0].analogue.rate: must be 8000, 16000, 24000, 32000 or 48000; a sound card's is always 8000
4: radios[0].analogue.tones[1]: "zvei9" is not known, did you mean "zvei1"?
4: radios[0].analogue.lengths[0]: must be from 3 to 8
4: radios[0].analogue.codes[0]: must be of 0-9, A-F, * and #, with x for a digit of who sends it, such as *9xxx
4: radios[0].analogue.threshold: must be from -80 to -1
4: radios[0].analogue.hang: must be from 100ms to 10s`},
	{"RTP of everybody", base + `rtp: {listen: "0.0.0.0:5004"}}}, {id: s, analogue: {rtp: {listen: "radio:5004"}}}, {id: t, analogue: {rtp: {listen: "0.0.0.0:5006", from: radio}}}]`,
		`4: radios[0].analogue.rtp.from: missing
4: radios[1].analogue.rtp.listen: must be address:port, such as 0.0.0.0:5004
4: radios[2].analogue.rtp.from: must be an IP address`},
	{"transmitter", base + `alsa: default, transmit: {rts: ttyUSB0, vox: true, pin: 9, command: [""], limit: 1h, severity: 3, dtmf: x, five_tone: {system: dtmf, number: "1"}, phrases: {default: /none.wav}}}}]`,
		`4: radios[0].analogue.transmit: one of these must be given, and no more: rts, dtr, cm108, vox
4: radios[0].analogue.transmit.rts: must be a whole path, such as /dev/ttyUSB0
4: radios[0].analogue.transmit.pin: must be from 1 to 8
4: radios[0].analogue.transmit.command[0]: missing
4: radios[0].analogue.transmit.limit: must be from 1s to 3m
4: radios[0].analogue.transmit.severity: must be from 1 to 2
4: radios[0].analogue.transmit.dtmf: must be of 0-9, A-F, * and #
4: radios[0].analogue.transmit.five_tone.system: "dtmf" is none of zvei1, zvei2, ccir, eea
4: radios[0].analogue.transmit.five_tone.number: must be 3 to 8 of 0-9, A, B, C, D and F
4: radios[0].analogue.transmit.phrases.default: no such file`},
	{"transmitter with nothing to say", base + `pipe: /run/radio, transmit: {vox: true}}}]`,
		`4: radios[0].analogue.transmit: nothing to send: give dtmf, five_tone or phrases
4: radios[0].analogue.transmit: one of these must be given, and no more: alsa, command`},
}

func TestAnalogue(t *testing.T) {
	phrase := filepath.Join(t.TempDir(), "alarm.wav")
	if err := os.WriteFile(phrase, []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(at(t), []byte(base+`alsa: "plughw:CARD=Device,DEV=0", codes: ["*7xxx"], transmit: {cm108: /dev/hidraw0, dtmf: "12", phrases: {default: `+phrase+`}}},
  emergency: [{on: digits, code: "*911"}, {on: digits, code: "*7"}]}]`), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	a := c.Radios[0].Analogue
	if !slices.Equal(a.Tones, []string{"dtmf", "mdc1200"}) || a.Rate != 8000 || a.Threshold != -40 || a.Before != Duration(10*time.Second) || a.After != Duration(20*time.Second) {
		t.Errorf("%+v", a)
	}
	if x := a.Transmit; x.Pin != 3 || x.ALSA != a.ALSA || x.Limit != Duration(30*time.Second) || x.Severity != 2 || x.Phrases[DefaultPhrase] != phrase {
		t.Errorf("%+v", x)
	}
	if got := c.Radios[0].Reported(); !slices.Equal(got, []string{"*7xxx", "*911"}) {
		t.Errorf("told at once: %v", got)
	}
}
