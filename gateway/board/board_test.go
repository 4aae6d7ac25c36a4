package board

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

func profiles(t *testing.T) []Profile {
	t.Helper()
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sample(t *testing.T, id string) string {
	t.Helper()
	abs, err := filepath.Abs(filepath.Join("testdata", id))
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// archOf is of the machine that a sample is from.
func archOf(id string) string {
	if id == "x86" {
		return "amd64"
	}
	return "arm64"
}

// TestEachIsKnown: every profile is that of the sample with its name, and no other is.
func TestEachIsKnown(t *testing.T) {
	all := profiles(t)
	if len(all) < 5 {
		t.Fatalf("%d boards", len(all))
	}
	for _, p := range all {
		m := Read(sample(t, p.ID), archOf(p.ID))
		if m.Model == "" || strings.ContainsRune(m.Model, 0) {
			t.Errorf("%s: model %q", p.ID, m.Model)
		}
		for _, q := range all {
			got := Find([]Profile{q}, m)
			if (got != nil) != (q.ID == p.ID) {
				t.Errorf("the sample of %s and the profile of %s: %v", p.ID, q.ID, got != nil)
			}
		}
	}
}

func TestNoTwoMatchTheSame(t *testing.T) {
	of := map[string]string{}
	for _, p := range profiles(t) {
		for _, name := range slices.Concat(p.Match.Compatible, p.Match.Arch) {
			if other, ok := of[name]; ok {
				t.Errorf("%s is %s's and %s's", name, other, p.ID)
			}
			of[name] = p.ID
		}
	}
}

// TestThisMachine: one without a device tree is known by its architecture.
func TestThisMachine(t *testing.T) {
	m := Read("/", runtime.GOARCH)
	if p := Find(profiles(t), m); len(m.Compatible) == 0 && runtime.GOARCH == "amd64" && (p == nil || p.ID != "x86") {
		t.Errorf("%+v is %+v", m, p)
	}
}

func TestUnknown(t *testing.T) {
	m := Machine{Compatible: []string{"acme,board", "acme,chip"}, Arch: "amd64"}
	if p := Find(profiles(t), m); p != nil {
		t.Errorf("a board with a device tree of its own is taken for %s", p.ID)
	}
	if s := Look(t.TempDir(), m, nil, text.English); s.ID != "" || s.Watchdog != nil || s.Serial == nil {
		t.Errorf("%+v", s)
	}
}

func TestLook(t *testing.T) {
	root := sample(t, "raspberry-pi-4")
	m := Read(root, "arm64")
	s := Look(root, m, Find(profiles(t), m), text.English)
	if s.Name != "Raspberry Pi 4" || s.Model != "Raspberry Pi 4 Model B Rev 1.5" || s.Journal != Volatile {
		t.Errorf("%+v", s)
	}
	if !s.Serial[0].Present || s.Serial[2].Present || !s.Watchdog.Present || !s.Decoder.Present || !s.LEDs[0].Present {
		t.Errorf("what is there: %+v", s)
	}
	if c := s.Thermal[0].Celsius; c == nil || *c != 51.121 {
		t.Errorf("temperature %v", c)
	}
	want := []string{
		"watchdog: {device: /dev/watchdog, timeout: 15s}", `vision: {hardware: "auto"}`, "led: ACT",
		"lookback: {on: memory, bytes: 64MiB}", "evidence: {bytes: 1GiB}", "log: {level: info}",
	}
	if !slices.Equal(s.Config, want) {
		t.Errorf("suggested:\n%s", strings.Join(s.Config, "\n"))
	}
}

func TestLookPC(t *testing.T) {
	root := sample(t, "x86")
	m := Read(root, "amd64")
	s := Look(root, m, Find(profiles(t), m), text.Chinese)
	if s.Model != "Advantech UNO-2271G" || s.Name != "通用 x86 主机" || !slices.Equal(s.Disks, []string{"nvme0n1"}) || s.Watchdog.Present {
		t.Errorf("%+v", s)
	}
	if c := strings.Join(s.Config, "\n"); strings.Contains(c, "watchdog") || strings.Contains(c, "led") || !strings.Contains(c, "lookback: {on: disk") {
		t.Errorf("suggested:\n%s", c)
	}
}

func TestMistakes(t *testing.T) {
	good, err := os.ReadFile("../../firmware-configs/boards/raspberry-pi-4.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"unknown key":    {"leds:", "lamps: []\nleds:"},
		"no match":       {"compatible: [", "arch: []\n  compatible: [] # ["},
		"one language":   {", en: Raspberry Pi 4}", "}"},
		"no device":      {"/dev/ttyS0", "/dev/../etc/passwd"},
		"LED's path":     {"name: ACT", "name: ../x"},
		"watchdog":       {"longest: 15", "longest: 5"},
		"limit":          {"limit: 80", "limit: 800"},
		"decoder":        {"name: v4l2m2m", "name: magic"},
		"journal":        {"journal: volatile", "journal: maybe"},
		"none but there": {"name: v4l2m2m", "name: none"},
	} {
		b := strings.Replace(string(good), change[0], change[1], 1)
		if b == string(good) {
			t.Fatalf("%s: nothing is changed", name)
		}
		if _, err := Parse("x", []byte(b)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestApply(t *testing.T) {
	root := t.TempDir()
	if _, err := Apply(root, Volatile); err == nil {
		t.Error("without the package's file")
	}
	share := filepath.Join(root, Share)
	if err := os.MkdirAll(share, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, j := range []string{Volatile, Persistent} {
		b, err := os.ReadFile("../../packaging/journald-" + j + ".conf")
		if err != nil || !strings.Contains(string(b), "Storage="+j+"\n") {
			t.Fatalf("%s: %v", j, err)
		}
		if err := os.WriteFile(filepath.Join(share, "journald-"+j+".conf"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		journal string
		changed bool
	}{{Volatile, true}, {Volatile, false}, {Persistent, true}, {Persistent, false}} {
		changed, err := Apply(root, step.journal)
		got, _ := os.ReadFile(filepath.Join(root, Dropin))
		if err != nil || changed != step.changed || !strings.Contains(string(got), "Storage="+step.journal+"\n") {
			t.Errorf("%+v: %v, %v, %s", step, changed, err, got)
		}
	}
	if err := os.WriteFile(filepath.Join(root, Dropin), []byte("[Journal]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(root, Volatile); !errors.Is(err, ErrForeign) {
		t.Errorf("somebody's own file: %v", err)
	}
	if all, _ := os.ReadDir(filepath.Dir(filepath.Join(root, Dropin))); len(all) != 1 {
		t.Errorf("left over: %v", all)
	}
}

// FuzzNames: whatever a device tree holds, what is taken of it is bounded and printable.
func FuzzNames(f *testing.F) {
	for _, s := range []string{
		"raspberrypi,4-model-b\x00brcm,bcm2711\x00", "", "\x00\x00\x00", strings.Repeat("a\x00", 5000),
		strings.Repeat("long", 4000), "\x1b[2J\x00\xff\xfe\x00ok",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all := names(b)
		if len(all) > maxNames {
			t.Errorf("%d names", len(all))
		}
		for _, s := range all {
			if s == "" || len(s) > maxString || strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
				t.Errorf("%q", s)
			}
		}
	})
}

func TestHostileTree(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "proc/device-tree")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x,y\x00", 1<<20)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "compatible"), []byte(long), 0o644),
		os.WriteFile(filepath.Join(dir, "model"), []byte("\x1b]0;owned\a\x00"+strings.Repeat("m", 1<<20)), 0o644)); err != nil {
		t.Fatal(err)
	}
	if m := Read(root, "arm64"); len(m.Compatible) != maxNames || m.Model != "" {
		t.Errorf("%d names, model %q", len(m.Compatible), m.Model)
	}
}
