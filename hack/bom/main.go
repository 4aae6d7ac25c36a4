// Command bom prints what the two programs are made of, as a CycloneDX bill of materials (ECMA-424,
// version 1.6, JSON): the Go modules that the linker has put in, and the shared libraries that the vision
// process loads, with the Debian packages that they are from; each with its version and licence.
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// bom is the part of the format that is used.
type bom struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"` // application or library
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Licenses   []license  `json:"licenses,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type license struct {
	License named `json:"license"`
}

// named has one of both.
type named struct {
	ID   string `json:"id,omitempty"` // of SPDX
	Name string `json:"name,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func main() {
	version := flag.String("version", "unknown", "of the product")
	flag.Parse()
	if err := run(*version, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bom:", err)
		os.Exit(1)
	}
}

func run(version string, programs []string) error {
	b, err := collect(version, programs)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	return out.Encode(b)
}

// collect makes the bill of some programs.
func collect(version string, programs []string) (*bom, error) {
	b := &bom{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{component{Type: "application", Ref: "sentrybox", Name: "sentrybox", Version: version}}}
	seen := map[string]int{} // in b.Components, by reference
	add := func(program string, c component) {
		i, ok := seen[c.Ref]
		if !ok {
			i = len(b.Components)
			seen[c.Ref] = i
			b.Components = append(b.Components, c)
		}
		b.Components[i].Properties = append(b.Components[i].Properties, property{"sentrybox:program", filepath.Base(program)})
	}
	var errs []error
	for _, p := range programs {
		modules, err := goModules(p)
		errs = append(errs, err)
		libraries, lerr := debian(p)
		errs = append(errs, lerr)
		for _, c := range append(modules, libraries...) {
			add(p, c)
		}
	}
	slices.SortFunc(b.Components, func(x, y component) int { return cmp.Compare(x.Ref, y.Ref) })
	return b, errors.Join(errs...)
}

// goModules returns the modules in a Go program, and the Go that has built it.
func goModules(program string) ([]component, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	dirs, err := moduleDirs()
	if err != nil {
		return nil, err
	}
	release := strings.TrimPrefix(info.GoVersion, "go")
	std := "pkg:golang/std@" + release
	all := []component{{Type: "library", Ref: std, Name: "std", Version: release, Licenses: []license{{named{ID: "BSD-3-Clause"}}}, PURL: std}}
	var errs []error
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		ids, err := licencesOf(dirs[m.Path])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.Path, err))
		}
		c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl, Properties: []property{{"go:sum", m.Sum}}}
		for _, id := range ids {
			c.Licenses = append(c.Licenses, license{named{ID: id}})
		}
		all = append(all, c)
	}
	return all, errors.Join(errs...)
}

// moduleDirs returns where the modules' files are.
func moduleDirs() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	dirs := map[string]string{}
	for line := range strings.SplitSeq(string(out), "\n") {
		if path, dir, ok := strings.Cut(line, "\t"); ok {
			dirs[path] = dir
		}
	}
	return dirs, nil
}
