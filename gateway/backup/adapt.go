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

// adapt makes the configuration of a backup that of this box.
// Its error is a *config.Problems where that would not be valid.
func (s *Site) adapt(p *parcel, w Wish) (body []byte, c *config.Config, err error) {
	if body, err = strict.ReadFile(filepath.Join(p.dir, configName)); err != nil {
		return nil, nil, err
	}
	body = moveFiles(body, &p.Manifest)
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
	c, err = config.Parse(s.nameIn(p.dir), body, s.lookup(p.variables))
	return body, c, err
}

// nameIn names the configuration in a folder with a backup: beside the files that it names.
func (s *Site) nameIn(dir string) string {
	return filepath.Join(dir, siteFolder, filepath.Base(s.Config))
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

// lookup looks a variable up: on this box, and then in what a backup brings.
func (s *Site) lookup(brought map[string]string) func(string) (string, bool) {
	here := config.Environment(s.Config)
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
