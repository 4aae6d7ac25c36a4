package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/gateway/text"
)

// TestTheirLanguage: what goes wrong begins in the user's language, whoever says it, and keeps the detail.
func TestTheirLanguage(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	device := &onviftest.Server{User: "admin", Password: "right"}
	if err := device.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	for _, test := range []struct {
		code         int
		args         []string
		en, zh, both string
	}{
		{1, []string{"probe", "rtsp://127.0.0.1:1/x"}, "no answer: ", "没有应答：", "connection refused"},
		{1, []string{"probe", "dvrip://127.0.0.1:1/0"}, "no answer: ", "没有应答：", "connection refused"},
		{1, []string{"probe", "onvif://127.0.0.1:1"}, "no answer: ", "没有应答：", "connection refused"},
		{1, []string{"probe", "onvif://admin:wrong@" + device.Addr()}, "wrong user or password: ", "用户名或密码不对：", "HTTP Digest"},
		{1, []string{"probe", "rtsp://"}, "the address is not right: ", "地址写得不对：", "names no host"},
		{1, []string{"probe", "http://10.0.0.1"}, "an address begins with", "地址要这样开头", "dvrip://"},
		{1, []string{"probe", "admin:planted@10.0.0.1"}, "an address begins with", "地址要这样开头", "modbus+rtu://"},
		{1, []string{"raise", "--config", none, "--severity", "9"}, "a severity is", "严重程度是", "9"},
		{1, []string{"raise", "--config", none, "--severity", "1", "--kind", "tea"}, "there is no kind", "没有", "thrown_object"},
		{1, []string{"secret", "--config", filepath.Join(none, "x")}, "sentrybox: ", "没有这个文件或目录：", "secret.key"},
		{1, []string{"hash"}, "there is no password", "标准输入里没有密码", ""},
		{2, []string{"raise"}, "sentrybox: missing flags: ", "缺少选项：", "--severity=N"},
		{2, []string{"check", "--bad"}, "sentrybox: unknown flag ", "没有这个选项：", "--bad"},
		{2, []string{"hash", "it"}, "sentrybox: unexpected argument ", "这个词不认识：", "it"},
		{2, []string{"probe"}, "sentrybox: expected ", "还缺少：", "<url>"},
		{2, []string{"raise", "--config", none, "--severity", "x"}, "sentrybox: ", "命令行不对：", "64 bit int"},
	} {
		for lang, want := range map[string]string{"C": test.en, "zh_CN.UTF-8": test.zh} {
			t.Setenv("LC_ALL", lang)
			code, _, said := typed(t, "", test.args...)
			if code != test.code || !strings.HasPrefix(said, want) || !strings.Contains(said, test.both) || strings.Contains(said, "planted") {
				t.Errorf("%s %v: exit status %d, %q", lang, test.args, code, said)
			}
			if lang == "C" && strings.ContainsFunc(said, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("%v: %q", test.args, said)
			}
		}
	}
}

// TestHelp: all of it is in the user's language.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"probe", "--help"}, {"profile", "--help"}} {
		for lang, want := range map[string][]string{"C": {"Usage: ", "Flags:", "Show this help."}, "zh_CN.UTF-8": {"用法：", "选项：", "显示本帮助。"}} {
			t.Setenv("LC_ALL", lang)
			code, out, said := typed(t, "", args...)
			for _, part := range want {
				if code != 0 || said != "" || !strings.Contains(out, part) {
					t.Errorf("%s %v: exit status %d, %q lacks %q; %q", lang, args, code, out, part, said)
				}
			}
			if lang != "C" && (strings.Contains(out, "Usage") || strings.Contains(out, "Flags") || strings.Contains(out, "Commands:") || strings.Contains(out, "Show")) {
				t.Errorf("%v: %s", args, out)
			}
		}
	}
}

// TestWhatIsRefused: a weak password, no address, a configuration that is not there.
func TestWhatIsRefused(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	none := filepath.Join(t.TempDir(), "none.yaml")
	for _, test := range []struct {
		input, want string
		args        []string
	}{
		{"four\n", "10 to 256 characters", []string{"hash"}},
		{"", `"camera" is no IP address`, []string{"find", "camera"}},
		{"", `"10.0.0.1/99" is no subnet`, []string{"find", "--scan", "10.0.0.1/99", "camera"}},
		{"", none, []string{"health", "--config", none, "--data", filepath.Dir(none)}},
	} {
		if code, out, said := typed(t, test.input, test.args...); code != 1 || out != "" || !strings.Contains(said, test.want) {
			t.Errorf("%v: exit status %d, %q, %q", test.args, code, out, said)
		}
	}
	if code, out, said := typed(t, "a long one\n", "hash"); code != 0 || !strings.HasPrefix(out, "$argon2id$") {
		t.Errorf("%d, %s", code, said)
	}
}

// TestFindAtAPort: the command takes what the page takes.
func TestFindAtAPort(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	device := &onviftest.Server{}
	if err := device.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	if code, out, said := typed(t, "", "find", device.Addr(), "--json"); code != 0 || !strings.Contains(out, "http://"+device.Addr()+"/") {
		t.Errorf("%d: %s%s", code, out, said)
	}
}

// TestAgreed: that nobody answers is no yes, and is said.
func TestAgreed(t *testing.T) {
	for input, want := range map[string]string{"yes\n": "", "yes": "", "": "--yes", "no\n": "not yes", "\n": "not yes"} {
		f := filepath.Join(t.TempDir(), "stdin")
		if err := os.WriteFile(f, []byte(input), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		was := os.Stdin
		os.Stdin = in
		err = agreed(&env{errOut: io.Discard, lang: text.English}, true)
		os.Stdin = was
		_ = in.Close()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", input, err)
		}
	}
}
