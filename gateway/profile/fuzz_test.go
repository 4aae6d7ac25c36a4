package profile

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// everything returns all profiles there are, those of the tests too.
func everything(t testing.TB) []*Profile {
	t.Helper()
	var all []*Profile
	ids, err := Library{}.IDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		p, err := Library{}.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	for _, test := range decodes {
		if p, err := Parse("a.yaml", []byte(build(test.profile, test.input, test.want))); err == nil {
			all = append(all, p)
		}
	}
	for _, name := range foreign(t) {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func foreign(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/foreign/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

// FuzzDecode gives any payload to any profile. What comes out is finite, within
// the ranges of the profile and the same the second time, and the payload is
// left as it is.
func FuzzDecode(f *testing.F) {
	all := everything(f)
	for i, p := range all {
		for j := range p.Examples {
			in, err := p.input(&p.Examples[j])
			if err == nil {
				f.Add(uint16(i), uint8(in.Port), in.Section, in.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, port uint8, section string, data []byte) {
		p := all[int(which)%len(all)]
		d, err := p.NewDecoder(nil)
		if err != nil {
			t.Fatal(err)
		}
		before := string(data)
		in := Input{Section: section, Port: int(port), Data: data}
		got, m, err := d.Decode(nil, in)
		if string(data) != before {
			t.Fatal("the payload was changed")
		}
		if err != nil && len(got) > 0 || err == nil && m == nil {
			t.Fatalf("%d values, message %v, error %v", len(got), m, err)
		}
		again, _, errAgain := d.Decode(nil, in)
		if (err == nil) != (errAgain == nil) || len(got) != len(again) {
			t.Fatalf("%v, %v; then %v, %v", got, err, again, errAgain)
		}
		for i, v := range got {
			if v != again[i] {
				t.Fatalf("%v, then %v", v, again[i])
			}
			if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) || !v.Field.IsText() && !v.Field.Range.Has(v.Number) ||
				v.Field.IsText() && v.Number != 0 || !v.Field.IsText() && v.Text != "" || len(v.Text) > maxText || v.Field.Hidden {
				t.Fatalf("%s: %+v", v.Field.Name, v)
			}
			if p.Field(v.Field.Name) == nil || v.Format(text.Chinese) == "" && !v.Field.IsText() {
				t.Fatalf("%s is no field of its profile", v.Field.Name)
			}
		}
	})
}

// FuzzParse reads any file. What is wrong with it has a place; what is not wrong
// decodes its own examples without harm.
func FuzzParse(f *testing.F) {
	for _, test := range decodes {
		f.Add([]byte(build(test.profile, test.input, test.want)))
	}
	for _, m := range mistakes {
		f.Add([]byte(m.profile))
	}
	for _, name := range foreign(f) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		p, err := Parse("a.yaml", data)
		if err != nil {
			var problems *strict.Problems
			if !errors.As(err, &problems) || len(problems.List) == 0 {
				t.Fatalf("%v", err)
			}
			for _, q := range problems.List {
				if q.Line < 1 || q.Message(text.Chinese) == "" {
					t.Errorf("%+v", q)
				}
			}
			return
		}
		p.Test()
		for _, f := range p.Fields() {
			if p.Field(f.Name) != f {
				t.Errorf("%s is lost", f.Name)
			}
		}
	})
}
