package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// ErrNotRunning means that no gateway has the data folder open.
var ErrNotRunning = errors.New("no sentrybox is running on this data folder")

// ErrRefused is an answer that asking again does not change.
var ErrRefused = errors.New("the gateway refused")

const (
	tryFor   = 10 * time.Second
	tryAgain = 200 * time.Millisecond
	maxState = 64 << 10
)

// Raise asks the gateway of the data folder dir for an alert and returns its
// identifier once it is durable. If the gateway goes away in between, Raise asks
// again for a while: with the same identifier, so it cannot be raised twice. After an error that is
// neither ErrNotRunning nor ErrRefused it may have been raised or not.
func Raise(ctx context.Context, dir string, req Request) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	client := clientOf(dir)
	for asked := false; ; {
		id, err := ask(ctx, client, req)
		gone := errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
		switch {
		case err == nil:
			return id, nil
		case errors.Is(err, ErrRefused):
			return "", err
		case gone && !asked:
			return "", fmt.Errorf("%w (%s): start it with `sentrybox run`", ErrNotRunning, dir)
		case ctx.Err() != nil:
			return "", err
		}
		asked = true
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
}

// clientOf returns a client of the socket in the data folder dir.
func clientOf(dir string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, done, err := socketPath(dir)
			if err != nil {
				return nil, err
			}
			defer done()
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
}

// Restored tells the gateway of the data folder dir that a backup was prepared. It
// returns ErrNotRunning if there is none.
func Restored(ctx context.Context, dir string) error {
	return call(ctx, dir, http.MethodPost, "/restored", &Response{})
}

// Health asks the gateway of the data folder dir how it is. It returns
// ErrNotRunning if there is none.
func Health(ctx context.Context, dir string) (State, error) {
	var s State
	err := call(ctx, dir, http.MethodGet, "/health", &s)
	return s, err
}

// call asks once, and reads the answer into got.
func call(ctx context.Context, dir, method, path string, got any) error {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://control"+path, nil)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	res, err := clientOf(dir).Do(r)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrNotRunning
	}
	if err != nil {
		return fmt.Errorf("ask the gateway: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway answered %s", res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxState)).Decode(got); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}

func ask(ctx context.Context, client *http.Client, req Request) (string, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return "", fmt.Errorf("encode the request: %w", err)
	}
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/raise", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("make the request: %w", err)
	}
	res, err := client.Do(hr)
	if err != nil {
		return "", fmt.Errorf("ask the gateway: %w", err)
	}
	defer res.Body.Close()
	var got Response
	if err := json.NewDecoder(io.LimitReader(res.Body, maxRequest)).Decode(&got); err != nil {
		return "", fmt.Errorf("read the gateway's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%w: %s", ErrRefused, got.Error)
	}
	return got.ID, nil
}
