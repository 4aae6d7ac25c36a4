package boxid

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func box(t *testing.T, files map[string]string) string {
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestNames(t *testing.T) {
	board, dmi, machine := "sys/firmware/devicetree/base/serial-number", "sys/class/dmi/id/product_serial", "etc/machine-id"
	form := regexp.MustCompile(`^sentrybox-[0-9a-f]{4}$`)
	for _, c := range []struct {
		files  map[string]string
		serial string
		named  bool
	}{
		{map[string]string{board: "10000000abcdef01\x00", machine: "aa"}, "10000000abcdef01", true},
		{map[string]string{dmi: "To be filled by O.E.M.\n", machine: "aa\n"}, "", true},
		{map[string]string{dmi: "PF3XYZ\n"}, "PF3XYZ", true},
		{map[string]string{board: "0000000000000000\x00"}, "", false},
		{nil, "", false},
	} {
		root := box(t, c.files)
		if got := Serial(root); got != c.serial {
			t.Errorf("%v: serial %q", c.files, got)
		}
		if got := Name(root); form.MatchString(got) != c.named || got != Name(root) {
			t.Errorf("%v: %s", c.files, got)
		}
	}
}
