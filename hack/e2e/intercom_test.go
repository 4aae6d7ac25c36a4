//go:build e2e

package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/isapi/isapitest"
	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/drivers/sip/siptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// intercomSite has three help points, of which two are Debian's baresip and sipp, the duty room's phone, which is
// another baresip, a door station and a recorder.
const intercomSite = head + `
intercoms:
  - id: helppoints
    fold: 1s
    emergency:
      - {on: digits, code: "91#", kind: keys}
      - {on: digits, code: "*", kind: info_key}
      - {on: text, code: 困人, kind: text_help}
    sip:
      listen: "127.0.0.1:%d"
      help: ["120"]
      ring: 10s
      ports: %d-%d
      stations:
        "1001": {name: 东门求助柱, place: 东门, grid: "3", password: s1}
        "1002": {name: 电梯, password: s2}
        "1003": {name: 西门, password: s3, digest: sha-256}
      phones: [{user: "2001", password: p1}]
  - {id: door-2, name: 2号楼, isapi: {url: "http://admin:d%%40or@%s", place: 2号楼大门}}
  - {id: gate-cam, onvif: {url: "http://admin:onvif@%s"}}
`

// caller is an alert with who called.
type caller struct {
	Kind, Device, Caller, Place, Grid string
	Severity                          int
}

func callersOf(messages []mqtttest.Message) []caller {
	var all []caller
	for _, m := range messages {
		var c caller
		if strings.Contains(m.Topic, "/alert/") && json.Unmarshal(m.Payload, &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

func waitCaller(t testing.TB, sub *mqtttest.Subscriber, want caller) {
	t.Helper()
	sub.Wait(patience, fmt.Sprintf("%+v", want), func(got []mqtttest.Message) bool { return slices.Contains(callersOf(got), want) })
}

// phone is a running baresip.
type phone struct {
	t       testing.TB
	dir     string
	control string
}

// startPhone starts a baresip that registers, speaks a tone of so many hertz, and keeps what it hears.
func startPhone(t testing.TB, server int, user, password, more string, hertz float64) *phone {
	t.Helper()
	p := &phone{t: t, dir: t.TempDir(), control: fmt.Sprintf("127.0.0.1:%d", mqtttest.FreePort(t))}
	for name, data := range map[string]string{
		"accounts": fmt.Sprintf("<sip:%s@127.0.0.1:%d;transport=udp>;auth_pass=%s;regint=60%s\n", user, server, password, more),
		"contacts": "", "speech.wav": wave(hertz, 20),
		"config": fmt.Sprintf("sip_listen 127.0.0.1:%d\nnet_interface 127.0.0.1\naudio_player aubridge,%s\naudio_alert aubridge,x%[2]s\naudio_source aufile,%[3]s/speech.wav\n"+
			"module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\nsnd_path %[3]s\nmodule_tmp uuid.so\nmodule_tmp account.so\n"+
			"module_app menu.so\nmodule ctrl_tcp.so\nctrl_tcp_listen %s\n", mqtttest.FreePort(t), user, p.dir, p.control),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := &logBuffer{}
	cmd := exec.Command("baresip", "-f", p.dir)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("baresip %s said:\n%s", user, log)
		}
	})
	return p
}

// wave is a tone as a WAV file of 8 kHz.
func wave(hertz float64, seconds int) string {
	n := 8000 * seconds
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+2*n))
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*n))
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*hertz*float64(i)/8000))))
	}
	return string(b)
}

// do has the phone carry out a command, by its control port (netstrings of JSON).
func (p *phone) do(command, params string) {
	p.t.Helper()
	eventually(p.t, "baresip's control port", func() bool {
		c, err := net.Dial("tcp", p.control)
		if err != nil {
			return false
		}
		defer c.Close()
		j, _ := json.Marshal(map[string]string{"command": command, "params": params})
		_, _ = fmt.Fprintf(c, "%d:%s,", len(j), j)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, err = c.Read(make([]byte, 1))
		return err == nil
	})
}

// hears says whether the phone has heard a tone of so many hertz for a while.
func (p *phone) hears(hertz float64) bool {
	files, _ := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil || len(b) < 44+8000 {
			continue
		}
		b = b[len(b)-8000:] // its last half second
		var re, im, all float64
		for i := range 4000 {
			v := float64(int16(binary.LittleEndian.Uint16(b[2*i:])))
			re += v * math.Cos(2*math.Pi*hertz*float64(i)/8000)
			im += v * math.Sin(2*math.Pi*hertz*float64(i)/8000)
			all += v * v
		}
		if all > 0 && 2*(re*re+im*im)/4000 > 0.8*all {
			return true
		}
	}
	return false
}

// TestIntercoms: baresip calls for help and talks with the duty room's baresip; sipp presses keys and
// sends a text; a door station and a camera tell of a forced door and of a hand on the lens; and in a flood
// of what is bad a call for help gets through.
func TestIntercoms(t *testing.T) {
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	door := &isapitest.Server{User: "admin", Password: "d@or"}
	camera := &onviftest.Server{User: "admin", Password: "onvif", Events: &onviftest.Events{}}
	for _, s := range []interface {
		Start() error
		Close()
	}{door, camera} {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	port, ports := mqtttest.FreePort(t), 31000+os.Getpid()%7*200
	start(t, broker.URL(), fmt.Sprintf(intercomSite, port, ports, ports+99, door.Addr(), camera.Addr()))
	duty := startPhone(t, port, "2001", "p1", ";answermode=auto", 1100)
	gate := startPhone(t, port, "1001", "s1", "", 700)
	waitState(t, sub, "helppoints", `{"id":"1001","name":"东门求助柱","state":"online"}`)
	waitState(t, sub, "helppoints", `{"id":"2001","state":"online"}`)

	gate.do("dial", fmt.Sprintf("sip:120@127.0.0.1:%d", port))
	waitCaller(t, sub, caller{Kind: "help_point", Device: "helppoints", Caller: "东门求助柱", Place: "东门", Grid: "3", Severity: 1})
	eventually(t, "both to hear the other", func() bool { return gate.hears(1100) && duty.hears(700) })
	gate.do("hangup", "")

	target := fmt.Sprintf("127.0.0.1:%d", port)
	cmd := exec.Command("sipp", "-sf", "../radiosim/scenarios/help.xml", "-s", "120", "-key", "user", "1002", "-au", "1002", "-ap", "s2", "-m", "1", "-nostdin",
		"-i", "127.0.0.1", "-p", fmt.Sprint(mqtttest.FreePort(t)), "-mi", "127.0.0.1", "-mp", fmt.Sprint(ports+200), "-timeout", "180s", "-timeout_error", target)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sipp: %v\n%s", err, out)
	}
	for _, kind := range []string{"help_point", "keys", "info_key", "text_help"} {
		waitCaller(t, sub, caller{Kind: kind, Device: "helppoints", Caller: "电梯", Severity: 1})
	}
	door.Say(isapitest.Access(5, 0x1b, 1, 1))
	waitCaller(t, sub, caller{Kind: "door_forced", Device: "door-2", Caller: "2号楼", Place: "2号楼大门", Severity: 2})
	camera.Events.Notify("tns1:VideoSource/GlobalSceneChange/ImagingService", "Source", "1", "State", "true", time.Now())
	waitCaller(t, sub, caller{Kind: "disassembly", Device: "gate-cam", Caller: "gate-cam", Severity: 2})
	inFlood(t, sub, target)
}

// inFlood calls for help while 10,000 bad packets and wrong passwords come.
func inFlood(t *testing.T, sub *mqtttest.Subscriber, target string) {
	stop := make(chan struct{})
	done := make(chan int)
	for i := range 2 {
		bad, err := siptest.Dial("udp", fmt.Sprintf("127.0.0.%d:0", 60+i), target, "1003", "wrong")
		if err != nil {
			t.Fatal(err)
		}
		bad.Wait = 50 * time.Millisecond // most is not answered
		defer bad.Close()
		go func() { done <- flood(bad, 5000, stop) }()
	}
	station, err := siptest.Dial("udp", "", target, "1003", "s3")
	if err != nil {
		t.Fatal(err)
	}
	defer station.Close()
	var took []time.Duration
	for range 3 {
		before := len(callsOf(sub.Messages()))
		at := time.Now()
		q := &siptest.Request{Method: "INVITE", Target: "sip:120@" + target, Type: "application/sdp", Body: station.SDP("8 101")}
		m, err := station.Ask(q)
		if err != nil || m.Status() != 200 {
			t.Fatalf("a call in a flood: %v, %v", m, err)
		}
		station.Ack(q, m)
		sub.Wait(patience, "the alert in a flood", func(got []mqtttest.Message) bool { return len(callsOf(got)) > before })
		took = append(took, callsOf(sub.Messages())[before].Sub(at).Round(time.Millisecond))
		if m, err := station.Ask(station.Within(q, m, "BYE")); err != nil || m.Status() != 200 {
			t.Fatalf("BYE: %v, %v", m, err)
		}
		time.Sleep(1100 * time.Millisecond) // past the fold
	}
	sent := <-done + <-done
	t.Logf("call for help to subscriber, with its Digest, the database and Mosquitto, while %d bad packets come: %v", sent, took)
	close(stop)
	for _, c := range callersOf(sub.Messages()) {
		if c.Kind == "help_point" && c.Caller != "东门求助柱" && c.Caller != "电梯" && c.Caller != "西门" {
			t.Errorf("the flood has raised %+v", c)
		}
	}
}

// callsOf returns when each revision of the west gate's alerts came first: a call makes one, or
// counts in one.
func callsOf(messages []mqtttest.Message) []time.Time {
	seen := map[string]bool{}
	var all []time.Time
	for _, m := range messages {
		var a struct {
			ID, Caller string
			Rev        int
		}
		if !strings.Contains(m.Topic, "/alert/") || json.Unmarshal(m.Payload, &a) != nil || a.Caller != "西门" {
			continue
		}
		if key := fmt.Sprint(a.ID, a.Rev); !seen[key] {
			seen[key] = true
			all = append(all, m.At)
		}
	}
	return all
}

// flood sends bad packets: cut, changed, huge, and with wrong passwords.
func flood(p *siptest.Phone, n int, stop chan struct{}) int {
	good := p.Text(&siptest.Request{Method: "INVITE", Target: "sip:120@" + p.To})
	for i := range n {
		select {
		case <-stop:
			return i
		default:
		}
		b := []byte(good)
		switch i % 5 {
		case 0:
			b = b[:i%len(b)]
		case 1:
			b[i%len(b)] ^= byte(1 + i%255)
		case 2:
			b = []byte(strings.Repeat("Via: ;;;\r\n", 4000))
		case 3:
			b = []byte(strings.Replace(good, "Max-Forwards: 70", `Authorization: Digest username="1003", realm="sentrybox", nonce="AAAA", uri="sip:a", response="0", algorithm=SHA-256`, 1))
		}
		_ = p.Write(b)
		if i%500 == 0 {
			_, _ = p.Ask(&siptest.Request{Method: "REGISTER"}) // signs in properly, with a wrong password
		}
		if i%20 == 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
	return n
}
