package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var resolved = regexp.MustCompile(`=> (/\S+)`)

// debian returns the packages of the shared libraries that a program loads; none of one that is static.
func debian(program string) ([]component, error) {
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "not a dynamic executable") {
			return nil, nil
		}
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	var files []string
	for _, m := range resolved.FindAllStringSubmatch(string(out), -1) {
		// Where /lib is a link to /usr/lib, dpkg knows the one or the other.
		real, err := filepath.EvalSymlinks(m[1])
		if err != nil {
			return nil, err
		}
		files = append(files, real)
	}
	packages := map[string]bool{}
	for _, f := range files {
		owner, err := owner(f)
		if err != nil {
			return nil, err
		}
		packages[owner] = true
	}
	var all []component
	for p := range packages {
		c, err := describe(p)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// owner returns the package that a file is from.
func owner(file string) (string, error) {
	for _, name := range []string{file, strings.TrimPrefix(file, "/usr")} {
		out, err := exec.Command("dpkg-query", "-S", name).Output()
		if owner, _, ok := strings.Cut(string(out), ": "); err == nil && ok {
			return owner, nil
		}
	}
	return "", fmt.Errorf("%s is of no Debian package", file)
}

func describe(name string) (component, error) {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}", name).Output()
	f := strings.Split(string(out), "\t")
	if err != nil || len(f) != 3 {
		return component{}, fmt.Errorf("dpkg-query %s: %w", name, err)
	}
	purl := "pkg:deb/debian/" + f[0] + "@" + f[1] + "?arch=" + f[2]
	return component{Type: "library", Ref: purl, Name: f[0], Version: f[1], PURL: purl, Licenses: copyright(f[0])}, nil
}

var licenceField = regexp.MustCompile(`(?m)^License:[ \t]*(\S.*)$`)

// copyright returns the licences that a package's copyright file names, in Debian's words
// (its form is DEP-5 for most).
func copyright(pkg string) []license {
	text, err := os.ReadFile(filepath.Join("/usr/share/doc", pkg, "copyright"))
	if err != nil {
		return []license{{named{Name: "see the package"}}} // images of containers leave documents out
	}
	var names []string
	for _, m := range licenceField.FindAllStringSubmatch(string(text), -1) {
		if name := strings.TrimSpace(m[1]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = []string{"see /usr/share/doc/" + pkg + "/copyright"}
	}
	var all []license
	for _, n := range names {
		all = append(all, license{named{Name: n}})
	}
	return all
}
