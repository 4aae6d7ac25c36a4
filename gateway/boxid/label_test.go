package boxid

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

func TestLabel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "etc", "label")
	made, err := MakeLabel(path, "PF3XYZ\n")
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadLabel(path)
	if err != nil || read.Serial != "PF3XYZ" || read.Code(letters, 12) != made.Code(letters, 12) || len(read.Code(letters, 12)) != 12 {
		t.Errorf("%+v, %v", read, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := MakeLabel(path, "PF3XYZ"); !errors.Is(err, os.ErrExist) {
		t.Errorf("a label is made twice: %v", err)
	}
	// The serial number alone tells nothing.
	other, err := MakeLabel(filepath.Join(t.TempDir(), "label"), "PF3XYZ")
	if err != nil || other.Code(letters, 12) == made.Code(letters, 12) {
		t.Errorf("another secret, the same code: %v", err)
	}
	same := &Label{Serial: "PF3XYA", secret: made.secret}
	if same.Code(letters, 12) == made.Code(letters, 12) {
		t.Error("another serial number, the same code")
	}
	board := "sys/firmware/devicetree/base/serial-number"
	if !made.Of(box(t, map[string]string{board: "PF3XYZ\x00"})) || !made.Of(t.TempDir()) || made.Of(box(t, map[string]string{board: "OTHER1\x00"})) {
		t.Error("of which box it is")
	}
	if _, err := MakeLabel(filepath.Join(t.TempDir(), "x"), " "); err == nil {
		t.Error("a label without a serial number")
	}
}

func TestLabelNonsense(t *testing.T) {
	for _, text := range []string{"", "serial: x\n", "secret: " + strings.Repeat("ab", 32) + "\n", "serial: x\nsecret: zz\n", "serial: x\nsecret: abcd\n"} {
		path := filepath.Join(t.TempDir(), "label")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadLabel(path); !errors.Is(err, ErrLabel) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
