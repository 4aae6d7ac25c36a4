package wire

import (
	"bytes"
	"testing"
	"time"
)

func TestPicture(t *testing.T) {
	var pipe bytes.Buffer
	sent := Picture{Detection: 1 << 40, Wall: time.UnixMilli(1772340000123).UTC(), JPEG: []byte("a JPEG")}
	if err := NewWriter(&pipe, MaxFromVision).Picture(&sent); err != nil {
		t.Fatal(err)
	}
	typ, payload, err := NewReader(&pipe, MaxFromVision).Next()
	if err != nil || typ != TypePicture {
		t.Fatalf("type %d, %v", typ, err)
	}
	var got Picture
	if err := DecodePicture(payload, &got); err != nil || got.Detection != sent.Detection || got.Wall != sent.Wall || !bytes.Equal(got.JPEG, sent.JPEG) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range [][]byte{nil, make([]byte, 15), make([]byte, 17+MaxPicture)} {
		if DecodePicture(bad, &got) == nil {
			t.Errorf("%d bytes are taken", len(bad))
		}
	}
}
