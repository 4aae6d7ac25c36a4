package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestBillIsWhole: every module that go.mod requires directly and a small program of ours links is in
// its bill, each component with a version and a licence that is known, and nothing twice.
func TestBillIsWhole(t *testing.T) {
	program := filepath.Join(t.TempDir(), "sentrybox")
	build := exec.Command("go", "build", "-o", program, "sentrybox/gateway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := collect("v1", []string{program, program})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range b.Components {
		if c.Version == "" || len(c.Licenses) == 0 || c.PURL == "" || seen[c.Ref] {
			t.Errorf("%+v", c)
		}
		seen[c.Ref] = true
	}
	for _, name := range []string{"github.com/eclipse/paho.mqtt.golang", "modernc.org/sqlite", "github.com/bluenviron/gortsplib/v5", "std"} {
		found := false
		for _, c := range b.Components {
			found = found || c.Name == name
		}
		if !found {
			t.Errorf("%s is not in the bill", name)
		}
	}
	text, err := json.Marshal(b)
	if err != nil || !regexp.MustCompile(`^{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,`).Match(text) {
		t.Errorf("%.100s, %v", text, err)
	}
}

func TestLicences(t *testing.T) {
	for text, want := range map[string]string{
		"MIT License\n\nPermission is hereby granted,\nfree of charge, to":          "MIT",
		"Apache License\n Version 2.0, January 2004":                                "Apache-2.0",
		"Redistribution and use in source and binary forms ... Neither the name of": "BSD-3-Clause",
		"Redistribution and use in source and binary forms, with":                   "BSD-2-Clause",
		"All rights reserved.": "",
	} {
		got := ""
		if ids := licences(text); len(ids) > 0 {
			got = ids[0]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if _, err := licencesOf(t.TempDir()); err == nil {
		t.Error("a folder without a licence has one")
	}
}

// TestDebian: this machine's own shell loads libraries of packages.
func TestDebian(t *testing.T) {
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		t.Skip("no Debian")
	}
	all, err := debian("/bin/sh")
	if err != nil || len(all) == 0 || all[0].Version == "" || len(all[0].Licenses) == 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
