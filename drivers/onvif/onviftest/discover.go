package onviftest

import (
	"encoding/xml"
	"fmt"
	"net"
	"strings"
)

// ServeDiscovery answers probes that come to pc until it is closed: a socket at port
// 3702 that has joined 239.255.255.250 where multicast is wanted.
func (s *Server) ServeDiscovery(pc net.PacketConn) {
	b := make([]byte, 16<<10)
	for {
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			return
		}
		var env struct {
			Header struct{ MessageID string }
			Body   struct{ Probe *struct{ Types string } }
		}
		if xml.Unmarshal(b[:n], &env) != nil || env.Body.Probe == nil {
			continue
		}
		_, _ = pc.WriteTo(s.ProbeMatch(env.Header.MessageID), from)
	}
}

// ProbeMatch is the answer to the probe with a MessageID.
func (s *Server) ProbeMatch(id string) []byte {
	return discovery("ProbeMatches", `<a:RelatesTo>`+text(id)+`</a:RelatesTo>`, `<d:ProbeMatches><d:ProbeMatch>`+s.self()+`</d:ProbeMatch></d:ProbeMatches>`)
}

// Hello is what the device sends to the group when it comes up.
func (s *Server) Hello() []byte { return discovery("Hello", "", `<d:Hello>`+s.self()+`</d:Hello>`) }

func (s *Server) self() string {
	return fmt.Sprintf(`<a:EndpointReference><a:Address>urn:uuid:00000000-0000-1000-8000-001217000001</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>`+
		`<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/%s onvif://www.onvif.org/hardware/%s onvif://www.onvif.org/location/gate onvif://www.onvif.org/Profile/Streaming</d:Scopes>`+
		`<d:XAddrs>%s</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>`, escapePath(s.Manufacturer), escapePath(s.Model), s.xaddr("device_service"))
}

func escapePath(s string) string { return text(strings.ReplaceAll(s, " ", "%20")) }

func discovery(action, header, body string) []byte {
	return []byte(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" ` +
		`xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Header>` +
		`<a:MessageID>urn:uuid:00000000-0000-1000-8000-000000000001</a:MessageID>` + header + `<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/` + action + `</a:Action></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`)
}
