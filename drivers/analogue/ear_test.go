package analogue

import (
	"math/rand/v2"
	"strings"
	"testing"

	"sentrybox/drivers/tone/activity"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
)

func everything() Signals {
	return Signals{DTMF: true, MDC1200: true, FiveTone: []string{"zvei1", "zvei2", "ccir", "eea"}, Lengths: []int{5, 6, 7}}
}

// TestEverythingAtOnce: one after the other, each is heard once and by its own decoder.
func TestEverythingAtOnce(t *testing.T) {
	e, err := NewEar(8000, everything())
	if err != nil {
		t.Fatal(err)
	}
	var heard strings.Builder
	e.Digit = func(d dtmf.Digit) { heard.WriteByte(d.Digit) }
	e.Call = func(c selcall.Call) { heard.WriteString(" " + c.System + ":" + c.Digits) }
	e.Packet = func(p mdc1200.Packet) { heard.WriteString(" " + string(p.Kind())) }
	active := 0
	e.Activity = func(s activity.State) {
		if s.Carrier {
			active++
		}
	}
	quiet := make([]float32, 12000)
	ccir, _ := selcall.ByName("ccir")
	zvei, _ := selcall.ByName("zvei1")
	x, _ := dtmf.Append(quiet, 8000, "*911", dtmf.Sending{})
	x, _ = selcall.Append(append(x, quiet...), 8000, ccir, "20202", selcall.Sending{})
	x = mdc1200.Append(append(x, quiet...), 8000, mdc1200.Packet{Op: 0, Arg: 0x81, Unit: 7}, mdc1200.Sending{})
	x, _ = selcall.Append(append(x, quiet...), 8000, zvei, "123456", selcall.Sending{})
	e.Write(append(x, quiet...))
	if got, want := heard.String(), "*911 ccir:20202 emergency zvei1:123456"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if active != 4 || e.State().Carrier {
		t.Errorf("%d times active, now %+v", active, e.State())
	}
}

// BenchmarkEar is a second of noise through everything, as a part of a core.
func BenchmarkEar(b *testing.B) {
	e, err := NewEar(8000, everything())
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	second := make([]float32, 8000)
	for i := range second {
		second[i] = float32(0.2 * r.NormFloat64())
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Write(second)
	}
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N), "%core")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}
