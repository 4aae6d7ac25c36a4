package ptt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/drivers/port/porttest"
)

// TestMain lets the test's program be a guard, or a gateway that talks for long.
func TestMain(m *testing.M) {
	switch os.Getenv("PTT_TEST") {
	case "guard":
		// A pseudo-terminal has no RTS; all the rest is as it is.
		if err := serveProcess(func(int, int, int) error { return nil }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "gateway":
		var c Config
		if err := json.Unmarshal([]byte(os.Getenv("PTT_CONFIG")), &c); err != nil {
			panic(err)
		}
		c.Command = guardCommand()
		err := Press(context.Background(), c, func(ctx context.Context) error {
			fmt.Println("talking")
			<-ctx.Done()
			return ctx.Err()
		})
		fmt.Println(err)
	default:
		os.Exit(m.Run())
	}
}

func guardCommand() []string { return []string{"env", "PTT_TEST=guard", os.Args[0]} }

// gateway starts a process that holds the key, and returns it once it does.
func gateway(t *testing.T, c Config) *exec.Cmd {
	t.Helper()
	order, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PTT_TEST=gateway", "PTT_CONFIG="+string(order))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line := make([]byte, 7)
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "talking" {
		rest, _ := io.ReadAll(out)
		t.Fatalf("%q, %v", string(line)+string(rest), err)
	}
	return cmd
}

// adapter is a named pipe in a CM108's place: what is written to it are reports.
func adapter(t *testing.T) (path string, reports *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "hidraw0")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return path, f
}

func report(t *testing.T, f *os.File, want ...byte) {
	t.Helper()
	got := make([]byte, 5)
	if err := f.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("report % x, %v; want % x", got, err, want)
	}
}

func TestPress(t *testing.T) {
	path, reports := adapter(t)
	c := Config{CM108: path, Pin: 4, Command: guardCommand()}
	said := errors.New("said")
	err := Press(t.Context(), c, func(context.Context) error {
		report(t, reports, 0, 0, 8, 8, 0)
		return said
	})
	report(t, reports, 0, 0, 0, 8, 0)
	if !errors.Is(err, said) || errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
}

// TestLimit: the guard lets go at the limit, though the gateway goes on.
func TestLimit(t *testing.T) {
	path, reports := adapter(t)
	c := Config{CM108: path, Limit: time.Second, Command: guardCommand()}
	err := Press(t.Context(), c, func(ctx context.Context) error {
		report(t, reports, 0, 0, 4, 4, 0)
		<-ctx.Done()
		return ctx.Err()
	})
	report(t, reports, 0, 0, 0, 4, 0)
	if !errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
	c = Config{VOX: true, Limit: time.Second}
	if err := Press(t.Context(), c, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); !errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
}

// TestKilledBeforeDown: the gateway is killed while the guard keys, before it hears that it has.
func TestKilledBeforeDown(t *testing.T) {
	path, reports := adapter(t)
	order, err := json.Marshal(Config{CM108: path})
	if err != nil {
		t.Fatal(err)
	}
	hearing, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = hearing.Close() // nobody hears "down"
	c := guardCommand()
	guard := exec.Command(c[0], c[1:]...)
	guard.Stdout = out
	guard.Stdin = bytes.NewReader(append(order, '\n'))
	err = guard.Start()
	_ = out.Close()
	if err != nil {
		t.Fatal(err)
	}
	report(t, reports, 0, 0, 4, 4, 0)
	report(t, reports, 0, 0, 0, 4, 0)
	_ = guard.Wait()
}

// TestKill: the gateway is killed with SIGKILL, or stopped, while it holds the key of a CM108.
func TestKill(t *testing.T) {
	for _, signal := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP} {
		path, reports := adapter(t)
		p := gateway(t, Config{CM108: path})
		report(t, reports, 0, 0, 4, 4, 0)
		if err := unix.Kill(p.Process.Pid, signal); err != nil {
			t.Fatal(err)
		}
		report(t, reports, 0, 0, 0, 4, 0)
	}
}

// TestGuardKilled: the gateway sees its guard die, and puts the pin down itself.
func TestGuardKilled(t *testing.T) {
	path, reports := adapter(t)
	c := Config{CM108: path, Command: []string{"sh", "-c", `read order; printf '\000\000\004\004\000' > "$0"; echo down; kill -9 $$`, path}}
	err := Press(t.Context(), c, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	report(t, reports, 0, 0, 4, 4, 0)
	report(t, reports, 0, 0, 0, 4, 0)
	if !errors.Is(err, ErrLetGo) {
		t.Error(err)
	}
}

// TestPortKilled: both the gateway and its guard die by SIGKILL, and the port is closed, set to
// drop its lines with that. That RTS then falls is the kernel's, of ports that have one.
func TestPortKilled(t *testing.T) {
	pty, err := porttest.New(filepath.Join(t.TempDir(), "ttyPTT"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pty.Close() })
	p := gateway(t, Config{RTS: pty.Name})
	f, err := os.OpenFile(pty.Name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err == nil { // root is not kept out
		set, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		if err != nil || set.Cflag&unix.HUPCL == 0 || set.Cflag&unix.CRTSCTS != 0 {
			t.Errorf("the port's flags are %+v, %v", set, err)
		}
		_ = f.Close()
	}
	if n := holders(t, pty.Name); n != 1 {
		t.Fatalf("%d processes have the port open, want the guard alone", n)
	}
	_ = p.Process.Kill()
	for holders(t, pty.Name) > 0 {
		time.Sleep(5 * time.Millisecond) // the test's own limit ends this
	}
}

// holders counts the processes but this one that have a port open.
func holders(t *testing.T, name string) (n int) {
	t.Helper()
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	own := fmt.Sprintf("/proc/%d/", os.Getpid())
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == real && !strings.HasPrefix(link, own) {
			n++
		}
	}
	return n
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]Config{
		"nothing": {}, "two": {VOX: true, RTS: "/dev/ttyS0"}, "a short path": {RTS: "ttyS0"}, "a pin of a port": {RTS: "/dev/ttyS0", Pin: 3},
		"pin 9": {CM108: "/dev/hidraw0", Pin: 9}, "an hour": {VOX: true, Limit: time.Hour},
	} {
		if err := c.Check(); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	talked := func(context.Context) error { t.Error("it talks without a key"); return nil }
	for name, c := range map[string]Config{
		"no port":    {RTS: filepath.Join(t.TempDir(), "none"), Command: guardCommand()},
		"no guard":   {RTS: "/dev/null"},
		"no program": {RTS: "/dev/null", Command: []string{"/none"}},
		"no tty":     {DTR: "/dev/null", Command: guardCommand()},
	} {
		if err := Press(t.Context(), c, talked); err == nil {
			t.Errorf("%s keys", name)
		}
	}
	// A pseudo-terminal has neither line, and is refused for that.
	pty, err := porttest.New(filepath.Join(t.TempDir(), "ttyPTT"))
	if err != nil {
		t.Fatal(err)
	}
	defer pty.Close()
	order, _ := json.Marshal(Config{RTS: pty.Name})
	var out bytes.Buffer
	if err := Serve(io.MultiReader(bytes.NewReader(append(order, '\n')), strings.NewReader("\n")), &out); err == nil || out.Len() > 0 {
		t.Errorf("a pseudo-terminal keys: %v, %q", err, out.String())
	}
}

func FuzzServe(f *testing.F) {
	f.Add([]byte("{\"cm108\":\"/none/hidraw\"}\n..\n"))
	f.Add([]byte("{\"vox\":true}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Contains(in, []byte("/")) {
			in = bytes.ReplaceAll(in, []byte("/"), []byte("/none"))
		}
		if err := Serve(bytes.NewReader(in), io.Discard); err == nil {
			t.Error("it keys")
		}
	})
}
