package sip

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// What a message may be. A door station's INVITE has some 1.2 KiB.
const (
	maxMessage  = 8 << 10
	maxHeaders  = 64
	maxVias     = 4
	maxContacts = 8
	maxField    = 256 // of a tag, a Call-ID, a branch
)

var errMalformed = errors.New("malformed")

// parse reads a message. It fails for what lacks a field that every message has
// (RFC 3261 section 8.1.1), or has too many.
func parse(parser *sip.Parser, b []byte) (m sip.Message, err error) {
	defer func() {
		if r := recover(); r != nil { // a fault of the library is the sender's
			m, err = nil, fmt.Errorf("%w: the parser gives up: %v", errMalformed, r)
		}
	}()
	if len(b) > maxMessage {
		return nil, fmt.Errorf("%w: %d bytes", errMalformed, len(b))
	}
	head, _, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	lines := bytes.Count(head, []byte("\r\n"))
	if !whole || lines > maxHeaders || bytes.Count(head, []byte("\n")) != lines || bytes.IndexByte(head, 0) >= 0 {
		return nil, fmt.Errorf("%w: the headers", errMalformed)
	}
	if m, err = parser.ParseSIP(b); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return m, sane(m)
}

// sane looks at what the rest relies on.
func sane(m sip.Message) error {
	via, from, to, id, cseq := m.Via(), m.From(), m.To(), m.CallID(), m.CSeq()
	if via == nil || from == nil || to == nil || id == nil || cseq == nil || len(m.GetHeaders("Via")) > maxVias {
		return fmt.Errorf("%w: a field is missing", errMalformed)
	}
	branch, _ := via.Params.Get("branch")
	if branch == "" || len(branch) > maxField || len(id.Value()) > maxField || len(tag(from.Params)) > maxField || len(tag(to.Params)) > maxField || via.Port < 0 || via.Port > 65535 {
		return fmt.Errorf("%w: a field is too long", errMalformed)
	}
	switch m := m.(type) { // what is read lazily is read here, where a panic is caught
	case *sip.Request:
		_, _ = m.Contact(), m.ContentType()
		if cseq.MethodName != m.Method || m.Recipient.Scheme != "sip" && m.Recipient.Scheme != "sips" {
			return fmt.Errorf("%w: the method or the address", errMalformed)
		}
	case *sip.Response:
		_, _ = m.Contact(), m.ContentType()
		if m.StatusCode < 100 || m.StatusCode > 699 {
			return fmt.Errorf("%w: status %d", errMalformed, m.StatusCode)
		}
	}
	return nil
}

// contacts reads the contacts of a request: each in a header of its own, or several in one.
func contacts(r *sip.Request) (all []sip.ContactHeader, err error) {
	defer func() {
		if recover() != nil { // as in parse
			err = errMalformed
		}
	}()
	for _, h := range r.Headers() {
		if name := strings.ToLower(h.Name()); name != "contact" && name != "m" {
			continue
		}
		for _, text := range commas(h.Value()) {
			var c sip.ContactHeader
			if c.DisplayName, err = sip.ParseAddressValue(text, &c.Address, &c.Params); err != nil || len(all) == maxContacts {
				return nil, fmt.Errorf("%w: a contact", errMalformed)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// commas splits a list at the commas that stand neither in quotes nor in brackets.
func commas(list string) (all []string) {
	quoted, inside, begin := false, false, 0
	for i := range len(list) {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<' || c == '>':
			inside = c == '<'
		case c == ',' && !inside:
			all = append(all, strings.TrimSpace(list[begin:i]))
			begin = i + 1
		}
	}
	return append(all, strings.TrimSpace(list[begin:]))
}

func tag(p sip.HeaderParams) string { return p.GetOr("tag", "") }

func branch(m sip.Message) string { return m.Via().Params.GetOr("branch", "") }

// transaction names the transaction of a request, but for its sender (RFC 3261 section 17.2.3).
func transaction(r *sip.Request) string {
	return fmt.Sprintf("%s %d %s %s", r.Method, r.CSeq().SeqNo, branch(r), r.CallID().Value())
}

// respond makes a response to a request that came from the address. toTag is ours, for all but 100.
func respond(r *sip.Request, from netip.AddrPort, status int, reason, toTag string) *sip.Response {
	res := sip.NewResponse(status, reason)
	sip.CopyHeaders("Via", r, res)
	sip.CopyHeaders("Record-Route", r, res)
	res.AppendHeader(sip.HeaderClone(r.From()))
	to, _ := sip.HeaderClone(r.To()).(*sip.ToHeader)
	to.Params = to.Params.Clone()
	if toTag != "" && tag(to.Params) == "" {
		to.Params.Add("tag", toTag)
	}
	res.AppendHeader(to)
	res.AppendHeader(sip.HeaderClone(r.CallID()))
	res.AppendHeader(sip.HeaderClone(r.CSeq()))
	// RFC 3581 section 4. Copied headers may share their parameters with the request.
	via := res.Via()
	via.Params = via.Params.Clone()
	if _, asked := via.Params.Get("rport"); asked {
		via.Params.Add("rport", fmt.Sprint(from.Port()))
	}
	via.Params.Add("received", from.Addr().String())
	res.AppendHeader(sip.NewHeader("Server", product))
	res.SetBody(nil)
	return res
}

// withBody sets a body and its type.
func withBody(m interface {
	SetBody([]byte)
	AppendHeader(sip.Header)
}, kind string, body []byte) {
	h := sip.ContentTypeHeader(kind)
	m.AppendHeader(&h)
	m.SetBody(body)
}

// replyTo is where a response over UDP goes: to where the request came from, but to Via's port if
// the sender did not ask for its own (RFC 3261 section 18.2.2, RFC 3581).
func replyTo(r *sip.Request, from netip.AddrPort) netip.AddrPort {
	via := r.Via()
	if _, asked := via.Params.Get("rport"); asked {
		return from
	}
	port := via.Port
	if port == 0 {
		port = defaultPort
	}
	return netip.AddrPortFrom(from.Addr(), uint16(port)) // sane has looked at it
}

// contentType returns a body's type, in lower case and without parameters.
func contentType(m interface{ ContentType() *sip.ContentTypeHeader }) string {
	h := m.ContentType()
	if h == nil {
		return ""
	}
	kind, _, _ := strings.Cut(h.Value(), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

const (
	product     = "sentrybox"
	defaultPort = 5060
)
