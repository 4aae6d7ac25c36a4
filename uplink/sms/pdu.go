// Package sms sends short messages through a modem with AT commands, in PDU mode,
// as UCS-2 text, in several parts where one is too short.
//
// The form of the messages is that of 3GPP TS 23.040, the dialogue that of
// 3GPP TS 27.005 and 27.007.
package sms

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Limits of one message in UCS-2, in UTF-16 units: 140 octets, of which the header
// of a part takes 6 (3GPP TS 23.040, 9.2.3.24.1).
const (
	single   = 70
	perPart  = 67
	maxParts = 8
)

// ErrForm means that a text or a number cannot be sent as it is.
var ErrForm = errors.New("no message can be made of it")

// Submit is one SMS-SUBMIT (3GPP TS 23.040, 9.2.2.2) with UCS-2 text.
type Submit struct {
	Number string // E.164 with its plus
	Text   string // at most 70 UTF-16 units, 67 in a part
	// Ref, Part and Parts place the text among the parts of a longer one, counted
	// from 1; Parts is 0 for one that stands alone.
	Ref         byte
	Part, Parts byte
}

// Bits of the first octet (9.2.3.1 to 9.2.3.23).
const (
	mtiSubmit = 0x01
	rejectDup = 0x04 // the centre drops a repetition that it still has
	userHead  = 0x40 // UDHI
	vpfMask   = 0x18
	vpfRel    = 0x10 // a relative validity period of one octet
	vpfNone   = 0x00
)

const (
	typeInternational = 0x91 // and the numbering plan of E.164 (9.1.2.5)
	codingUCS2        = 0x08 // 3GPP TS 23.038, 4
	validity          = 0xa7 // a day (9.2.3.12.1)
)

// Marshal returns the PDU with the length octet of a service centre that the SIM
// knows, and the length of what follows that octet, which AT+CMGS wants.
func (s Submit) Marshal() (pdu []byte, length int, err error) {
	number, err := marshalNumber(s.Number)
	if err != nil {
		return nil, 0, err
	}
	text := utf16.Encode([]rune(s.Text))
	first, most := byte(mtiSubmit|rejectDup|vpfRel), single
	var head []byte
	if s.Parts > 0 {
		if s.Part < 1 || s.Part > s.Parts {
			return nil, 0, fmt.Errorf("%w: part %d of %d", ErrForm, s.Part, s.Parts)
		}
		// Information element 0, concatenation with a reference of one octet.
		head, most = []byte{5, 0, 3, s.Ref, s.Parts, s.Part}, perPart
		first |= userHead
	}
	if len(text) > most {
		return nil, 0, fmt.Errorf("%w: %d units of text, at most %d", ErrForm, len(text), most)
	}
	pdu = append(pdu, 0, first, 0) // the modem counts the references
	pdu = append(pdu, number...)
	pdu = append(pdu, 0, codingUCS2, validity, byte(len(head)+2*len(text)))
	pdu = append(pdu, head...)
	for _, u := range text {
		pdu = append(pdu, byte(u>>8), byte(u))
	}
	return pdu, len(pdu) - 1, nil
}

// Unmarshal reads a PDU that a modem has been given: an SMS-SUBMIT in UCS-2 with
// a relative validity period or none.
func Unmarshal(pdu []byte) (s Submit, err error) {
	bad := func(what string) (Submit, error) { return Submit{}, fmt.Errorf("%w: %s", ErrForm, what) }
	if len(pdu) < 1 || len(pdu) < 1+int(pdu[0])+2 {
		return bad("it ends in its head")
	}
	b := pdu[1+int(pdu[0]):]
	first := b[0]
	if first&3 != mtiSubmit {
		return bad("it is no SMS-SUBMIT")
	}
	s.Number, b, err = unmarshalNumber(b[2:])
	if err != nil {
		return Submit{}, err
	}
	rest := 3
	switch first & vpfMask {
	case vpfRel:
		rest++
	case vpfNone:
	default:
		return bad("its validity period is not relative")
	}
	if len(b) < rest || b[1] != codingUCS2 {
		return bad("it is not in UCS-2")
	}
	size := int(b[rest-1])
	if b = b[rest:]; len(b) != size || size > 140 {
		return bad("its length is wrong")
	}
	if first&userHead != 0 {
		if len(b) < 6 || [3]byte(b[:3]) != [3]byte{5, 0, 3} || b[5] < 1 || b[5] > b[4] {
			return bad("its header is none of concatenation")
		}
		s.Ref, s.Parts, s.Part = b[3], b[4], b[5]
		b = b[6:]
	}
	if len(b)%2 != 0 {
		return bad("half a unit of text")
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	s.Text = string(utf16.Decode(units))
	return s, nil
}

// marshalNumber writes an address (9.1.2.5): how many digits, the type, and the
// digits with each two of them swapped and 1111 to fill up.
func marshalNumber(number string) ([]byte, error) {
	digits, ok := strings.CutPrefix(number, "+")
	if !ok || len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return nil, fmt.Errorf("%w: the number is not in the form of E.164", ErrForm)
	}
	b := []byte{byte(len(digits)), typeInternational}
	for i := 0; i < len(digits); i += 2 {
		high := byte(0xf)
		if i+1 < len(digits) {
			high = digits[i+1] - '0'
		}
		b = append(b, high<<4|(digits[i]-'0'))
	}
	return b, nil
}

func unmarshalNumber(b []byte) (number string, rest []byte, err error) {
	if len(b) < 2 || b[0] < 7 || b[0] > 15 || b[1] != typeInternational || len(b) < 2+(int(b[0])+1)/2 {
		return "", nil, fmt.Errorf("%w: its number is not in the form of E.164", ErrForm)
	}
	n, out := int(b[0]), []byte("+")
	for i := range n {
		d := b[2+i/2] >> (4 * (i % 2)) & 0xf
		if d > 9 {
			return "", nil, fmt.Errorf("%w: its number has other than digits", ErrForm)
		}
		out = append(out, '0'+d)
	}
	if n%2 == 1 && b[2+n/2]>>4 != 0xf {
		return "", nil, fmt.Errorf("%w: its number is not filled up", ErrForm)
	}
	return string(out), b[2+(n+1)/2:], nil
}

// Split makes the messages of a text for a number: one where it fits, otherwise
// parts that carry ref. A character of two UTF-16 units stays whole.
func Split(number, text string, ref byte) ([]Submit, error) {
	if units(text) <= single {
		return []Submit{{Number: number, Text: text}}, nil
	}
	var parts []string
	var part strings.Builder
	n := 0
	for _, r := range text {
		u := max(utf16.RuneLen(r), 1)
		if n+u > perPart {
			parts, n = append(parts, part.String()), 0
			part.Reset()
		}
		part.WriteRune(r)
		n += u
	}
	parts = append(parts, part.String())
	if len(parts) > maxParts {
		return nil, fmt.Errorf("%w: %d parts, at most %d", ErrForm, len(parts), maxParts)
	}
	all := make([]Submit, len(parts))
	for i, p := range parts {
		all[i] = Submit{Number: number, Text: p, Ref: ref, Part: byte(i + 1), Parts: byte(len(parts))}
	}
	return all, nil
}

func units(s string) (n int) {
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// upper is a PDU as AT commands carry it.
func upper(pdu []byte) string { return strings.ToUpper(hex.EncodeToString(pdu)) }
