package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// console is a running `sentrybox duty`, and a browser at it.
type console struct {
	url    string
	cmd    *exec.Cmd
	client *http.Client
	csrf   string

	wg sync.WaitGroup
	mu sync.Mutex
	n  int // guarded by mu: alerts acknowledged here
}

func (c *console) signIn(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	c.client = &http.Client{Jar: jar}
	form := url.Values{"name": {"duty"}, "password": {consolePass}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	_, rest, found := strings.Cut(string(page), `name="csrf" content="`)
	if c.csrf, _, _ = strings.Cut(rest, `"`); !found || c.csrf == "" {
		return fmt.Errorf("sign in: %s", res.Status)
	}
	return nil
}

// acknowledge presses the button as soon as the alert is on the page.
func (c *console) acknowledge(id string) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	c.wg.Go(func() {
		body, _ := json.Marshal(map[string]any{"alerts": []string{id}, "action": "ack"})
		for range 600 {
			req, err := http.NewRequest(http.MethodPost, c.url+"/api/answer", bytes.NewReader(body))
			if err != nil {
				return
			}
			req.Header.Set("X-CSRF-Token", c.csrf)
			if res, err := c.client.Do(req); err == nil {
				_ = res.Body.Close()
				if res.StatusCode == http.StatusOK {
					return
				}
			}
			time.Sleep(500 * time.Millisecond)
		}
	})
}

func (c *console) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// pages is how the page fared.
type pages struct {
	asked, failed int
	median, p99   time.Duration
	silence       time.Duration // the longest of a stream
}

// watchPages looks at the page of each console until the function that it returns is called.
func watchPages(ctx context.Context, all []*console) func() pages {
	ctx, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	var p pages
	var took []time.Duration
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				err := c.state(ctx)
				mu.Lock()
				if ctx.Err() == nil {
					p.asked++
					took = append(took, time.Since(began))
					if err != nil {
						p.failed++
					}
				}
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
		wg.Go(func() {
			c.listen(ctx, func(silence time.Duration) {
				mu.Lock()
				p.silence = max(p.silence, silence)
				mu.Unlock()
			})
		})
	}
	return func() pages {
		cancel()
		wg.Wait()
		slices.Sort(took)
		if n := len(took); n > 0 {
			p.median, p.p99 = took[(n-1)/2], took[(n*99-1)/100]
		}
		return p
	}
}

func (c *console) state(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/api/state", nil)
	if err != nil {
		return err
	}
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var state struct{ Open int }
	if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("state: %s", res.Status)
	}
	return nil
}

// listen follows the page's stream and tells how long it was silent each time.
func (c *console) listen(ctx context.Context, heard func(time.Duration)) {
	for last := time.Now(); ctx.Err() == nil; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/api/events", nil)
		if err != nil {
			return
		}
		res, err := c.client.Do(req)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		lines := bufio.NewReader(res.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			if strings.HasPrefix(line, "event: ") {
				heard(time.Since(last))
				last = time.Now()
			}
		}
		_ = res.Body.Close()
	}
}
