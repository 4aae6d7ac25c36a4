//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/uplink/mqtt/mqtttest"
)

// disk is an ext4 of its own in a file, on a loop device.
type disk struct {
	t               testing.TB
	image, dev, dir string
}

func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// newDisk makes a file system of so many MiB and mounts it.
func newDisk(t testing.TB, mib int) *disk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, int64(mib)<<20); err != nil {
		t.Fatal(err)
	}
	command(t, "mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
	return mountImage(t, image)
}

// mountImage mounts an image until the test ends. What is in its journal is
// replayed, as after a power cut.
func mountImage(t testing.TB, image string) *disk {
	t.Helper()
	d := &disk{t: t, image: image, dir: t.TempDir()}
	d.dev = command(t, "losetup", "--find", "--show", image)
	command(t, "mount", "-o", "errors=remount-ro", d.dev, d.dir)
	t.Cleanup(d.unmount)
	return d
}

func (d *disk) unmount() {
	if d.dev == "" {
		return
	}
	var out []byte
	err := errors.New("not tried")
	// A child that is about to become another program has our files open.
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if out, err = exec.Command("umount", d.dir).CombinedOutput(); err == nil {
			break
		}
	}
	if err != nil {
		d.t.Errorf("umount: %v: %s", err, out)
		_ = exec.Command("umount", "-l", d.dir).Run()
	}
	_ = exec.Command("losetup", "-d", d.dev).Run()
	d.dev = ""
}

// fill takes all space but so much.
func (d *disk) fill(leave int64) {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.dir, "filler"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		d.t.Fatal(err)
	}
	size := int64(fs.Bavail)*fs.Bsize - leave
	for step := size; step >= 4096; { // to the last block
		if unix.Fallocate(int(f.Fd()), 0, 0, size) == nil {
			break
		}
		step /= 2
		size -= step
	}
	if leave > 0 {
		return
	}
	end, err := f.Seek(0, 2)
	if err != nil {
		d.t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; end += 4096 {
		_, err = f.WriteAt(block, end)
	}
}

func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.dir, "filler")); err != nil {
		d.t.Fatal(err)
	}
}

// system is what came of the system alerts of a code: "" or the newest state.
func system(t testing.TB, messages []mqtttest.Message, code string) string {
	t.Helper()
	state := ""
	for _, m := range messages {
		var a struct{ Kind, Code, State string }
		if strings.Contains(m.Topic, "/alert/") && len(m.Payload) > 0 && json.Unmarshal(m.Payload, &a) == nil && a.Kind == "system" && a.Code == code {
			state = a.State
		}
	}
	return state
}

func waitSystem(t testing.TB, sub *mqtttest.Subscriber, code, state string) {
	t.Helper()
	sub.Wait(patience, code+" "+state, func(got []mqtttest.Message) bool { return system(t, got, code) == state })
}

const storageConfig = head + "storage: {floor: 4MiB, reserve: 4MiB}\n"

// on puts the data folder of a config on a disk.
func (d *disk) on(doc string) string {
	return strings.ReplaceAll(doc, "${DATA}", filepath.Join(d.dir, "data"))
}

// TestDiskFull fills the disk under a running gateway: alerts go on being
// durable on the reserve, over a kill too, the duty room is told, and all is well
// again by itself.
func TestDiskFull(t *testing.T) {
	d := newDisk(t, 64)
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	g := start(t, mosquitto.URL(), d.on(storageConfig))
	ids := []string{g.mustRaise(2)}
	d.fill(2 << 20)
	waitSystem(t, sub, "disk_low", "raised")
	ids = append(ids, g.mustRaise(2))
	d.empty()
	d.fill(0)
	for i := range 40 {
		ids = append(ids, g.mustRaise(i%4+1))
	}
	waitSystem(t, sub, "disk_full", "raised")
	g.kill()
	g.run() // on the full disk
	for i := range 20 {
		ids = append(ids, g.mustRaise(i%4+1))
	}
	checkAll(t, sub, ids)
	d.empty()
	waitSystem(t, sub, "disk_full", "handled")
	waitSystem(t, sub, "disk_low", "handled")
	if _, err := os.Stat(filepath.Join(d.dir, "data", "reserve")); err != nil {
		t.Errorf("the reserve is not back: %v", err)
	}
	ids = append(ids, g.mustRaise(3))
	checkAll(t, sub, ids)
	g.stop()
}

// TestDiskFails has the file system turn read-only, as it does when the medium
// fails: raise prints nothing that is not durable, the duty room is told from
// memory, and what was durable is there after a check of the disk.
func TestDiskFails(t *testing.T) {
	d := newDisk(t, 64)
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	g := start(t, mosquitto.URL(), d.on(storageConfig))
	var ids []string
	for range 5 {
		ids = append(ids, g.mustRaise(2))
	}
	trigger := "/sys/fs/ext4/" + filepath.Base(d.dev) + "/trigger_fs_error"
	if err := os.WriteFile(trigger, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := g.raise(2); err == nil {
		t.Errorf("raise says that %s is durable on a disk that takes nothing", id)
	}
	waitSystem(t, sub, "disk_readonly", "raised")
	g.kill()
	d.unmount()
	if out, err := exec.Command("e2fsck", "-fy", d.image).CombinedOutput(); err != nil {
		t.Logf("e2fsck: %v: %s", err, out) // 1 means that it has repaired something
	}
	back := mountImage(t, d.image)
	doc, err := os.ReadFile(g.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(g.config, []byte(strings.ReplaceAll(string(doc), d.dir, back.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	other := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{}) // which knows nothing
	late := mqtttest.Subscribe(t, other.URL(), prefix+"alert/#")
	doc, _ = os.ReadFile(g.config)
	if err := os.WriteFile(g.config, []byte(strings.ReplaceAll(string(doc), mosquitto.URL(), other.URL())), 0o600); err != nil {
		t.Fatal(err)
	}
	g.run()
	ids = append(ids, g.mustRaise(2))
	checkAll(t, late, ids)
	g.stop()
}

// cuts is how many power cuts there are: SENTRYBOX_CUTS in the long form.
func cuts(t testing.TB) int {
	n, err := strconv.Atoi(os.Getenv("SENTRYBOX_CUTS"))
	if err != nil {
		return 20
	}
	t.Logf("%d power cuts", n)
	return n
}

func copyImage(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	command(t, "cp", "--sparse=always", from, to)
	return to
}
