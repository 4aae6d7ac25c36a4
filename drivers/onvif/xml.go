package onvif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// What an answer may be. A camera with eight profiles answers some 40 KiB, with
// depths around 10.
const (
	maxAnswer   = 512 << 10
	maxDepth    = 40
	maxElements = 20000
	maxName     = 200 // characters of any text that is kept
)

// decode reads an XML document into v. Elements are found by their local names:
// devices name their namespaces as they like.
func decode(b []byte, v any) error {
	if len(b) > maxAnswer {
		return fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	b = bytes.ToValidUTF8(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), []byte("?"))
	if err := sane(b); err != nil {
		return err
	}
	return newDecoder(b).Decode(v)
}

func newDecoder(b []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // what is not UTF-8 has been replaced
	return d
}

// sane looks at a document's form before anything is built of it.
func sane(b []byte) error {
	d := newDecoder(b)
	depth, elements := 0, 0
	for {
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
			return errors.New("a document type, which ONVIF does not have")
		case xml.StartElement:
			depth++
			elements++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth || elements > maxElements {
			return fmt.Errorf("XML deeper than %d or with more than %d elements", maxDepth, maxElements)
		}
	}
}

// clean makes a text of a device one that a log or a page can have.
func clean(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
	if r := []rune(s); len(r) > maxName {
		s = string(r[:maxName]) + "…"
	}
	return s
}

// escape makes s the text of an element or an attribute.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
