package mp4

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestNotMP4(t *testing.T) {
	ts := bytes.Repeat(append([]byte{0x47}, make([]byte, 187)...), 4)
	for _, c := range []struct{ name, head, want string }{
		{"avi", "RIFF\x00\x10\x00\x00AVI LIST", "an AVI file; convert it: ffmpeg -i IN -c copy OUT.mp4, or for its older codecs ffmpeg -i IN -c:v libx264 OUT.mp4"},
		{"mkv", "\x1aE\xdf\xa3\x01\x00\x00\x00", "Matroska"},
		{"ts", string(ts), "MPEG transport stream (TS); convert it: ffmpeg -i IN -c copy OUT.mp4"},
		{"m2ts", strings.Repeat("\x00\x00\x00\x00G"+strings.Repeat("x", 187), 3), "MPEG transport stream"},
		{"ps", "\x00\x00\x01\xba\x44", "MPEG program stream"},
		{"hikvision", "IMKH\x01\x01\x00\x00", "Hikvision"},
		{"dahua", "DHAV\xfd\x00\x00\x00", "Dahua"},
		{"flv", "FLV\x01\x05", "Flash"},
		{"annexb", "\x00\x00\x00\x01\x67\x42\x00\x1f", "bare H.264 or H.265"},
		{"jpeg", "\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"},
		{"page", "\n<!DOCTYPE html><html>", "web page"},
		{"empty", "", "empty"},
		{"text", "hello, world", "begins with 68 65 6c"},
		{"short", "x", "begins with 78"},
	} {
		_, err := Open(strings.NewReader(c.head))
		if !errors.Is(err, ErrNotMP4) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
		}
	}
}
