// Package xmldoc reads the XML documents of devices (XML 1.0, fifth edition), which are hostile until
// parsed. Before anything is built of a document its form is looked at: no document type, hence no
// entities, and no more depth and elements than the reader expects.
package xmldoc

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// Limits say what a document may be.
type Limits struct {
	Bytes    int // of the whole document; no limit when 0
	Depth    int // of elements in elements
	Elements int
}

// byteOrderMark is what some devices begin their UTF-8 with.
const byteOrderMark = "\xef\xbb\xbf"

// Decode reads a document into v as encoding/xml does. Bytes that are not UTF-8 are read as question
// marks, whatever encoding the document claims, since the words that matter are ASCII.
func Decode(b []byte, l Limits, v any) error {
	if l.Bytes > 0 && len(b) > l.Bytes {
		return fmt.Errorf("a document of more than %d bytes", l.Bytes)
	}
	b = bytes.ToValidUTF8(bytes.TrimPrefix(b, []byte(byteOrderMark)), []byte("?"))
	if err := check(b, l); err != nil {
		return err
	}
	return decoder(b).Decode(v)
}

func decoder(b []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // what is not UTF-8 has been replaced
	return d
}

// check reads a document's tokens and keeps none.
func check(b []byte, l Limits) error {
	d := decoder(b)
	for depth, elements := 0, 0; ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if elements == 0 {
				return errors.New("no XML")
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("not XML: %w", err)
		}
		switch t.(type) {
		case xml.Directive:
			return errors.New("a document type, which no device's protocol has")
		case xml.StartElement:
			depth++
			elements++
		case xml.EndElement:
			depth--
		}
		if depth > l.Depth || elements > l.Elements {
			return fmt.Errorf("XML deeper than %d or with more than %d elements", l.Depth, l.Elements)
		}
	}
}
