package profile

import (
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

// TestWhy holds the reasons that whoever writes a profile is told to what is wrong.
func TestWhy(t *testing.T) {
	const (
		water = "serial: {frame: {start: '68', length: {at: 1, add: 4}, checksum: {type: sum8}, end: '16'}}\n"
		line  = "serial: {frame: {start: \"'$'\", end: 0D 0A, checksum: {type: xor8, from: 1, skip: 1, text: true}}}\n"
	)
	plain := fields("{name: a, at: 2, type: u8}")
	for _, c := range []struct{ name, profile, bytes, want string }{
		{"a checksum", water + plain, "FE 68 01 05 6F 16", "its checksum is 6F, and comes to 6E"},
		{"a checksum in digits", line + plain, "'$AB*04' 0D 0A", "its checksum is 04, and comes to 03"},
		{"a length", water + plain, "68 02 05 6F 16", "by length the frame has 6 bytes, and there are 5"},
		{"a beginning", water + plain, "67 01 05 6E 16", "start 68 is not in it"},
		{"an end", water + plain, "68 01 05 6E 17", "it does not end with end 16"},
		{"a size", "serial: {frame: {start: AA, size: 4}}\n" + plain, "AA 01 02", "size is 4 bytes, and there are 3"},
		{
			"a port and a length", "lorawan: {}\nmessages:\n- {when: {port: 2}, ignore: true}\n- {when: {length: 3}, fields: [{name: a, type: u8}]}\n", "01",
			"it does not fit messages[0].when.port, messages[1].when.length",
		},
		{"a pattern", "lorawan: {}\nmessages:\n- {form: text, pattern: '^(?P<a>[0-9]+)$', fields: [{name: a}]}\n", "'x'", "it does not fit messages[0].pattern"},
	} {
		p, err := Parse("a.yaml", []byte(head+c.profile+"examples:\n- {bytes: \""+c.bytes+"\", values: {a: 5}}\n"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		o := p.Test()[0]
		if o.Err == nil || !strings.HasSuffix(o.Err.Error(), ": "+c.want) {
			t.Errorf("%s: %v, want %s", c.name, o.Err, c.want)
			continue
		}
		if zh := Reason(text.Chinese, o.Err); strings.Contains(zh, "no message") || strings.Contains(zh, "not one frame") {
			t.Errorf("%s: %s", c.name, zh)
		}
	}
}
