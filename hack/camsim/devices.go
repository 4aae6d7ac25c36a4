package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/net/ipv4"

	"sentrybox/drivers/dvrip/dvriptest"
	"sentrybox/drivers/mp4"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/drivers/rtsp/rtsptest"
)

// devices starts the ONVIF device and the recorder that were asked for; stop ends them.
func devices(f flags, s *rtsptest.Server, names []string, out io.Writer) (stop func(), err error) {
	var ends []func()
	stop = func() {
		for _, end := range ends {
			end()
		}
	}
	if f.ONVIF != "" {
		device := &onviftest.Server{Address: f.ONVIF, User: f.User, Password: f.Password, Manufacturer: "Sentrybox", Model: "camsim"}
		for _, name := range names {
			stream, err := describe(file(f, name))
			if err != nil {
				return stop, err
			}
			stream.Token, stream.Name, stream.URL = name, name, s.BareURL(name)
			device.Streams = append(device.Streams, stream)
		}
		if err := device.Start(); err != nil {
			return stop, err
		}
		ends = append(ends, device.Close, discoverable(device))
		fmt.Fprintf(out, "onvif://%s\n", device.Addr())
	}
	if f.DVRIP != "" {
		recorder := &dvriptest.Server{Address: f.DVRIP, User: f.User, Password: f.Password}
		for _, name := range names {
			clip, err := open(file(f, name), dvriptest.MP4)
			if err != nil {
				return stop, err
			}
			recorder.Channels = append(recorder.Channels, dvriptest.Channel{Main: clip})
		}
		if err := recorder.Start(); err != nil {
			return stop, err
		}
		ends = append(ends, recorder.Close)
		for i := range names {
			fmt.Fprintf(out, "dvrip://%s/%d\n", recorder.Addr(), i)
		}
	}
	return stop, nil
}

// file returns the file of a camera.
func file(f flags, name string) string {
	for _, arg := range f.Cameras {
		if n, path, _ := strings.Cut(arg, "="); strings.Trim(n, "/") == name {
			return path
		}
	}
	return ""
}

func open[T any](path string, read func(io.ReadSeeker) (T, error)) (T, error) {
	f, err := os.Open(path)
	if err != nil {
		var none T
		return none, err
	}
	defer f.Close()
	return read(f)
}

// describe says what an ONVIF device would say of a file.
func describe(path string) (onviftest.Stream, error) {
	return open(path, func(r io.ReadSeeker) (onviftest.Stream, error) {
		rd, err := mp4.Open(r)
		if err != nil {
			return onviftest.Stream{}, err
		}
		info := rd.Info()
		codec := strings.ReplaceAll(info.Codec.String(), ".", "")
		if codec == "MJPEG" {
			codec = "JPEG"
		}
		return onviftest.Stream{Codec: codec, Width: info.Width, Height: info.Height, FPS: int(info.FPS + 0.5)}, nil
	})
}

// discoverable answers WS-Discovery on all interfaces, where port 3702 is free.
func discoverable(device *onviftest.Server) (stop func()) {
	pc, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp4", fmt.Sprintf(":%d", onvif.DiscoveryPort))
	if err != nil {
		return func() {}
	}
	all, _ := net.Interfaces()
	for _, ifi := range all {
		_ = ipv4.NewPacketConn(pc).JoinGroup(&ifi, &net.UDPAddr{IP: onvif.Group().AsSlice()}) // those that can
	}
	go device.ServeDiscovery(pc)
	return func() { _ = pc.Close() }
}
