package find

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	yaml "github.com/goccy/go-yaml"

	configs "sentrybox/firmware-configs"
	"sentrybox/gateway/text"
)

// Template is what is known of a brand, a file of firmware-configs/cameras.
type Template struct {
	ID    string   `yaml:"-"`     // the file's name without .yaml
	Brand string   `yaml:"brand"` // as people know it; empty for what is tried on the unknown
	Names []string `yaml:"names"` // the Chinese name first; other names, and brands of the same making
	// Match are parts of banners, models and names by which a device is known, in
	// any case of letters.
	Match []string `yaml:"match"`
	// Ports tell the brand if nothing else does.
	Ports []uint16 `yaml:"ports"`
	User  string   `yaml:"user"`  // from the factory
	ONVIF uint16   `yaml:"onvif"` // its port, if it is not 80
	DVRIP uint16   `yaml:"dvrip"` // its port, if it speaks that
	RTSP  struct {
		Port uint16   `yaml:"port"` // if it is not 554
		Main []string `yaml:"main"` // paths, in the order in which they are tried
		Sub  []string `yaml:"sub"`
	} `yaml:"rtsp"`
	Note struct {
		Zh string `yaml:"zh"`
		En string `yaml:"en"`
	} `yaml:"note"`
	Sources []string `yaml:"sources"` // where this is from
}

const (
	maxTemplate  = 64 << 10
	maxTemplates = 256
)

// Templates returns the brand templates that come with the program, and those of a
// folder, which replace others of the same file name. The folder may be empty.
func Templates(folder string) ([]Template, error) {
	all, err := readTemplates(configs.Cameras())
	if err != nil || folder == "" {
		return all, err
	}
	own, err := readTemplates(os.DirFS(folder))
	if err != nil {
		return nil, err
	}
	for _, t := range own {
		if i := slices.IndexFunc(all, func(o Template) bool { return o.ID == t.ID }); i >= 0 {
			all[i] = t
		} else {
			all = append(all, t)
		}
	}
	return all, nil
}

func readTemplates(files fs.FS) ([]Template, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list camera templates: %w", err)
	}
	if len(names) > maxTemplates {
		return nil, fmt.Errorf("%d camera templates, at most %d are taken", len(names), maxTemplates)
	}
	var all []Template
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read camera template: %w", err)
		}
		t, err := ParseTemplate(strings.TrimSuffix(path.Base(name), ".yaml"), b)
		if err != nil {
			return nil, fmt.Errorf("camera template %s: %w", name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// ParseTemplate reads and checks one template.
func ParseTemplate(id string, b []byte) (Template, error) {
	t := Template{ID: id}
	if len(b) > maxTemplate {
		return t, fmt.Errorf("%d bytes, at most %d are taken", len(b), maxTemplate)
	}
	if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(&t); err != nil {
		return t, err
	}
	if len(t.RTSP.Main) == 0 && t.DVRIP == 0 {
		return t, errors.New("rtsp.main: missing")
	}
	if len(t.Sources) == 0 {
		return t, errors.New("sources: missing: say where this is from")
	}
	if (t.Brand == "") != (len(t.Match) == 0) {
		return t, errors.New("brand and match go together")
	}
	for _, p := range slices.Concat(t.RTSP.Main, t.RTSP.Sub) {
		if err := checkPath(p); err != nil {
			return t, err
		}
	}
	for _, m := range t.Match {
		if len(m) < 2 {
			return t, fmt.Errorf("match: %q is too short to tell anything", m)
		}
	}
	return t, nil
}

// Hint returns the template's note in a language.
func (t *Template) Hint(chinese bool) string {
	if chinese {
		return t.Note.Zh
	}
	return t.Note.En
}

// BrandName is how people call a brand in a language.
func BrandName(templates []Template, brand string, l text.Lang) string {
	i := slices.IndexFunc(templates, func(t Template) bool { return t.Brand == brand })
	if i < 0 || l != text.Chinese || len(templates[i].Names) == 0 {
		return brand
	}
	return templates[i].Names[0]
}

// fill puts a channel, counted from 1, and the account into a path.
func fill(p string, channel int, user, password string) string {
	return strings.NewReplacer(
		"{channel}", strconv.Itoa(channel), "{channel0}", strconv.Itoa(channel-1), "{channel:02}", fmt.Sprintf("%02d", channel),
		"{user}", url.QueryEscape(user), "{password}", url.QueryEscape(password),
	).Replace(p)
}

// checkPath says what is wrong with a path of a template.
func checkPath(p string) error {
	if !strings.HasPrefix(p, "/") {
		return fmt.Errorf("path %q must begin with /", p)
	}
	if strings.ContainsAny(fill(p, 1, "", ""), "{} \t\r\n#") {
		return fmt.Errorf("path %q has a part that is not known; {channel}, {channel0}, {channel:02}, {user} and {password} are", p)
	}
	return nil
}

// brandOf returns the template that a device's words, or else its ports, tell of;
// nil if none does.
func brandOf(templates []Template, c Candidate) *Template {
	words := strings.ToLower(strings.Join(append([]string{c.Name, c.Model, c.Brand}, c.Banners...), "\n"))
	for i := range templates {
		for _, m := range templates[i].Match {
			if strings.Contains(words, strings.ToLower(m)) {
				return &templates[i]
			}
		}
	}
	for i := range templates {
		for _, p := range templates[i].Ports {
			if slices.Contains(c.Open, p) && p != 8000 { // 8000 is many's
				return &templates[i]
			}
		}
	}
	if c.DVRIP != 0 {
		if i := slices.IndexFunc(templates, func(t Template) bool { return t.DVRIP != 0 }); i >= 0 {
			return &templates[i]
		}
	}
	return nil
}
