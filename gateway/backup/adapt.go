package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/strict"
)

// Wish says what is to become of a backup on this box.
type Wish struct {
	Passphrase string `json:"passphrase"`
	// Copy makes a site of its own of it: with the identity Gateway, a certificate
	// authority and tokens of its own, and without the alerts.
	Copy    bool     `json:"copy"`
	Gateway Identity `json:"gateway"`
	// Page takes over the page's address and certificate files too. Otherwise those of
	// this box stay, so that nobody is locked out.
	Page bool `json:"page"`
}

// adapt makes the configuration in dir, where a backup is unpacked, that of this box.
// Its error is a *config.Problems where that would not be valid.
func (s *Site) adapt(dir string, m *Manifest, w Wish) (body []byte, c *config.Config, err error) {
	if body, err = strict.ReadFile(filepath.Join(dir, configName)); err != nil {
		return nil, nil, err
	}
	body = moveFiles(body, m)
	data, err := filepath.Abs(s.Data)
	if err != nil {
		return nil, nil, err
	}
	if body, err = revision.PutText(body, "data", data); err != nil {
		return nil, nil, fmt.Errorf("%w: the configuration cannot be changed: %w", ErrNoBackup, err)
	}
	if w.Copy {
		if body, err = identify(body, w.Gateway); err != nil {
			return nil, nil, err
		}
	}
	if !w.Page {
		if body, err = s.keepPage(body); err != nil {
			return nil, nil, err
		}
	}
	// As if it stood where the files are that it names.
	c, err = config.Parse(filepath.Join(dir, siteFolder, filepath.Base(s.Config)), body, s.lookup(dir))
	return body, c, err
}

// moveFiles names files where they will be: beside the configuration.
func moveFiles(body []byte, m *Manifest) []byte {
	text := string(body)
	for to, was := range m.Moved {
		if !validText(to) || !validSitePath(to) || len(was) < 2 {
			continue
		}
		names := []string{was}
		if rel, err := filepath.Rel(m.Folder, was); err == nil && strings.HasPrefix(rel, "..") {
			names = append(names, rel)
		}
		for _, name := range names {
			whole := regexp.MustCompile(`(^|[\s"'{,\[:])` + regexp.QuoteMeta(name) + `($|[\s"'},\]])`)
			text = whole.ReplaceAllString(text, "${1}"+strings.ReplaceAll(to, "$", "$$")+"${2}")
		}
	}
	return []byte(text)
}

func identify(body []byte, id Identity) ([]byte, error) {
	f, err := revision.Section(body, "gateway")
	if err != nil {
		return nil, err
	}
	f = f.Set("id", id.ID).Set("street", id.Street).Set("community", id.Community)
	return revision.PutSection(body, "gateway", f)
}

// keepPage puts this box's own page into a configuration, if it has one.
func (s *Site) keepPage(body []byte) ([]byte, error) {
	own, err := strict.ReadFile(s.Config)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if config.Empty(own) {
		if s.Listen == "" {
			return body, nil
		}
		return revision.PutSection(body, "web", revision.Fields(nil).Set("listen", s.Listen))
	}
	f, err := revision.Section(own, "web")
	c, perr := config.Parse(s.Config, own, config.Environment(s.Config))
	if err = errors.Join(err, perr); perr != nil {
		return nil, fmt.Errorf("the configuration of this box has faults, so its page's address is not known: %w", err)
	}
	if err != nil { // written in a way that is not taken apart
		f = revision.Fields(nil).Set("plain", c.Web.Plain)
	}
	f = f.Set("listen", c.Web.Listen)
	if c.Web.Listen == "" {
		f = append(f, yaml.MapItem{Key: "listen", Value: ""})
	}
	if c.Web.TLS.Cert != "" {
		f = f.Set("tls", yaml.MapSlice{{Key: "cert", Value: c.Web.TLS.Cert}, {Key: "key", Value: c.Web.TLS.Key}})
	}
	return revision.PutSection(body, "web", f)
}

// lookup looks a variable up for what is unpacked in dir: on this box, and then in the backup.
func (s *Site) lookup(dir string) func(string) (string, bool) {
	data, err := strict.ReadFile(filepath.Join(dir, environmentName))
	if err != nil {
		data = nil
	}
	brought, here := config.ParseEnvironment(data), config.Environment(s.Config)
	return func(name string) (string, bool) {
		if v, ok := os.LookupEnv(name); ok {
			return v, true
		}
		if v, ok := brought[name]; ok {
			return v, true
		}
		return here(name)
	}
}

// environment returns the variables that the backup brings and the process lacks.
func environment(dir string) map[string]string {
	data, err := strict.ReadFile(filepath.Join(dir, environmentName))
	if err != nil {
		return nil
	}
	all := config.ParseEnvironment(data)
	for name, v := range all {
		if has, ok := os.LookupEnv(name); ok && has == v {
			delete(all, name)
		}
	}
	return all
}
