//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/uplink/mqtt/mqtttest"
)

// localHead is a gateway with a broker of its own and no world outside.
const localHead = `
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
uplink: {mqtt: [{url: "${BROKER}"}]}
broker:
  listen: "127.0.0.1:%s"
  tls: {cert: %q, key: %q}
  users:
    - {name: duty, role: duty, hash: %q}
    - {name: door-3, role: sensor, password: knock}
`

// mosquitto runs one of Mosquitto's clients against the local broker.
func mosquitto(ctx context.Context, name, port, ca, user, password string, args ...string) *exec.Cmd {
	args = append([]string{"-h", "localhost", "-p", port, "--cafile", ca, "-u", user, "-P", password, "-q", "1"}, args...)
	return exec.CommandContext(ctx, name, args...)
}

// TestLocalBroker: Mosquitto's own clients, over TLS, at the gateway's broker
// while no other can be reached.
func TestLocalBroker(t *testing.T) {
	certs := mqtttest.NewCerts(t)
	cmd := sentrybox("hash")
	cmd.Stdin = strings.NewReader("right and long\n")
	hash, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(mqtttest.FreePort(t))
	g := start(t, "mqtt://127.0.0.1:1", fmt.Sprintf(localHead, port, certs.Cert, certs.Key, strings.TrimSpace(string(hash))))
	id := g.mustRaise(2)
	hears(t, g.log, "the local broker listens")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sub := mosquitto(ctx, "mosquitto_sub", port, certs.CA, "duty", "right and long", "-v", "-t", prefix+"#")
	out, err := sub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = sub.Wait()
	}()
	lines := bufio.NewScanner(out)
	until := func(parts ...string) {
		t.Helper()
		for lines.Scan() {
			found := true
			for _, p := range parts {
				found = found && strings.Contains(lines.Text(), p)
			}
			if found {
				return
			}
		}
		t.Fatalf("the subscriber ended without %q: %v", parts, lines.Err())
	}
	until("alert/community/"+id, `"state":"raised"`)
	pub := func(user, password, topic, payload string) error {
		var errOut bytes.Buffer
		cmd := mosquitto(ctx, "mosquitto_pub", port, certs.CA, user, password, "-t", prefix+topic, "-m", payload)
		cmd.Stderr = &errOut
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w: %s", err, errOut.String())
		}
		return nil
	}
	if err := pub("door-3", "knock", "sensors/door-3", `{"open":1}`); err != nil {
		t.Error(err)
	}
	until("sensors/door-3 ", `{"open":1}`)
	if err := pub("door-3", "knock", "ack/"+id, `{"action":"handled"}`); err == nil {
		t.Error("a sensor answers an alert")
	}
	if err := pub("duty", "wrong", "ack/"+id, `{"action":"handled"}`); err == nil {
		t.Error("a wrong password is right")
	}
	if err := pub("duty", "right and long", "ack/"+id, `{"action":"handled","by":"值班室"}`); err != nil {
		t.Error(err)
	}
	until("alert/community/"+id, `"state":"handled"`)
	if log := g.log.String(); strings.Contains(log, "wrong") || strings.Contains(log, "knock") {
		t.Error("a password is in the log")
	}
}

// TestLocalPortTaken: the gateway says so, and goes on.
func TestLocalPortTaken(t *testing.T) {
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	g := start(t, broker.URL(), head+fmt.Sprintf("broker: {listen: %q}\n", broker.Addr()))
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	sub.WaitTopic(patience, prefix+"alert/community/"+g.mustRaise(3))
	hears(t, g.log, "another program listens on "+broker.Addr())
	if _, err := os.Stat(filepath.Join(filepath.Dir(g.config), "data", "sentrybox.db")); err != nil {
		t.Error(err)
	}
}
