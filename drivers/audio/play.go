package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Player says where sound is put out. Exactly one of its fields is given.
type Player struct {
	ALSA    string   // a device as aplay names it
	Command []string // a program that reads samples from its standard input: 16 bits, little-endian, mono, at Rate
}

// Play puts sound out and returns when it was heard to its end, or ctx has ended: the program is
// then killed, and what it had left is not heard.
func (p Player) Play(ctx context.Context, samples []int16) error {
	line := p.Command
	if p.ALSA != "" {
		line = []string{"aplay", "-q", "-D", p.ALSA, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", fmt.Sprint(Rate), "--buffer-time=200000"}
	}
	if len(line) == 0 {
		return errors.New("nothing to play with")
	}
	raw := make([]byte, 0, 2*len(samples))
	for _, v := range samples {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
	}
	var said tail
	cmd := exec.CommandContext(ctx, line[0], line[1:]...) // the configuration's
	cmd.Stdin, cmd.Stderr = bytes.NewReader(raw), &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && said.last() != "":
		return fmt.Errorf("%s: %s", line[0], said.last())
	case err != nil:
		return fmt.Errorf("%s: %w", line[0], err)
	}
	return nil
}
