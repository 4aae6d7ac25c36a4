package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// helpScenario is a help point's call as Debian's sipp plays it.
//
//go:embed scenarios/help.xml
var helpScenario []byte

type sipCmd struct {
	Gateway  string `arg:"" default:"127.0.0.1:5060" help:"Where the gateway listens."`
	User     string `default:"1001" help:"The help point's user."`
	Password string `required:"" env:"RADIOSIM_PASSWORD" help:"Its password."`
	Number   string `default:"120" help:"What it calls."`
	Calls    int    `default:"1" help:"How often, one after the other."`
	Media    int    `default:"36000" help:"Its UDP port of audio; sipp takes those behind it, too."`
}

// run has sipp call: it signs in, presses 9 1 # and *, sends a text, and hangs up.
func (c *sipCmd) run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "radiosim-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "help.xml")
	if err := os.WriteFile(file, helpScenario, 0o600); err != nil {
		return err
	}
	line, err := net.Dial("udp", c.Gateway) // asks the routing table for our address
	if err != nil {
		return fmt.Errorf("the gateway: %w", err)
	}
	local, _, _ := net.SplitHostPort(line.LocalAddr().String())
	_ = line.Close()
	cmd := exec.CommandContext(ctx, "sipp", "-sf", file, "-s", c.Number, "-key", "user", c.User, "-au", c.User, "-ap", c.Password,
		"-m", strconv.Itoa(c.Calls), "-l", "1", "-i", local, "-mi", local, "-mp", strconv.Itoa(c.Media), "-nostdin", c.Gateway)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("sipp, of Debian's sip-tester: %w\n%s", err, said)
	}
	_, err = fmt.Fprintf(out, "%s has called %s %d times\n", c.User, c.Number, c.Calls)
	return err
}
