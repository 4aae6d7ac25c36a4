package dvrip

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// maxChannel is the highest channel that may be asked for: recorders have up to 64.
const maxChannel = 255

// address is a URL taken apart: dvrip://user:password@host:34567/channel?stream=0.
type address struct {
	host           string // and port
	user, password string
	channel        int // from 0
	stream         int // 0 the main one, 1 the substream
}

// parseAddress takes a URL apart. Its errors never hold any of it.
func parseAddress(raw string) (address, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(raw), "://")
	if !ok || !strings.EqualFold(scheme, "dvrip") {
		return address{}, errors.New("the URL must begin with dvrip://")
	}
	u, err := url.Parse("dvrip://" + rest)
	if err != nil {
		return address{}, errors.New("the URL is malformed (in a user or password, write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25)")
	}
	a := address{user: "admin"}
	if u.Hostname() == "" || strings.Contains(u.Path, "@") || u.Fragment != "" {
		return a, errors.New("the URL names no host, or has a character in its password that must be written with %")
	}
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(Port)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return a, errors.New("the URL has a port that is not in 1 to 65535")
	}
	a.host = net.JoinHostPort(u.Hostname(), port)
	if u.User != nil {
		if name := u.User.Username(); name != "" {
			a.user = name
		}
		a.password, _ = u.User.Password()
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		if a.channel, err = strconv.Atoi(path); err != nil || a.channel < 0 || a.channel > maxChannel {
			return a, fmt.Errorf("the path of the URL must be a channel, 0 to %d", maxChannel)
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return a, errors.New("the URL has a query that cannot be read")
	}
	for key, values := range query {
		if key != "stream" || len(values) != 1 {
			return a, errors.New("of a query, the URL may have stream=0 or stream=1 alone")
		}
		switch values[0] {
		case "0", "1":
			a.stream = int(values[0][0] - '0')
		default:
			return a, errors.New("stream must be 0 (main) or 1 (substream)")
		}
	}
	return a, nil
}

// String returns the URL without user and password.
func (a address) String() string {
	return fmt.Sprintf("dvrip://%s/%d?stream=%d", a.host, a.channel, a.stream)
}

// streamType names the stream as the protocol does.
func (a address) streamType() string {
	if a.stream == 1 {
		return "Extra1"
	}
	return "Main"
}
