package lorawan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// protocolExample is from PROTOCOL.TXT, chapter 4.
const protocolExample = `{"rxpk":[
	{"time":"2013-03-31T16:21:17.528002Z","tmst":3512348611,"chan":2,"rfch":0,"freq":866.349812,"stat":1,"modu":"LORA","datr":"SF7BW125",
	 "codr":"4/6","rssi":-35,"lsnr":5.1,"size":32,"data":"-DS4CGaDCdG+48eJNM3Vai-zDpsR71Pn9CPA9uCON84"},
	{"time":"2013-03-31T16:21:17.530974Z","tmst":3512348514,"chan":9,"rfch":1,"freq":869.1,"stat":1,"modu":"FSK","datr":50000,
	 "rssi":-75,"size":16,"data":"VEVTVF9QQUNLRVRfMTIzNA=="}]}`

func TestRxpk(t *testing.T) {
	var p push
	if err := json.Unmarshal([]byte(protocolExample), &p); err != nil || len(p.RXPK) != 2 {
		t.Fatal(err)
	}
	var a, b rxpk
	if err := json.Unmarshal(p.RXPK[0], &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(p.RXPK[1], &b); err != nil {
		t.Fatal(err)
	}
	if a.Tmst != 3512348611 || a.Freq != 866.349812 || a.Stat != 1 || string(a.Datr) != `"SF7BW125"` || a.RSSI != -35 || *a.LSNR != 5.1 {
		t.Errorf("%+v", a)
	}
	if data, err := b.packet(); string(data) != "TEST_PACKET_1234" || err != nil || string(b.Datr) != "50000" || b.LSNR != nil {
		t.Errorf("%q, %v", data, err)
	}
}

func TestBase64(t *testing.T) {
	want := []byte{0xfb, 0xff, 0xbf, 0x00}
	for _, s := range []string{"+/+/AA==", "+/+/AA", "-_-_AA==", "-_-_AA", "-_-_AA="} {
		if got, err := decodeBase64(s); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v", s, got, err)
		}
	}
	for _, s := range []string{"A", "+/-_", "!!!!"} {
		if got, err := decodeBase64(s); err == nil {
			t.Errorf("%s: %x", s, got)
		}
	}
}

func TestDatagram(t *testing.T) {
	eui := "aa555a0000000101"
	d, err := parseDatagram(append(unhex("02"+"beef"+"00"+eui), `{}`...))
	if err != nil || d.eui.String() != eui || string(d.body) != "{}" || !bytes.Equal(d.confirm(), unhex("02beef01")) {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err = parseDatagram(unhex("02" + "0102" + "02" + eui)); err != nil || !bytes.Equal(d.confirm(), unhex("02010204")) {
		t.Errorf("%+v, %v", d, err)
	}
	for _, bad := range []string{"", "02beef00" + eui[2:], "01beef00" + eui, "02beef01" + eui, "02beef03" + eui, "02beef06" + eui} {
		if _, err := parseDatagram(unhex(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	for body, want := range map[string]string{
		"": "", `{"txpk_ack":{"error":"NONE"}}`: "", `{"txpk_ack":{"error":"TOO_LATE"}}`: "TOO_LATE", "{": "", `{"txpk_ack":{"warn":"TX_POWER"}}`: "",
	} {
		if got := txError([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
	b, err := pull(0x1234, txpk{Tmst: 7, Freq: 868.1, Datr: json.RawMessage(`"SF7BW125"`), Data: "AA=="})
	if err != nil || !bytes.HasPrefix(b, unhex("02123403")) || !strings.Contains(string(b[4:]), `{"txpk":{"imme":false,"tmst":7,"freq":868.1,`) {
		t.Errorf("%s, %v", b, err)
	}
}
