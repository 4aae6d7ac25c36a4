package outbox_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/uplink/outbox"
)

// childEnv makes the test binary the process that is killed.
const childEnv = "SENTRYBOX_OUTBOX_CHILD"

// TestChild is not a test of its own: it is what TestKilledWriter starts and
// kills. It adds items for ever and prints each once it is committed.
func TestChild(t *testing.T) {
	path := os.Getenv(childEnv)
	if path == "" {
		return
	}
	h := start(t, path)
	out := bufio.NewWriter(os.Stdout)
	run := os.Getpid()
	for i := 0; ; i++ {
		name := fmt.Sprintf("%d-%d", run, i)
		seq := h.put(item(outbox.Alert, "alert/"+name, name), outbox.Item{Lane: outbox.State, Topic: "device/x", Key: "x", Payload: []byte(name)})[0]
		_, _ = fmt.Fprintf(out, "put %d %s\n", seq, name)
		if i%3 == 2 { // what an honest receiver acknowledged is gone for good
			h.sending(seq)
			h.done(seq)
			_, _ = fmt.Fprintf(out, "done %d %s\n", seq, name)
		}
		if err := out.Flush(); err != nil {
			return
		}
	}
}

func TestKilledWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	there, gone := map[string]int64{}, map[string]bool{}
	var suspect int64 // up to here a killed process may have sent
	const kills = 8
	for i := range kills {
		lines := 6 + rng.IntN(30) // in which it has sent something
		if i == kills-1 {
			lines = 1 // and in this mostly nothing
		}
		var newest int64
		var sent bool
		killChild(t, path, lines, time.Duration(rng.IntN(5_000))*time.Microsecond, func(verb string, seq int64, name string) {
			newest = max(newest, seq)
			if verb == "put" {
				there[name] = seq
			} else {
				delete(there, name)
				gone[name], sent = true, true
			}
		})
		if sent {
			suspect = newest
		}
	}
	if len(there) < 8 || len(gone) < 4 {
		t.Fatalf("only %d items put and %d done: the test is too short", len(there), len(gone))
	}
	h := start(t, path)
	var check string
	if err := h.db.QueryRow(`PRAGMA integrity_check`).Scan(&check); err != nil || check != "ok" {
		t.Fatalf("the database is not sound: %s (%v)", check, err)
	}
	have := map[string]outbox.Item{}
	for {
		items := h.next(100, outbox.Metrics)
		if len(items) == 0 {
			break
		}
		var seqs []int64
		for _, it := range items {
			if it.Lane == outbox.Alert {
				have[string(it.Payload)] = it
			}
			seqs = append(seqs, it.Seq)
		}
		h.done(seqs...)
	}
	for name, seq := range there {
		it, ok := have[name]
		if !ok || it.Seq != seq {
			t.Errorf("%s was reported as committed under %d and is %d (%v) now", name, seq, it.Seq, ok)
		} else if seq <= suspect && it.Attempts == 0 {
			t.Errorf("%s is not known as possibly sent after a kill", name)
		}
	}
	for name := range gone {
		if _, ok := have[name]; ok {
			t.Errorf("%s was removed and is back", name)
		}
	}
	t.Logf("%d committed and there, %d removed and gone, after %d kills", len(there), len(gone), kills)
}

// killChild runs the child, kills it d after it has printed so many lines, and
// reports all that it printed in whole lines.
func killChild(t *testing.T, path string, lines int, d time.Duration, report func(verb string, seq int64, name string)) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v=false")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for n := 1; ; n++ {
		line, err := r.ReadString('\n')
		if err != nil {
			break // the last line may be torn: it was not reported
		}
		if n == lines {
			time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
		}
		var verb, name string
		var seq int64
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "%s %d %s", &verb, &seq, &name); err != nil {
			t.Fatalf("the child said %q", line)
		}
		report(verb, seq, name)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was not killed but ended with %v", err)
	}
}

// reopen ends the harness as a kill does if close is false.
func (h *harness) reopen(path string, close bool) *harness {
	h.Helper()
	if close {
		if err := h.box.Close(h.Context()); err != nil {
			h.Fatal(err)
		}
	}
	if err := h.db.Close(); err != nil {
		h.Fatal(err)
	}
	return start(h.TB, path)
}

func (h *harness) attempts(want ...int) {
	h.Helper()
	items := h.next(100, outbox.Metrics)
	var got []int
	for _, it := range items {
		got = append(got, it.Attempts)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Fatalf("attempts are %v, want %v", got, want)
	}
}

func TestAttemptsSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	h := start(t, path)
	seqs := h.put(item(outbox.Alert, "a", "a"), item(outbox.Alert, "b", "b"))
	h.attempts(0, 0)

	// Killed before anything was sent: nothing can have arrived.
	h = h.reopen(path, false)
	h.attempts(0, 0)

	// Stopped in order after one was sent twice: exactly that is known.
	h.sending(seqs[0])
	h.sending(seqs[0])
	h.attempts(2, 0)
	h = h.reopen(path, true)
	h.attempts(2, 0)

	// Killed after the other was sent: both may have been.
	h.sending(seqs[1])
	h = h.reopen(path, false)
	h.attempts(3, 1)

	// What is put afterwards has not been sent by anyone, and the suspicion of
	// the others does not fade.
	h.put(item(outbox.Alert, "c", "c"))
	h = h.reopen(path, false)
	h.attempts(3, 1, 0)
	h = h.reopen(path, true)
	h.attempts(3, 1, 0)
}

func TestSendingWritesOnce(t *testing.T) {
	h := fresh(t)
	seq := h.put(item(outbox.Alert, "a", "a"))[0]
	changes := func() (n int) {
		if err := h.db.QueryRow(`SELECT total_changes()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := changes()
	for range 100 {
		h.sending(seq)
	}
	if n := changes() - before; n != 1 {
		t.Fatalf("%d rows written by 100 attempts, want 1", n)
	}
}
