package board

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Machine is what a machine says of itself.
type Machine struct {
	// Compatible is of the device tree's root, the most exact first; none of a PC.
	Compatible []string
	Model      string // of the device tree, or vendor and product of DMI; may be empty
	Arch       string // as Go calls it
}

const (
	maxNode   = 4096 // bytes of a property that are looked at
	maxString = 128
	maxNames  = 32
)

// Read asks the machine below root, / but in tests. arch is runtime.GOARCH.
func Read(root, arch string) Machine {
	m := Machine{Arch: arch}
	for _, tree := range []string{"proc/device-tree", "sys/firmware/devicetree/base"} {
		if m.Compatible = names(read(root, tree, "compatible")); len(m.Compatible) > 0 {
			if model := names(read(root, tree, "model")); len(model) > 0 {
				m.Model = model[0]
			}
			return m
		}
	}
	var dmi []string
	for _, file := range []string{"sys_vendor", "product_name"} {
		dmi = append(dmi, names(read(root, "sys/class/dmi/id", file))...)
	}
	m.Model = strings.Join(dmi, " ")
	return m
}

// names splits a property of a device tree, strings each of which ends with a NUL (Devicetree
// Specification, 2.2.4, "stringlist"), and leaves out what is no name.
func names(b []byte) (all []string) {
	for s := range strings.SplitSeq(string(b), "\x00") {
		s = strings.TrimSpace(s)
		if s == "" || len(s) > maxString || strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			continue
		}
		if all = append(all, s); len(all) == maxNames {
			break
		}
	}
	return all
}

func read(root string, elem ...string) []byte {
	f, err := os.Open(filepath.Join(append([]string{"/" + root}, elem...)...))
	if err != nil {
		return nil
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, maxNode)) // as much as there is
	return b
}

func exists(root string, elem ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{"/" + root}, elem...)...))
	return err == nil
}

// Find returns the profile of a machine, nil if none is known: that of the most exact name in
// its device tree, or that of its architecture if it has no device tree.
func Find(all []Profile, m Machine) *Profile {
	for _, name := range m.Compatible {
		if i := slices.IndexFunc(all, func(p Profile) bool { return slices.Contains(p.Match.Compatible, name) }); i >= 0 {
			return &all[i]
		}
	}
	if len(m.Compatible) > 0 {
		return nil
	}
	if i := slices.IndexFunc(all, func(p Profile) bool { return slices.Contains(p.Match.Arch, m.Arch) }); i >= 0 {
		return &all[i]
	}
	return nil
}
