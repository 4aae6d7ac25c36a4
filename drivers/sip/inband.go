package sip

import (
	"sentrybox/drivers/tone"
	"sentrybox/drivers/tone/dtmf"
)

// inband finds DTMF in the audio of a side that has no telephone-event.
type inband struct {
	bank    *tone.Bank
	decoder *dtmf.Decoder
	samples []float32
}

func newInband() *inband {
	bank, err := tone.NewBank(rate)
	if err != nil { // of a rate that is fixed
		return nil
	}
	return &inband{bank: bank, decoder: dtmf.New(bank)}
}

// hear takes a packet's audio.
func (e *inband) hear(c codec, data []byte, press func(byte)) {
	e.samples = e.samples[:0]
	for _, b := range data {
		e.samples = append(e.samples, float32(c.decode(b))/32768)
	}
	for rest := e.samples; len(rest) > 0; {
		n, hop := e.bank.Write(rest)
		rest = rest[n:]
		if !hop {
			continue
		}
		if d, ok := e.decoder.Hop(); ok {
			press(d.Digit)
		}
	}
}
