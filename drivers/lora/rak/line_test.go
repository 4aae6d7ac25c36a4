package rak

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func cases() map[string]line {
	hello := []byte("Hello")
	return map[string]line{
		"OK":                             {kind: ok},
		"AT_PARAM_ERROR":                 {kind: failed, text: "AT_PARAM_ERROR"},
		"AT_BUSY_ERROR":                  {kind: failed, text: "AT_BUSY_ERROR"},
		"+EVT:RXP2P:-28:5:48656C6C6F":    {kind: packet, rssi: -28, snr: 5, data: hello},
		"+EVT:RXP2P:-112:-13:48656c6c6f": {kind: packet, rssi: -112, snr: -13, data: hello},
		"+EVT:RXP2P, RSSI -28, SNR 5":    {kind: header, rssi: -28, snr: 5},
		"+EVT:48656C6C6F":                {kind: payload, data: hello},
		"+EVT:RXP2P:RECEIVE TIMEOUT":     {kind: timeout},
		"+EVT:RXP2P RECEIVE TIMEOUT":     {kind: timeout},
		"+EVT:RXP2P RECEIVE ERROR":       {kind: garbled},
		"+EVT:RXP2P:-28:5:48656C6C6":     {kind: garbled},
		"+EVT:RXP2P:-28:5:":              {kind: garbled},
		"+EVT:RXP2P:-28:5":               {kind: garbled},
		"+EVT:RXP2P:x:5:48":              {kind: garbled},
		"+EVT:RXP2P:-2800:5:48":          {kind: garbled},
		"+EVT:RXP2P, RSSI -28":           {kind: garbled},
		"+EVT:TXP2P DONE":                {kind: sent},
		"+EVT:JOINED":                    {kind: other, text: "JOINED"},
		"Current Work Mode: LoRa P2P.":   {kind: banner, text: "Current Work Mode: LoRa P2P."},
		"RAKwireless RAK3172":            {kind: banner, text: "RAKwireless RAK3172"},
		"AT+NWM=0":                       {kind: plain, text: "AT+NWM=0"},
		"RAK3172-H Version:v1.0.2":       {kind: plain, text: "RAK3172-H Version:v1.0.2"},
		"868000000:7:125:0:8:14":         {kind: plain, text: "868000000:7:125:0:8:14"},
	}
}

func TestParse(t *testing.T) {
	for in, want := range cases() {
		if got := parse(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", in, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	const in = "\r\nOK\r\n\n+EVT:RXP2P:-28:5:48\nOK+EVT:RXP2P:-1:5:49+EVT:TXP2P DONE\r\n" +
		" AT+NWM=0 \r"
	want := []string{"OK", "+EVT:RXP2P:-28:5:48", "OK", "+EVT:RXP2P:-1:5:49", "+EVT:TXP2P DONE", "AT+NWM=0", "xxxxxxxxx", "yyyy", "+EVT:TXP2P DONE", "after"}
	long := strings.Repeat("x", maxLine+5)
	loud := strings.Repeat("y", 3*maxLine-8)
	for size := 1; size < 30; size++ {
		var got []string
		var l lines
		for piece := range slices.Chunk([]byte(in+long+"\n"+loud+"+EVT:TXP2P DONE\nafter\n"), size) {
			l.write(piece, func(s string) { got = append(got, s) })
		}
		if !slices.Equal(got, want) || l.noise == 0 {
			t.Fatalf("in pieces of %d: %q, noise %d", size, got, l.noise)
		}
	}
	var l lines
	longest := "+EVT:RXP2P:-128:-20:" + strings.Repeat("FF", maxPayload)
	l.write([]byte(longest+"\r\n"), func(s string) {
		if p := parse(s); p.kind != packet || len(p.data) != maxPayload {
			t.Errorf("the longest packet is %+v", p)
		}
	})
}

func FuzzLines(f *testing.F) {
	for in := range cases() {
		f.Add([]byte(in + "\r\n"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var l lines
		var last string
		l.write(b, func(s string) {
			if p := parse(s); len(p.data) > maxPayload || (p.kind == packet || p.kind == payload) != (len(p.data) > 0) {
				t.Errorf("%q: %+v", s, p)
			}
		})
		l.write([]byte("\r\nOK\r\n"), func(s string) { last = s })
		if last != "OK" || len(l.buf) > maxLine || bytes.IndexByte(l.buf, '\n') >= 0 {
			t.Errorf("deaf after %q: %q", b, last)
		}
	})
}
