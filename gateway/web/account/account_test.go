package account

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/boxid"
	"sentrybox/gateway/brake"
	"sentrybox/gateway/store"
)

type rig struct {
	*Accounts
	now time.Time
}

func open(t *testing.T, dir string) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), dir, Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	r := &rig{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	r.Accounts = &Accounts{Store: st, Dir: dir, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return r.now }}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

const secret = "一句够长的话作密码"

func (r *rig) claim(t *testing.T) (token string) {
	t.Helper()
	code, err := os.ReadFile(filepath.Join(r.Dir, CodeFile))
	if err != nil {
		t.Fatal(err)
	}
	token, err = r.Claim(t.Context(), strings.ToLower(string(code)), "王工", secret+"!", "10.0.0.9", nil)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestFirstStart: the code is asked for until it has been used, over restarts, and
// is worthless from then on.
func TestFirstStart(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	path := filepath.Join(dir, CodeFile)
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the code's file: %v, %v", info.Mode(), err)
	}
	_ = r.Store.Close()
	r = open(t, dir)
	if again, _ := os.ReadFile(path); string(again) != string(first) {
		t.Errorf("another code after a restart: %s, %s", first, again)
	}
	if _, err := r.Claim(t.Context(), "AAAA-BBBB-CCCC", "王工", secret+"!", "10.0.0.8", nil); !errors.Is(err, ErrCode) {
		t.Errorf("a wrong code: %v", err)
	}
	if _, err := r.Claim(t.Context(), string(first), "王工", "short", "10.0.0.8", nil); !errors.Is(err, ErrPassword) {
		t.Errorf("a short password: %v", err)
	}
	if _, err := r.SignIn(t.Context(), "王工", secret, "10.0.0.8"); !errors.Is(err, ErrWrong) {
		t.Errorf("signed in before anybody was there: %v", err)
	}
	token := r.claim(t)
	if s, ok := r.Session(t.Context(), token); !ok || s.Role != Technician || s.User != "王工" {
		t.Errorf("%+v, %v", s, ok)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the code's file is there still: %v", err)
	}
	if _, err := r.Claim(t.Context(), string(first), "mallory", secret+"!", "10.0.0.8", nil); !errors.Is(err, ErrDone) {
		t.Errorf("used twice: %v", err)
	}
	_ = r.Store.Close()
	r = open(t, dir)
	if s, ok := r.Session(t.Context(), token); !ok || s.User != "王工" {
		t.Errorf("the session is gone after a restart: %+v", s)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || !r.Claimed() {
		t.Error("another code after the box was claimed")
	}
}

// TestBackOff: who guesses waits longer and longer; others are not locked out,
// and the right password ends it.
func TestBackOff(t *testing.T) {
	r := open(t, t.TempDir())
	r.claim(t)
	try := func(password, origin string) error {
		_, err := r.SignIn(t.Context(), "王工", password, origin)
		return err
	}
	for range 5 {
		if err := try("guess", "10.0.0.66"); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	var locked *brake.Locked
	last := time.Duration(0)
	for range 4 {
		if err := try(secret+"!", "10.0.0.66"); !errors.As(err, &locked) || locked.Wait <= last {
			t.Fatalf("after %v: %v", last, err)
		}
		last = locked.Wait
		r.now = r.now.Add(locked.Wait)
		if err := try("guess", "10.0.0.66"); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	if err := try(secret+"!", "10.0.0.9"); err != nil {
		t.Errorf("another is locked out: %v", err)
	}
	// By name it is slow from everywhere, in the end.
	for i := range 20 {
		if err := try("guess", "10.1.0."+string(rune('0'+i))); err != nil && !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	if err := try("guess", "10.2.0.1"); !errors.As(err, &locked) {
		t.Errorf("many guess together: %v", err)
	}
	r.now = r.now.Add(15 * time.Minute)
	if err := try(secret+"!", "10.2.0.1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestUsers(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	me := Actor{Name: "王工", Origin: "10.0.0.9"}
	token := r.claim(t)
	for _, bad := range []struct {
		name, password string
		role           Role
		want           error
	}{
		{"", secret + "!", Duty, ErrName}, {" x", secret + "!", Duty, ErrName}, {"a\nb", secret + "!", Duty, ErrName},
		{strings.Repeat("长", 33), secret + "!", Duty, ErrName}, {"li", "short", Duty, ErrPassword}, {"longenoughname", "LongEnoughName", Duty, ErrPassword},
		{"li", secret + "!", "root", ErrRole}, {"王工", secret + "!", Duty, ErrTaken},
	} {
		if err := r.Add(ctx, me, bad.name, bad.role, bad.password); !errors.Is(err, bad.want) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := r.Add(ctx, me, "老李", Duty, secret+"!"); err != nil {
		t.Fatal(err)
	}
	duty, err := r.SignIn(ctx, "老李", secret+"!", "10.0.0.7")
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"remove the last technician":  r.Remove(ctx, me, "王工"),
		"demote the last technician":  r.SetRole(ctx, me, "王工", Duty),
		"remove who is not there":     r.Remove(ctx, me, "nobody"),
		"a password for who is not":   r.SetPassword(ctx, me, "nobody", secret+"!", ""),
		"a role that there is not":    r.SetRole(ctx, me, "老李", "root"),
		"a password that is too weak": r.SetPassword(ctx, me, "老李", "weak", ""),
	} {
		if err == nil {
			t.Errorf("%s: done", what)
		}
	}
	if err := r.SetRole(ctx, me, "老李", Technician); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Session(ctx, duty); ok {
		t.Error("a session goes on with its old role")
	}
	other, _ := r.SignIn(ctx, "王工", secret+"!", "10.0.0.7")
	if err := r.SetPassword(ctx, me, "王工", secret+"?", token); err != nil {
		t.Fatal(err)
	}
	_, mine := r.Session(ctx, token)
	if _, theirs := r.Session(ctx, other); !mine || theirs {
		t.Errorf("after a new password: the own session %v, another %v", mine, theirs)
	}
	if err := r.Remove(ctx, me, "王工"); err != nil {
		t.Errorf("one of two technicians: %v", err)
	}
	if _, ok := r.Session(ctx, token); ok {
		t.Error("a removed user is signed in")
	}
	entries, err := r.Entries(ctx, Asked{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action)
		if strings.Contains(e.Detail, secret) {
			t.Errorf("a password is in the audit log: %+v", e)
		}
	}
	if got := strings.Join(actions, " "); got != "user.remove user.password signin user.role signin user.add setup" {
		t.Errorf("audit: %s", got)
	}
}

func TestSessionEnds(t *testing.T) {
	r := open(t, t.TempDir())
	token := r.claim(t)
	alive := func() bool { _, ok := r.Session(t.Context(), token); return ok }
	for range 14 {
		r.now = r.now.Add(idleAfter - time.Minute)
		if r.now.Sub(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) < endAfter && !alive() {
			t.Fatalf("ended while in use, at %v", r.now)
		}
	}
	if r.now = r.now.Add(time.Hour); alive() {
		t.Error("a session without end")
	}
	token, _ = r.SignIn(t.Context(), "王工", secret+"!", "10.0.0.9")
	if r.now = r.now.Add(idleAfter + time.Minute); alive() {
		t.Error("a session that nobody uses goes on")
	}
	token, _ = r.SignIn(t.Context(), "王工", secret+"!", "10.0.0.9")
	r.SignOut(context.Background(), token)
	if alive() {
		t.Error("signed out and still in")
	}
	for _, bad := range []string{"", "x", digest(token)} {
		if _, ok := r.Session(t.Context(), bad); ok {
			t.Errorf("%q is a session", bad)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"王工", "", " a", "a\x00", "\u202e", "AAAA-bbbb-CCCC"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkUser(s, Duty) == nil && (s == "" || len([]rune(s)) > maxName) {
			t.Errorf("name %q", s)
		}
		if n := normal(s); strings.Trim(n, codeAlphabet) != "" {
			t.Errorf("code %q of %q", n, s)
		}
	})
}

// TestLabel: the code on the label claims a box as the one on the console does, once.
func TestLabel(t *testing.T) {
	l, err := boxid.MakeLabel(filepath.Join(t.TempDir(), "label"), "PF3XYZ")
	if err != nil {
		t.Fatal(err)
	}
	code := LabelCode(l)
	a := open(t, t.TempDir())
	if err := a.CheckCode(code, "10.0.0.1"); !errors.Is(err, ErrCode) {
		t.Errorf("a box that was made without a label: %v", err)
	}
	a.Label = code
	for _, wrong := range []string{"", "PF3XYZ", code[:len(code)-1]} {
		if err := a.CheckCode(wrong, "10.0.0.1"); !errors.Is(err, ErrCode) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := a.Claim(t.Context(), strings.ToLower(code), "王工", "a sentence of its own", "10.0.0.1", nil); err != nil {
		t.Fatal(err)
	}
	if err := a.CheckCode(code, "10.0.0.1"); !errors.Is(err, ErrDone) {
		t.Errorf("a second time: %v", err)
	}
}
