//go:build e2e

package e2e

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// listeners returns where a process can be reached, as tcp 127.0.0.1:8080, udp … or unix …, by its
// descriptors and the kernel's own tables (proc(5): /proc/net). UDP sockets count unless they are
// connected, whatever they are for.
func listeners(t testing.TB, pid int) (all []string) {
	t.Helper()
	mine := map[string]bool{}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, _ := os.Readlink(filepath.Join(dir, fd.Name())) // it may be closed by now
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			mine[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, proto := range []string{"tcp", "tcp6", "udp", "udp6"} {
		eachLine(t, fmt.Sprintf("/proc/%d/net/%s", pid, proto), func(f []string) {
			if len(f) < 10 || !mine[f[9]] {
				return
			}
			listens, connected := f[3] == "0A", strings.Trim(f[2], "0:") != ""
			if strings.HasPrefix(proto, "tcp") && listens || strings.HasPrefix(proto, "udp") && !connected {
				all = append(all, strings.TrimSuffix(proto, "6")+" "+address(t, f[1]))
			}
		})
	}
	eachLine(t, fmt.Sprintf("/proc/%d/net/unix", pid), func(f []string) {
		if len(f) >= 8 && mine[f[6]] && f[3] == "00010000" { // __SO_ACCEPTCON
			all = append(all, "unix "+f[7])
		}
	})
	slices.Sort(all)
	return all
}

func eachLine(t testing.TB, path string, take func(fields []string)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		take(strings.Fields(lines.Text()))
	}
}

// address reads one of /proc/net: words of 32 bits in the machine's order, and a port.
func address(t testing.TB, text string) string {
	t.Helper()
	ip, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(ip)
	n, perr := strconv.ParseUint(port, 16, 16)
	if err != nil || perr != nil {
		t.Fatalf("address %q", text)
	}
	for i := 0; i+4 <= len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	return net.JoinHostPort(net.IP(b).String(), fmt.Sprint(n))
}

// TestListeners: a gateway listens on what the list in SECURITY.md says, and on nothing else; vision
// processes have no socket at all.
func TestListeners(t *testing.T) {
	t.Run("as it comes", func(t *testing.T) {
		web := fmt.Sprintf("127.0.0.1:%d", mqtttest.FreePort(t))
		g := start(t, "mqtt://127.0.0.1:1", strings.Replace(head, "127.0.0.1:8080", web, 1))
		g.mustRaise(3)
		want := []string{"tcp " + web, "unix " + controlOf(g)}
		eventually(t, fmt.Sprint(want), func() bool { return slices.Equal(listeners(t, g.cmd.Process.Pid), want) })
	})
	t.Run("all that there is", func(t *testing.T) {
		s := &rtsptest.Server{NoUDP: true, Cameras: map[string]rtsptest.Camera{"gate": {Clip: rtsptest.Bytes(mp4test.H264())}}}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
		web, broker, metrics, wan := mqtttest.FreePort(t), mqtttest.FreePort(t), mqtttest.FreePort(t), mqtttest.FreePort(t)
		doc := strings.Replace(head, "127.0.0.1:8080", fmt.Sprintf("127.0.0.1:%d", web), 1) + fmt.Sprintf(`
broker: {listen: "127.0.0.1:%d"}
metrics: {listen: "127.0.0.1:%d"}
buses: [{id: wan, lorawan: "127.0.0.1:%d"}, {id: ns, chirpstack: "${BROKER}"}]
sensors: [{id: door-1, profile: dragino-lds02, bus: wan, dev_addr: 26011bda, nwk_skey: 00112233445566778899aabbccddeeff, app_skey: ffeeddccbbaa99887766554433221100}]
cameras: [{id: gate, url: %q, detect: [{kind: motion}]}]
`, broker, metrics, wan, s.URL("gate"))
		sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
		g := start(t, mosquitto.URL(), doc)
		waitState(t, sub, "gate", `"state":"online"`)
		want := []string{
			fmt.Sprintf("tcp 127.0.0.1:%d", web), fmt.Sprintf("tcp 127.0.0.1:%d", broker), fmt.Sprintf("tcp 127.0.0.1:%d", metrics),
			fmt.Sprintf("udp 127.0.0.1:%d", wan), "unix " + controlOf(g),
		}
		slices.Sort(want)
		eventually(t, fmt.Sprint(want), func() bool { return slices.Equal(listeners(t, g.cmd.Process.Pid), want) })
		for _, pid := range visionProcesses(t, g.cmd.Process.Pid) {
			eventually(t, "a vision process without a socket", func() bool { // one that is about to become it has the gateway's
				fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)) // the pattern is good
				return !slices.ContainsFunc(fds, func(fd string) bool {
					to, _ := os.Readlink(fd)
					return strings.HasPrefix(to, "socket:")
				})
			})
		}
	})
}

func controlOf(g *gateway) string {
	return filepath.Join(filepath.Dir(g.config), "data", "control.sock")
}
