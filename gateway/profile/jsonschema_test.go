package profile

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the JSON schema anew")

// TestSchema keeps the schema beside the manual equal to the types.
func TestSchema(t *testing.T) {
	const path = "../../docs/profile.schema.json"
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil { // for everybody
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not that of the types (%v): run this test with -update", path, err)
	}
}

// TestManual holds the manual to having every key of the format.
func TestManual(t *testing.T) {
	for _, name := range []string{"../../docs/profiles.md", "../../docs/profiles.zh.md"} {
		manual, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[reflect.Type]bool{}
		var visit func(t reflect.Type)
		visit = func(typ reflect.Type) {
			for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
				typ = typ.Elem()
			}
			if typ.Kind() != reflect.Struct || seen[typ] {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				f := typ.Field(i)
				key := f.Tag.Get("yaml")
				if key == "" {
					continue
				}
				if !strings.Contains(string(manual), "`"+key+"`") {
					t.Errorf("%s does not have the key %s of %s", name, key, typ.Name())
				}
				if typ != reflect.TypeFor[Words]() && f.Tag.Get("doc") == "" {
					t.Errorf("%s.%s has no description", typ.Name(), key)
				}
				visit(f.Type)
			}
		}
		visit(reflect.TypeFor[Profile]())
	}
}
