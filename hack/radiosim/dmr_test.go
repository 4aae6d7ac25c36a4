package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/homebrew"
)

// What the file says is what the master hears, three wrong bits in each burst or not.
func TestDMR(t *testing.T) {
	m, err := homebrew.New(homebrew.Config{Listen: "127.0.0.1:0", Repeaters: map[uint32]string{460010199: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var heard []string
	ended := make(chan error, 1)
	go func() {
		ended <- m.Run(context.Background(), func(e call.Event) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, string(e.Kind)+" "+e.From)
		})
	}()
	for !m.Addr().IsValid() {
		time.Sleep(5 * time.Millisecond)
	}
	file := filepath.Join(t.TempDir(), "calls.yaml")
	doc := `
- {src: 4600101, dst: 9, seconds: 0.7, errors: 3}
- {src: 4600102, dst: 9, press: alarm, errors: 3}
- {src: 4600102, dst: 4600101, press: alert, slot: 2}
- {src: 4600102, dst: 4600101, press: check, slot: 2}
- {src: 4600103, dst: 9, text: 东门有人摔倒}
- {src: 4600104, dst: 4600101, private: true, seconds: 0.4, emergency: true, late: true}
`
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	c := dmrCmd{File: file, Master: m.Addr().String(), ID: 460010199, Password: "secret", Pace: time.Millisecond, Seed: 1}
	if err := run(t.Context(), "dmr", flags{DMR: c}, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"begin 4600101", "end 4600101", "emergency 4600102", "page 4600102", "check 4600102", "text 4600103", "begin 4600104", "emergency 4600104", "end 4600104",
	}
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		all := len(heard) >= len(want)
		mu.Unlock()
		if all {
			break
		}
	}
	_ = m.Halt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(heard, "\n"), strings.Join(want, "\n"))
	}
}

func TestMistakesOfCalls(t *testing.T) {
	for _, doc := range []string{"- {src: 1}", "- {seconds: 1}", "- {src: 1, press: x}", "- {src: 1, seconds: 1, slot: 3}", "- {src: 1, what: 2}", "x"} {
		file := filepath.Join(t.TempDir(), "calls.yaml")
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := readCalls(file); err == nil {
			t.Errorf("%s: %+v", doc, all)
		}
	}
}
