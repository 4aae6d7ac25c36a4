package onviftest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

const media2 = "http://www.onvif.org/ver20/media/wsdl"

// answer is the body of an answer.
func (s *Server) answer(action xml.Name, token string) (status int, body string) {
	second := action.Space == media2
	switch action.Local {
	case "GetSystemDateAndTime":
		t := s.now()
		return ok(`<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:UTCDateTime>`+
			`<tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time><tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date>`+
			`</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`, t.Hour(), t.Minute(), t.Second(), t.Year(), int(t.Month()), t.Day())
	case "GetDeviceInformation":
		return ok(`<tds:GetDeviceInformationResponse><tds:Manufacturer>%s</tds:Manufacturer><tds:Model>%s</tds:Model><tds:FirmwareVersion>V1.2.3</tds:FirmwareVersion>`+
			`<tds:SerialNumber>SIM-0001</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>`, text(s.Manufacturer), text(s.Model))
	case "GetServices":
		return s.services()
	case "GetCapabilities":
		return ok(`<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>%s</tt:XAddr></tt:Media><tt:Events><tt:XAddr>%s</tt:XAddr></tt:Events></tds:Capabilities></tds:GetCapabilitiesResponse>`, s.xaddr("media"), s.xaddr("events"))
	case "GetProfiles":
		return s.profiles(second)
	case "GetStreamUri", "GetSnapshotUri":
		for _, st := range s.Streams {
			if st.Token == token {
				return uri(action.Local, st, second)
			}
		}
	}
	return http.StatusBadRequest, `<env:Fault><env:Code><env:Value>env:Receiver</env:Value><env:Subcode><env:Value>ter:ActionNotSupported</env:Value></env:Subcode></env:Code>` +
		`<env:Reason><env:Text xml:lang="en">Not supported</env:Text></env:Reason></env:Fault>`
}

func ok(format string, args ...any) (int, string) {
	return http.StatusOK, fmt.Sprintf(format, args...)
}

func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func (s *Server) xaddr(service string) string {
	host := s.Host
	if host == "" {
		host = s.Addr()
	}
	return "http://" + host + "/onvif/" + service
}

func (s *Server) services() (int, string) {
	if s.NoServices {
		return s.answer(xml.Name{Local: "NoSuchThing"}, "")
	}
	var b strings.Builder
	for _, v := range [][2]string{{"http://www.onvif.org/ver10/device/wsdl", "device_service"}, {"http://www.onvif.org/ver10/media/wsdl", "media"}, {media2, "media2"}, {"http://www.onvif.org/ver10/events/wsdl", "events"}} {
		if v[1] != "media2" && v[1] != "events" || v[1] == "media2" && !s.NoMedia2 || v[1] == "events" && s.Events != nil {
			fmt.Fprintf(&b, `<tds:Service><tds:Namespace>%s</tds:Namespace><tds:XAddr>%s</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>`, v[0], s.xaddr(v[1]))
		}
	}
	return ok(`<tds:GetServicesResponse>%s</tds:GetServicesResponse>`, b.String())
}

func (s *Server) profiles(second bool) (int, string) {
	if second && s.NoMedia2 {
		return s.answer(xml.Name{Local: "NoSuchThing"}, "")
	}
	var b strings.Builder
	for _, st := range s.Streams {
		if !second && st.Codec == "H265" {
			continue // Media does not know it
		}
		rate := fmt.Sprintf(`<tt:FrameRateLimit>%d</tt:FrameRateLimit><tt:BitrateLimit>%d</tt:BitrateLimit>`, st.FPS, st.Bitrate)
		size := fmt.Sprintf(`<tt:Width>%d</tt:Width><tt:Height>%d</tt:Height>`, st.Width, st.Height)
		if second {
			fmt.Fprintf(&b, `<tr2:Profiles token="%s" fixed="true"><tr2:Name>%s</tr2:Name><tr2:Configurations><tr2:VideoSource token="vs"><tt:Name>vs</tt:Name><tt:SourceToken>source_1</tt:SourceToken></tr2:VideoSource>`+
				`<tr2:VideoEncoder token="ve" GovLength="%d" Profile="Main"><tt:Name>ve</tt:Name><tt:Encoding>%s</tt:Encoding><tt:Resolution>%s</tt:Resolution><tt:RateControl>%s</tt:RateControl><tt:Quality>4</tt:Quality>`+
				`</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>`, text(st.Token), text(st.Name), st.GOP, st.Codec, size, rate)
			continue
		}
		fmt.Fprintf(&b, `<trt:Profiles token="%s" fixed="true"><tt:Name>%s</tt:Name><tt:VideoSourceConfiguration token="vs"><tt:Name>vs</tt:Name><tt:SourceToken>source_1</tt:SourceToken></tt:VideoSourceConfiguration>`+
			`<tt:VideoEncoderConfiguration token="ve"><tt:Name>ve</tt:Name><tt:Encoding>%s</tt:Encoding><tt:Resolution>%s</tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl>%s<tt:EncodingInterval>1</tt:EncodingInterval></tt:RateControl>`+
			`<tt:H264><tt:GovLength>%d</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264></tt:VideoEncoderConfiguration></trt:Profiles>`, text(st.Token), text(st.Name), st.Codec, size, rate, st.GOP)
	}
	if second {
		return ok(`<tr2:GetProfilesResponse>%s</tr2:GetProfilesResponse>`, b.String())
	}
	return ok(`<trt:GetProfilesResponse>%s</trt:GetProfilesResponse>`, b.String())
}

func uri(action string, st Stream, second bool) (int, string) {
	address := st.URL
	if action == "GetSnapshotUri" {
		address = st.SnapshotURL
	}
	if second {
		return ok(`<tr2:%sResponse><tr2:Uri>%s</tr2:Uri></tr2:%sResponse>`, action, text(address), action)
	}
	return ok(`<trt:%sResponse><trt:MediaUri><tt:Uri>%s</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:%sResponse>`, action, text(address), action)
}
