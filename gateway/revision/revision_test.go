package revision

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/store"
)

const base = `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
uplink: {mqtt: [{url: "mqtt://broker"}]}
`

type rig struct {
	*Keeper
	running *config.Config
	applied []*config.Config
}

func newRig(t *testing.T, dir string, now func() time.Time) *rig {
	t.Helper()
	path := filepath.Join(dir, "config.yaml")
	if _, err := os.Stat(path); err != nil {
		if err := os.WriteFile(path, []byte(base), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Open(t.Context(), filepath.Join(dir, "data"), Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	r := &rig{}
	if r.running, err = config.Load(path); err != nil {
		t.Fatal(err)
	}
	r.Keeper = &Keeper{
		Path: path, Store: st, Log: slog.New(slog.DiscardHandler), Now: now, Running: func() *config.Config { return r.running },
		Apply: func(_ context.Context, c *config.Config) { r.running = c; r.applied = append(r.applied, c) },
	}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) file(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const camera = "cameras:\n  - {id: gate, url: \"rtsp://10.0.0.1/1\"}\n"

func TestSave(t *testing.T) {
	r, ctx := newRig(t, t.TempDir(), time.Now), t.Context()
	first, body, err := r.Current(ctx)
	if err != nil || string(body) != base || first.State != Kept {
		t.Fatalf("%+v, %v", first, err)
	}
	var problems *config.Problems
	for what, c := range map[string]struct {
		body, base string
		want       func(error) bool
	}{
		"stale":        {base + camera, "other", func(err error) bool { return errors.Is(err, ErrStale) }},
		"the same":     {base, first.Sum, func(err error) bool { return errors.Is(err, ErrSame) }},
		"mistakes":     {base + "cameras: [{id: a/b}]\n", first.Sum, func(err error) bool { return errors.As(err, &problems) && len(problems.List) == 2 }},
		"another data": {strings.Replace(base, "data: data", "data: elsewhere", 1), first.Sum, func(err error) bool { return errors.As(err, &problems) && problems.List[0].Line == 2 }},
	} {
		if _, err := r.Save(ctx, "王工", "", []byte(c.body), c.base); !c.want(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(r.applied) != 0 || r.file(t) != base {
		t.Error("something was applied all the same")
	}
	saved, err := r.Save(ctx, "王工", "gate", []byte(base+camera), first.Sum)
	if err != nil || saved.State != Kept || len(r.applied) != 1 || len(r.running.Cameras) != 1 || r.file(t) != base+camera {
		t.Errorf("%+v, %v", saved, err)
	}
	list, err := r.List(ctx)
	if err != nil || len(list) != 2 || list[0].Who != "王工" || list[1].Sum != first.Sum {
		t.Errorf("%+v, %v", list, err)
	}
	if _, body, err := r.Body(ctx, list[1].ID); err != nil || string(body) != base {
		t.Errorf("%s, %v", body, err)
	}
	// What was changed by hand is kept too.
	if err := os.WriteFile(r.Path, []byte("# by hand\n"+base), 0o600); err != nil {
		t.Fatal(err)
	}
	hand, _, err := r.Current(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save(ctx, "王工", "", []byte(base+camera), hand.Sum); err != nil {
		t.Fatal(err)
	}
	if list, _ = r.List(ctx); len(list) != 4 || list[1].Sum != hand.Sum || list[1].Who != "" {
		t.Errorf("%+v", list)
	}
}

// TestTrial: a change that may lock people out comes back by itself unless it is
// confirmed, also over a restart, and is left alone if somebody went on by hand.
func TestTrial(t *testing.T) {
	for what, c := range map[string]struct {
		change string
		grace  time.Duration
	}{
		"the page's address": {"web: {listen: \"127.0.0.1:1\"}\n", trialNetwork}, "anything else": {"log: {level: debug}\n", trialOther},
	} {
		for _, end := range []string{"returns", "confirmed", "by hand", "restart"} {
			t.Run(what+" "+end, func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					r := newRig(t, dir, time.Now)
					defer func() { _ = r.Store.Close() }()
					first, _, err := r.Current(ctx)
					if err != nil {
						t.Fatal(err)
					}
					run := func(k *Keeper) (done chan error) {
						done = make(chan error, 1)
						go func() { done <- k.Run(ctx) }()
						return done
					}
					done := run(r.Keeper)
					saved, err := r.Save(ctx, "王工", "", []byte(base+c.change), first.Sum)
					if err != nil || saved.State != Trial {
						t.Fatalf("%+v, %v", saved, err)
					}
					time.Sleep(c.grace - time.Second)
					if got := r.file(t); got != base+c.change {
						t.Fatalf("it came back too early: %s", got)
					}
					want := base
					switch end {
					case "confirmed":
						want = base + c.change
						if err := r.Confirm(ctx, saved.ID+1); !errors.Is(err, ErrNoTrial) {
							t.Errorf("another one is confirmed: %v", err)
						}
						if err := r.Confirm(ctx, saved.ID); err != nil {
							t.Fatal(err)
						}
					case "by hand":
						want = base + "# by hand\n"
						if err := os.WriteFile(r.Path, []byte(want), 0o600); err != nil {
							t.Fatal(err)
						}
					case "restart":
						cancel()
						<-done
						_ = r.Store.Close()
						ctx, cancel = context.WithCancel(t.Context())
						defer cancel()
						r = newRig(t, dir, time.Now)
						defer func() { _ = r.Store.Close() }()
						done = run(r.Keeper)
					}
					time.Sleep(2 * time.Second)
					synctest.Wait()
					if got := r.file(t); got != want {
						t.Errorf("the file has %s, want %s", got, want)
					}
					if end == "returns" || end == "restart" {
						if r.running.Log.Level != "info" || r.running.Web.Listen != config.Defaults().Web.Listen {
							t.Error("the old one is not applied")
						}
						if _, err := r.Trial(ctx); !errors.Is(err, ErrNoTrial) {
							t.Errorf("a trial after it: %v", err)
						}
					}
					cancel()
					<-done
				})
			})
		}
	}
}

// TestTrialAfterTrial: another trial does not prove the one before, which nobody has
// kept; a change that needs none does.
func TestTrialAfterTrial(t *testing.T) {
	for what, c := range map[string]struct{ second, want string }{
		"another trial": {base + "log: {level: warn}\n", base},
		"a camera":      {base + "log: {level: debug}\n" + camera, base + "log: {level: debug}\n" + camera},
	} {
		r, ctx := newRig(t, t.TempDir(), time.Now), t.Context()
		first, _, err := r.Current(ctx)
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.Save(ctx, "王工", "", []byte(base+"log: {level: debug}\n"), first.Sum)
		if err != nil || a.State != Trial {
			t.Fatalf("%s: %+v, %v", what, a, err)
		}
		b, err := r.Save(ctx, "王工", "", []byte(c.second), a.Sum)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := r.Return(ctx, b.ID); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := r.file(t); got != c.want {
			t.Errorf("%s: the file has\n%s, want\n%s", what, got, c.want)
		}
	}
}

// TestPowerCut: what was under way when the power went is settled at the next start.
func TestPowerCut(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		dir := t.TempDir()
		r := newRig(t, dir, time.Now)
		body := []byte(base + "log: {level: debug}\n")
		if err := r.exec(t.Context(), `INSERT INTO revisions (at, who, note, sum, state, deadline, body) VALUES (1, 'x', '', ?, 'saving', 0, ?)`,
			sum(body), body); err != nil {
			t.Fatal(err)
		}
		_ = r.Store.Close()
		if replaced {
			if err := config.Save(r.Path, body); err != nil {
				t.Fatal(err)
			}
		}
		r = newRig(t, dir, time.Now)
		_, err := r.Trial(t.Context())
		list, _ := r.List(t.Context())
		if onTrial := err == nil; onTrial != replaced || replaced && len(list) != 2 || !replaced && len(list) != 1 {
			t.Errorf("replaced %v: on trial %v, %+v", replaced, err, list)
		}
	}
}

func TestDiff(t *testing.T) {
	text := func(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }
	var got []string
	for _, c := range Diff(text("a", "b", "c", "d", "e", "f", "g", "h"), text("a", "B", "c", "d", "e", "f", "g", "h", "i")) {
		got = append(got, c.Op+":"+c.Text)
	}
	if s := strings.Join(got, " "); s != "same:a gone:b new:B same:c same:d same:e same:f same:g same:h new:i" {
		t.Error(s)
	}
	if d := Diff(text("a"), text("a")); len(d) != 1 || d[0].Op != "skip" {
		t.Errorf("%+v", d)
	}
	if d := Diff(nil, text("a")); len(d) != 1 || d[0].Op != "new" || d[0].New != 1 {
		t.Errorf("%+v", d)
	}
}

// FuzzDiff: the lines that stay and the new ones are the text after, those that
// stay and those that are gone the one before.
func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd")
	f.Add("", "x")
	f.Add("x\ny\nx\ny", "y\nx\ny\nx")
	f.Fuzz(func(t *testing.T, before, after string) {
		a, b := lines([]byte(before)), lines([]byte(after))
		i, j := 0, 0
		for _, c := range middle(a, b, 0) {
			if c.Op != "new" {
				if i >= len(a) || a[i] != c.Text || c.Old != i+1 {
					t.Fatalf("before %d: %+v", i, c)
				}
				i++
			}
			if c.Op != "gone" {
				if j >= len(b) || b[j] != c.Text || c.New != j+1 {
					t.Fatalf("after %d: %+v", j, c)
				}
				j++
			}
		}
		if i != len(a) || j != len(b) {
			t.Errorf("%d of %d, %d of %d", i, len(a), j, len(b))
		}
		_ = Diff([]byte(before), []byte(after))
	})
}

// TestBegin: what a new box is told first is in the file before it is applied, and nothing
// takes its place by itself; where something is written already, it is left alone.
func TestBegin(t *testing.T) {
	r, ctx := newRig(t, t.TempDir(), time.Now), t.Context()
	if _, err := r.Begin(ctx, "王工", []byte(base+camera)); !errors.Is(err, ErrStale) || r.file(t) != base {
		t.Errorf("over a configuration: %v", err)
	}
	if err := os.WriteFile(r.Path, []byte("# new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Open(ctx); err != nil {
		t.Fatal(err)
	}
	var problems *config.Problems
	if _, err := r.Begin(ctx, "王工", []byte("gateway: {}\n")); !errors.As(err, &problems) {
		t.Errorf("mistakes: %v", err)
	}
	apply, err := r.Begin(ctx, "王工", []byte(base+camera))
	if err != nil || r.file(t) != base+camera || len(r.applied) != 0 {
		t.Fatalf("%v, %d applied", err, len(r.applied))
	}
	apply()
	now, _, err := r.Current(ctx)
	if err != nil || now.State != Kept || now.Who != "王工" || len(r.running.Cameras) != 1 {
		t.Errorf("%+v, %v", now, err)
	}
}
