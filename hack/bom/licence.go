package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errNoLicence means that a module has no licence that is known.
var errNoLicence = errors.New("no licence that is known")

// licencesOf returns the SPDX identifiers of the licences in a module's folder.
func licencesOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") && !strings.HasPrefix(name, "EDL") && !strings.HasPrefix(name, "EPL") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		for _, id := range licences(string(text)) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, errNoLicence
	}
	return ids, nil
}

// licences tells licences by sentences that no other has.
func licences(text string) (ids []string) {
	t := strings.ToLower(strings.Join(strings.Fields(text), " "))
	has := func(s string) bool { return strings.Contains(t, s) }
	add := func(id string) { ids = append(ids, id) }
	if has("apache license") && has("version 2.0") {
		add("Apache-2.0")
	}
	if has("mozilla public license") && has("2.0") {
		add("MPL-2.0")
	}
	if has("eclipse public license - v 2.0") || has("eclipse public license v2.0") {
		add("EPL-2.0")
	}
	if has("permission is hereby granted, free of charge") {
		add("MIT")
	}
	if has("redistribution and use in source and binary forms") || has("redistribution and use of this software in source and binary forms") {
		if has("neither the name") || has("the name of the author may not be used") || has("the names of its contributors") || has("names of the copyright holders") || has("name of any author") {
			add("BSD-3-Clause")
		} else {
			add("BSD-2-Clause")
		}
	}
	if has("permission to use, copy, modify, and/or distribute this software") || has("permission to use, copy, modify, and distribute this software") {
		add("ISC")
	}
	if has("this is free and unencumbered software") {
		add("Unlicense")
	}
	if has("gnu general public license") && !has("gnu lesser general public license") {
		add("GPL-2.0-only")
	}
	return ids
}
