package dvriptest

import (
	"net"
	"net/netip"

	"sentrybox/drivers/dvrip"
)

// ServeDiscovery answers searches that come to pc, which is bound to
// dvrip.DiscoveryPort, by broadcast until pc is closed. addr is the device's address
// and its port for DVRIP, name what it is called.
func ServeDiscovery(pc net.PacketConn, addr netip.AddrPort, name string, channels int) {
	b := make([]byte, 2048)
	for {
		n, _, err := pc.ReadFrom(b)
		if err != nil {
			return
		}
		search := dvrip.Message{ID: dvrip.IDSearch}.Append(nil)
		if string(b[:n]) != string(search) {
			continue
		}
		_, _ = pc.WriteTo(Announcement(addr, name, channels), &net.UDPAddr{IP: net.IPv4bcast, Port: dvrip.DiscoveryPort})
	}
}

// Announcement is a device's answer to a search.
func Announcement(addr netip.AddrPort, name string, channels int) []byte {
	return dvrip.Message{ID: dvrip.IDSearch + 1, Body: dvrip.JSON(map[string]any{
		"Name": "NetWork.NetCommon", "Ret": dvrip.RetOK, "SessionID": "0x0",
		"NetWork.NetCommon": map[string]any{
			"HostIP": dvrip.HexAddr(addr.Addr()), "HostName": name, "MAC": "00:12:17:0a:0b:0c", "SN": "a1b2c3d4e5f60718",
			"TCPPort": addr.Port(), "ChannelNum": channels, "HttpPort": 80, "MaxBps": 0, "MonMode": "TCP", "SSLPort": 8443,
			"Submask": "0x00FFFFFF", "GateWay": "0x0101A8C0", "TCPMaxConn": 10, "TransferPlan": "Quality", "UDPPort": 34568, "UseHSDownLoad": false,
		},
	})}.Append(nil)
}
