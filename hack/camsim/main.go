// Camsim plays video files as RTSP cameras, so that a gateway can be tried
// without any camera:
//
//	camsim gate=gate.mp4 yard=yard.mp4
//
// Each file is played over and over, in real time, until an interrupt.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"

	"sentrybox/drivers/rtsp/rtsptest"
)

type flags struct {
	Listen   string        `default:"127.0.0.1:8554" help:"Host and port to listen at; port 0 finds a free one, 0.0.0.0 lets other machines in." placeholder:"HOST:PORT"`
	User     string        `help:"User name that readers have to give; without it anyone may look."`
	Password string        `help:"That user's password." env:"CAMSIM_PASSWORD"`
	Auth     string        `enum:"digest,digest-sha256,basic" default:"digest" help:"How the password is asked for: ${enum}."`
	TLS      bool          `name:"tls" help:"RTSP over TLS, with a self-made certificate."`
	NoUDP    bool          `name:"no-udp" help:"Only TCP as a transport."`
	ONVIF    string        `name:"onvif" placeholder:"HOST:PORT" help:"Be an ONVIF device there, too, whose streams are the cameras, and answer WS-Discovery."`
	DVRIP    string        `name:"dvrip" placeholder:"HOST:PORT" help:"Be a recorder that speaks DVRIP there, too, with a channel for each camera; 34567 is its port."`
	Stagger  time.Duration `help:"Let each camera begin this much later in its file than the one before it."`
	Verbose  bool          `short:"v" help:"Say who comes and goes."`
	Cameras  []string      `arg:"" name:"name=file.mp4" help:"A camera's name, which is the path of its URL, and what it sees."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("camsim"), kong.Description("Plays video files as RTSP cameras."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "camsim:", err)
		os.Exit(1)
	}
}

// run plays until ctx ends.
func run(ctx context.Context, f flags, out io.Writer) error {
	s, names, err := server(f)
	if err != nil {
		return err
	}
	if err := s.Start(); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: any MP4 file will do, and hack/demo --for 1s makes build/footage/vtest.mp4", err)
	} else if err != nil {
		return err
	}
	defer s.Close()
	for _, name := range names {
		u := s.URL(name)
		if host, _, _ := net.SplitHostPort(f.Listen); host == "" || host == "0.0.0.0" || host == "::" {
			u += "   (from elsewhere with this machine's address)"
		}
		fmt.Fprintln(out, u)
	}
	stop, err := devices(f, s, names, out)
	defer stop()
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// server makes the cameras of the arguments, in their order.
func server(f flags) (*rtsptest.Server, []string, error) {
	method := map[string]auth.VerifyMethod{
		"digest": auth.VerifyMethodDigestMD5, "digest-sha256": auth.VerifyMethodDigestSHA256, "basic": auth.VerifyMethodBasic,
	}[f.Auth]
	s := &rtsptest.Server{
		Address: f.Listen, User: f.User, Password: f.Password, AuthMethods: []auth.VerifyMethod{method},
		TLS: f.TLS, NoUDP: f.NoUDP, Cameras: make(map[string]rtsptest.Camera),
	}
	if f.Verbose {
		s.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if f.Password != "" && f.User == "" {
		return nil, nil, fmt.Errorf("a password needs a --user")
	}
	var names []string
	for i, arg := range f.Cameras {
		name, file, ok := strings.Cut(arg, "=")
		name = strings.Trim(name, "/")
		if !ok || name == "" || file == "" {
			return nil, nil, fmt.Errorf("%q is not NAME=FILE.mp4", arg)
		}
		if _, ok := s.Cameras[name]; ok {
			return nil, nil, fmt.Errorf("two cameras are named %q", name)
		}
		s.Cameras[name] = rtsptest.Camera{Clip: rtsptest.File(file), Offset: time.Duration(i) * f.Stagger}
		names = append(names, name)
	}
	return s, names, nil
}
