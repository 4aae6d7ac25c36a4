package duty

import (
	"embed"
	"net/http"
	"strconv"

	"sentrybox/gateway/config"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/text"
)

//go:embed assets pages
var files embed.FS

// view is what a template shows.
type view struct {
	pages.View
	Room   string
	Zone   string // of all times
	Role   string
	People []string
}

// Kind names a kind of alerts.
func (v view) Kind(kind string) string { return text.Kind(v.Lang, kind) }

// Severity names the severity at an index from 0.
func (v view) Severity(i int) string { return v.T("duty.severity." + strconv.Itoa(i+1)) }

// States lists the states that alerts may be looked for by.
func (v view) States() []string {
	return []string{"raised", "acknowledged", "dispatched", "handled", "false", "lost"}
}

// Kinds lists the kinds that alerts may be looked for by.
func (v view) Kinds() []string { return text.Kinds() }

// page makes a handler of a template.
func page(name string) func(*Console, http.ResponseWriter, *http.Request, *asker) error {
	return func(c *Console, w http.ResponseWriter, r *http.Request, a *asker) error {
		c.show(w, r, a, http.StatusOK, name, nil)
		return nil
	}
}

func (c *Console) show(w http.ResponseWriter, r *http.Request, a *asker, status int, name string, data any) {
	v := view{View: c.pages.View(r, a.lang, name, "duty.js.", data), Room: c.Config.Name, Zone: c.Config.Timezone, Role: a.role, People: people(c.Config, a)}
	v.User, v.CSRF = a.Account, a.CSRF
	if err := c.pages.Show(w, status, name, v); err != nil {
		c.Log.Error("a page cannot be shown", "page", name, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
	}
}

// people may be on duty at this screen; where nobody is named it is the account.
func people(c *config.Duty, a *asker) []string {
	if len(c.People) > 0 || a.Account == "" {
		return c.People
	}
	return []string{a.Account}
}

func (c *Console) asset(w http.ResponseWriter, r *http.Request, _ *asker) error {
	if !c.pages.ServeAsset(w, r) {
		return &failure{http.StatusNotFound, "duty.error.missing"}
	}
	return nil
}
