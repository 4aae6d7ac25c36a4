package profile

import "testing"

// BenchmarkDecode decodes the first example of a few profiles.
func BenchmarkDecode(b *testing.B) {
	for _, id := range []string{"milesight-em300-th", "renke-rs-ws-n01", "pzem-016", "dyp-a02yyuw", "rdm6300", "maxbotix-mb7389", "aqara-mccgq11lm"} {
		b.Run(id, func(b *testing.B) {
			d, in := first(b, id)
			var values []Value
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if values, _, err = d.Decode(values[:0], in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func first(t testing.TB, id string) (*Decoder, Input) {
	t.Helper()
	p, err := Library{}.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.NewDecoder(nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.input(&p.Examples[0])
	if err != nil {
		t.Fatal(err)
	}
	return d, in
}

// TestDecodeAllocates holds a device without expressions and texts to no
// allocation at all.
func TestDecodeAllocates(t *testing.T) {
	for _, id := range []string{"milesight-em300-th", "renke-rs-ws-n01", "renke-rs-yg-n01", "dragino-lds02", "milesight-ws101"} {
		d, in := first(t, id)
		values := make([]Value, 0, 16)
		if n := testing.AllocsPerRun(100, func() { values, _, _ = d.Decode(values[:0], in) }); n != 0 {
			t.Errorf("%s: %v allocations", id, n)
		}
	}
}

// BenchmarkGet reads a profile.
func BenchmarkGet(b *testing.B) {
	for b.Loop() {
		if _, err := (Library{}).Get("pzem-016"); err != nil {
			b.Fatal(err)
		}
	}
}
