package resident

import (
	"slices"
	"strings"
	"testing"
)

const smaps = `00400000-01400000 r-xp 00000000 fe:00 123    /opt/sentrybox
Size:              16384 kB
Rss:               13000 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
01400000-02600000 r--p 01000000 fe:00 123    /opt/sentrybox
Anonymous:             0 kB
02600000-02700000 r--p 02200000 fe:00 123    /opt/sentrybox
Anonymous:             8 kB
02700000-02800000 rw-p 02300000 fe:00 123    /opt/sentrybox
Anonymous:             0 kB
c000000000-c004000000 rw-p 00000000 00:00 0 
Anonymous:         20000 kB
7f0000000000-7f0000100000 r--p 00000000 fe:00 124    /opt/sentrybox-vision
Anonymous:             0 kB
`

// TestClean: what was written to, or may be, is left alone, and so is what belongs to other files.
func TestClean(t *testing.T) {
	got, err := clean(strings.NewReader(smaps), "/opt/sentrybox")
	if want := []mapping{{0x400000, 0x1400000}, {0x1400000, 0x2600000}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x, %v; want %x", got, err, want)
	}
	for _, bad := range []string{"x-1 r--p 0 0 0 /a\n", "2-1 r--p 0 0 0 /a\n", "1 r--p 0 0 0 /a\n"} {
		if got, err := clean(strings.NewReader(bad), "/a"); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// TestRelease: this very program runs on without its pages.
func TestRelease(t *testing.T) {
	p, err := Own()
	if err != nil || len(p.list) == 0 {
		t.Fatalf("no mapping of the program's file is clean: %v", err)
	}
	for range 3 {
		if err := p.Release(); err != nil {
			t.Fatal(err)
		}
	}
}
