package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"sentrybox/gateway/backup"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
	"sentrybox/gateway/web/apidoc"
)

// operation says of a route of the API what the table of routes does not.
type operation struct {
	about text.Key
	in    any
	out   any
	query []apidoc.Param
	// inMedia and outMedia stand in place of JSON.
	inMedia, outMedia string
}

// operations describes every route of the API, by method and path.
func operations() map[string]operation {
	all := map[string]operation{
		"GET /api/openapi.json":                {about: "api.openapi", outMedia: "application/json"},
		"GET /api/v1/overview":                 {about: "api.overview", out: Overview{}},
		"GET /api/v1/events":                   {about: "api.events", outMedia: "text/event-stream"},
		"POST /api/v1/alerts/{id}/answer":      {about: "api.answer", in: answerRequest{}, out: done{}},
		"GET /api/v1/alerts/{id}/picture":      {about: "api.picture", outMedia: "image/jpeg"},
		"GET /api/v1/cameras":                  {about: "api.cameras", out: cameraList{}},
		"POST /api/v1/cameras/plan":            {about: "api.cameras.plan", in: cameraChange{}, out: checked{}},
		"POST /api/v1/cameras/probe":           {about: "api.cameras.probe", in: probeRequest{}, out: Probe{}},
		"GET /api/v1/cameras/{id}/live":        {about: "api.live", outMedia: "video/mp4"},
		"GET /api/v1/cameras/{id}/still":       {about: "api.still", outMedia: "image/jpeg"},
		"GET /api/v1/cameras/{id}/seen":        {about: "api.seen", outMedia: "application/json"},
		"GET /api/v1/cameras/{id}/scene":       {about: "api.scene", out: scene{}},
		"POST /api/v1/cameras/{id}/scene/plan": {about: "api.scene.plan", in: scene{}, out: checked{}},
		"GET /api/v1/config":                   {about: "api.config", out: configView{}},
		"PUT /api/v1/config":                   {about: "api.config.put", in: saveRequest{}, out: revision.Revision{}},
		"POST /api/v1/config/check":            {about: "api.config.check", in: checkRequest{}, out: checked{}},
		"GET /api/v1/config/trial":             {about: "api.trial", out: trialView{}},
		"POST /api/v1/config/trial":            {about: "api.trial.end", in: trialEnd{}, out: done{}},
		"GET /api/v1/config/history":           {about: "api.history", out: []revision.Revision{}},
		"GET /api/v1/config/history/{id}":      {about: "api.revision", out: checked{}},
		"GET /api/v1/settings":                 {about: "api.settings", out: settings{}},
		"POST /api/v1/settings/plan":           {about: "api.settings.plan", in: settings{}, out: checked{}},
		"POST /api/v1/uplink/certificates":     {about: "api.certificates", in: certificateRequest{}, out: certificateView{}},
		"POST /api/v1/uplink/test":             {about: "api.test", out: testView{}},
		"GET /api/v1/uplink/test/{id}":         {about: "api.test.get", out: testView{}},
		"GET /api/v1/logs": {about: "api.logs", out: logView{}, query: []apidoc.Param{
			{Name: "level", About: "debug, info, warn or error: the least"}, {Name: "text", About: "contained in the line"}, {Name: "part", About: "of the program"},
			{Name: "since", About: "RFC 3339: not older"}, {Name: "until", About: "RFC 3339: not newer"}, {Name: "after", About: "lines with a greater number", Number: true},
		}},
	}
	maps.Copy(all, accountOperations())
	maps.Copy(all, tryOperations())
	maps.Copy(all, findOperations())
	maps.Copy(all, careOperations())
	maps.Copy(all, fieldOperations())
	return all
}

func careOperations() map[string]operation {
	const file = "application/octet-stream"
	return map[string]operation{
		"POST /api/v1/backup":       {about: "api.backup", in: backup.Options{}, outMedia: file},
		"POST /api/v1/support":      {about: "api.support", outMedia: "application/zip"},
		"PUT /api/v1/restore/file":  {about: "api.restore.file", inMedia: file, out: restoring{}},
		"POST /api/v1/restore/look": {about: "api.restore.look", in: backup.Wish{}, out: insideView{}},
		"POST /api/v1/restore":      {about: "api.restore", in: backup.Wish{}, out: insideView{}},
		"GET /api/v1/restore":       {about: "api.restore.get", out: restoring{}},
		"POST /api/v1/restore/undo": {about: "api.restore.undo", out: undoView{}},
		"PUT /api/v1/update/file":   {about: "api.update.file", inMedia: file, out: updateView{}},
		"POST /api/v1/update":       {about: "api.update", in: updateWish{}, out: updateView{}},
		"GET /api/v1/update":        {about: "api.update.get", out: updateView{}},
	}
}

func tryOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/cameras/{id}/held":           {about: "api.held", out: heldView{}},
		"POST /api/v1/cameras/{id}/try":           {about: "api.try", in: scene{}, out: tryView{}},
		"GET /api/v1/tries/{try}":                 {about: "api.try.get", out: tryView{}},
		"DELETE /api/v1/tries/{try}":              {about: "api.try.stop", out: done{}},
		"GET /api/v1/tries/{try}/picture/{event}": {about: "api.try.picture", outMedia: "image/jpeg"},
		"GET /api/v1/tries/{try}/clip/{at}":       {about: "api.try.clip", outMedia: "video/mp4"},
	}
}

func fieldOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/sensors":        {about: "api.sensors", out: estateView{}},
		"GET /api/v1/sensors/events": {about: "api.sensors.events", outMedia: "text/event-stream"},
		"GET /api/v1/sensors/heard": {about: "api.sensors.heard", outMedia: "text/event-stream", query: []apidoc.Param{
			{Name: "bus", About: "what comes by it"}, {Name: "sensor", About: "what it says"},
		}},
		"GET /api/v1/sensors/forms":           {about: "api.sensors.forms", out: forms{}},
		"GET /api/v1/profiles":                {about: "api.profiles", out: profileList{}},
		"GET /api/v1/ports":                   {about: "api.ports", out: portList{}},
		"POST /api/v1/buses/search":           {about: "api.buses.search", in: searchRequest{}, outMedia: "application/x-ndjson"},
		"POST /api/v1/buses/plan":             {about: "api.buses.plan", in: busChange{}, out: checked{}},
		"POST /api/v1/sensors/plan":           {about: "api.sensors.plan", in: sensorChange{}, out: checked{}},
		"POST /api/v1/outputs/plan":           {about: "api.outputs.plan", in: outputChange{}, out: checked{}},
		"POST /api/v1/rules/plan":             {about: "api.rules.plan", in: ruleChange{}, out: checked{}},
		"POST /api/v1/outputs/{id}/try":       {about: "api.outputs.try", in: trySeconds{}, out: done{}},
		"GET /api/v1/radios":                  {about: "api.radios", out: radiosView{}},
		"GET /api/v1/radios/events":           {about: "api.radios.events", outMedia: "text/event-stream"},
		"GET /api/v1/radios/guides":           {about: "api.radios.guides", out: guideList{}},
		"POST /api/v1/radios/plan":            {about: "api.radios.plan", in: radioChange{}, out: checked{}},
		"POST /api/v1/radios/{id}/units/plan": {about: "api.radios.units", in: unitForm{}, out: checked{}},
		"POST /api/v1/areas":                  {about: "api.areas", in: areaView{}, out: done{}},
	}
}

func accountOperations() map[string]operation {
	return map[string]operation{
		"POST /api/v1/me/password":        {about: "api.me.password", in: passwordChange{}, out: done{}},
		"GET /api/v1/me/sessions":         {about: "api.me.sessions", out: []account.Active{}},
		"DELETE /api/v1/me/sessions/{id}": {about: "api.me.sessions.end", out: done{}},
		"GET /api/v1/users":               {about: "api.users", out: []userView{}},
		"POST /api/v1/users":              {about: "api.users.add", in: newUser{}, out: done{}},
		"PATCH /api/v1/users/{name}":      {about: "api.users.change", in: userChange{}, out: done{}},
		"DELETE /api/v1/users/{name}":     {about: "api.users.remove", out: done{}},
		"GET /api/v1/sessions":            {about: "api.sessions", out: []account.Active{}},
		"DELETE /api/v1/sessions/{id}":    {about: "api.sessions.end", out: done{}},
		"GET /api/v1/tokens":              {about: "api.tokens", out: []account.Token{}},
		"POST /api/v1/tokens":             {about: "api.tokens.add", in: newToken{}, out: madeToken{}},
		"DELETE /api/v1/tokens/{id}":      {about: "api.tokens.revoke", out: done{}},
		"GET /api/v1/audit": {about: "api.audit", out: []entryView{}, query: []apidoc.Param{
			{Name: "before", About: "older than the entry of this id", Number: true}, {Name: "who", About: "name"}, {Name: "action", About: "begin of the action"},
		}},
	}
}

// scopeOf returns what a token needs for a route, nothing where none will do.
func scopeOf(rt *route) account.Scope {
	rest, api := strings.CutPrefix(rt.path, "/api/")
	first, _, _ := strings.Cut(strings.TrimPrefix(rest, "v1/"), "/")
	switch {
	case !api || rt.stage != inside || first == "me":
		return ""
	case first == "users" || first == "sessions" || first == "tokens" || first == "audit" || first == "backup" || first == "restore" || first == "support" || first == "update":
		return account.Admin
	}
	return map[account.Role]account.Scope{account.Viewer: account.Read, account.Duty: account.Operate, account.Technician: account.Configure}[rt.least]
}

// described returns the operations of the API in the order of the table of routes.
func described(l text.Lang) (all []apidoc.Operation) {
	known := operations()
	for _, rt := range routes() {
		if !strings.HasPrefix(rt.path, "/api/") {
			continue
		}
		op := known[rt.method+" "+rt.path]
		tag, _, _ := strings.Cut(strings.TrimPrefix(rt.path, "/api/v1/"), "/")
		about := string(op.about)
		if op.about != "" {
			about = text.T(l, op.about)
		}
		all = append(all, apidoc.Operation{
			Method: rt.method, Path: rt.path, Summary: about, Tag: strings.TrimPrefix(tag, "/api"), Scope: string(scopeOf(&rt)), Query: op.query,
			In: op.in, Out: op.out, InMedia: op.inMedia, OutMedia: op.outMedia,
		})
	}
	return all
}

// document is the OpenAPI document, in English.
func document() ([]byte, error) {
	return apidoc.Build(apidoc.Info{
		Title: "Sentrybox", Version: "1", About: text.T(text.English, "api.about"), Error: errorBody{},
	}, described(text.English))
}

func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	doc, err := document()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(doc) // nobody is left to tell
}

// apiGroup is the operations of a part, for people.
type apiGroup struct {
	Tag  string
	Name string
	All  []apiLine
}

type apiLine struct {
	apidoc.Operation
	Reads, Writes string
}

func (s *Server) apiPage(w http.ResponseWriter, r *http.Request) {
	var groups []apiGroup
	l := from(r).lang
	for _, op := range described(l) {
		at := slices.IndexFunc(groups, func(g apiGroup) bool { return g.Tag == op.Tag })
		if at < 0 {
			at = len(groups)
			groups = append(groups, apiGroup{Tag: op.Tag, Name: text.T(l, text.Key("api.group."+op.Tag))})
		}
		line := apiLine{Operation: op, Reads: op.InMedia, Writes: op.OutMedia}
		if op.In != nil {
			line.Reads = apidoc.Names(op.In)
		}
		if op.Out != nil {
			line.Writes = apidoc.Names(op.Out)
		}
		groups[at].All = append(groups[at].All, line)
	}
	s.show(w, r, http.StatusOK, "api", groups)
}
