package lorawan

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// EUI is a gateway's identifier.
type EUI [8]byte

// String returns sixteen hexadecimal digits.
func (e EUI) String() string { return fmt.Sprintf("%x", e[:]) }

// Types of datagrams of the Semtech UDP protocol, version 2 (PROTOCOL.TXT of
// Lora-net/packet_forwarder). GWMP is its other name.
const (
	pushData = 0
	pushAck  = 1
	pullData = 2
	pullResp = 3
	pullAck  = 4
	txAck    = 5
)

const gwmpVersion = 2

var errDatagram = errors.New("not a datagram of a packet forwarder")

// datagram is what a gateway sends.
type datagram struct {
	token [2]byte
	kind  byte
	eui   EUI
	body  []byte // JSON; part of the datagram
}

// parseDatagram reads a datagram from a gateway.
func parseDatagram(b []byte) (datagram, error) {
	if len(b) < 12 || b[0] != gwmpVersion {
		return datagram{}, errDatagram
	}
	switch b[3] {
	case pushData, pullData, txAck:
	default:
		return datagram{}, errDatagram
	}
	return datagram{token: [2]byte(b[1:3]), kind: b[3], eui: EUI(b[4:12]), body: b[12:]}, nil
}

// confirm returns the answer to a datagram.
func (d *datagram) confirm() []byte {
	kind := byte(pushAck)
	if d.kind == pullData {
		kind = pullAck
	}
	return []byte{gwmpVersion, d.token[0], d.token[1], kind}
}

// rxpk is a packet that a gateway has heard.
type rxpk struct {
	Tmst uint32          `json:"tmst"` // µs of the gateway's counter, at the end of the packet
	Freq float64         `json:"freq"` // MHz
	Stat int             `json:"stat"` // of the CRC: 1 right, -1 wrong, 0 none
	Modu string          `json:"modu"` // LORA or FSK
	Datr json.RawMessage `json:"datr"` // "SF7BW125", or a number for FSK
	Codr string          `json:"codr"`
	RSSI float64         `json:"rssi"` // dBm
	LSNR *float64        `json:"lsnr"` // dB
	Data string          `json:"data"` // base64
}

// Status is what a gateway says of itself from time to time.
type Status struct {
	Time      string  `json:"time"` // as the gateway writes it
	Latitude  float64 `json:"lati"`
	Longitude float64 `json:"long"`
	Received  int     `json:"rxnb"` // packets since the last report
	Valid     int     `json:"rxok"` // of those, with a right CRC
	Forwarded int     `json:"rxfw"`
	AckRatio  float64 `json:"ackr"` // of its datagrams, in percent
	Sent      int     `json:"txnb"`
}

// push is the body of PUSH_DATA. Packets are read one by one, so that one that is
// malformed costs no other.
type push struct {
	RXPK []json.RawMessage `json:"rxpk"`
	Stat *Status           `json:"stat"`
}

// packet returns the bytes that were on the air.
func (p *rxpk) packet() ([]byte, error) { return decodeBase64(p.Data) }

// decodeBase64 takes the standard alphabet and the one for URLs, with and without
// padding: forwarders send them all.
func decodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(s, "=")
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}

// txpk is a packet that a gateway shall send.
type txpk struct {
	Imme bool            `json:"imme"`
	Tmst uint32          `json:"tmst"`
	Freq float64         `json:"freq"`
	RFCh int             `json:"rfch"`
	Powe int             `json:"powe"` // dBm
	Modu string          `json:"modu"`
	Datr json.RawMessage `json:"datr"`
	Codr string          `json:"codr"`
	IPol bool            `json:"ipol"` // downlinks are sent with inverted polarity
	NCRC bool            `json:"ncrc"` // and without a CRC
	Size int             `json:"size"`
	Data string          `json:"data"`
}

// pull returns a PULL_RESP.
func pull(token uint16, p txpk) ([]byte, error) {
	body, err := json.Marshal(struct {
		TXPK txpk `json:"txpk"`
	}{p})
	if err != nil {
		return nil, err
	}
	b := binary.BigEndian.AppendUint16([]byte{gwmpVersion}, token)
	return append(append(b, pullResp), body...), nil
}

// txError reads a TX_ACK: empty when the packet will be sent, and else why not.
func txError(body []byte) string {
	var a struct {
		Ack struct {
			Error string `json:"error"`
			Warn  string `json:"warn"`
		} `json:"txpk_ack"`
	}
	if len(body) == 0 || json.Unmarshal(body, &a) != nil || a.Ack.Error == "NONE" {
		return ""
	}
	return a.Ack.Error
}
