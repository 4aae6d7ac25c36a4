package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"sentrybox/gateway/pages"
	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
)

// stage is when a route answers.
type stage int

const (
	inside stage = iota // to who is signed in
	door                // to everybody, once the first password is set: signing in
	setup               // to everybody, until then: setting it
	always              // style sheets and scripts, the same in every box
)

// route is something that answers.
type route struct {
	method, path string
	stage        stage
	least        account.Role // of inside
	handle       func(*Server, http.ResponseWriter, *http.Request)
}

func (rt *route) public() bool { return rt.stage == always }

// routes is all that answers.
func routes() []route {
	const v, d, t = account.Viewer, account.Duty, account.Technician
	return []route{
		{"GET", "/assets/{name}", always, "", (*Server).asset},
		{"GET", "/setup", setup, "", (*Server).setupPage},
		{"POST", "/setup", setup, "", (*Server).claim},
		{"GET", "/signin", door, "", (*Server).signInPage},
		{"POST", "/signin", door, "", (*Server).signIn},
		{"POST", "/signout", inside, v, (*Server).signOut},

		{"GET", "/{$}", inside, v, page("overview")},
		{"GET", "/cameras", inside, t, page("cameras")},
		{"GET", "/sensors", inside, v, (*Server).sensorsPage},
		{"GET", "/radios", inside, v, (*Server).radiosPage},
		{"GET", "/config", inside, t, page("config")},
		{"GET", "/me", inside, v, page("me")},
		{"GET", "/users", inside, t, page("users")},
		{"GET", "/audit", inside, t, page("audit")},
		{"GET", "/logs", inside, t, page("logs")},
		{"GET", "/api/v1/logs", inside, t, answer((*Server).listLogs)},
		{"GET", "/authority.crt", inside, v, (*Server).authority},

		{"GET", "/api/v1/overview", inside, v, answer((*Server).overview)},
		{"GET", "/api/v1/events", inside, v, (*Server).events},
		{"POST", "/api/v1/alerts/{id}/answer", inside, d, answer((*Server).answerAlert)},
		{"GET", "/api/v1/alerts/{id}/picture", inside, v, (*Server).picture},
		{"GET", "/api/v1/cameras", inside, t, care((*Server).listCameras)},
		{"POST", "/api/v1/cameras/plan", inside, t, care((*Server).planCamera)},
		{"POST", "/api/v1/cameras/probe", inside, t, care((*Server).probeCamera)},
		{"GET", "/cameras/add", inside, t, page("add")},
		{"GET", "/api/v1/find", inside, t, care((*Server).getFound)},
		{"POST", "/api/v1/find/search", inside, t, care((*Server).startSearch)},
		{"POST", "/api/v1/find/scan", inside, t, care((*Server).startScan)},
		{"POST", "/api/v1/find/look", inside, t, care((*Server).startLook)},
		{"POST", "/api/v1/find/signin", inside, t, care((*Server).startSignIn)},
		{"POST", "/api/v1/find/stop", inside, t, care((*Server).stopSearch)},
		{"POST", "/api/v1/find/plan", inside, t, care((*Server).planFound)},
		{"PATCH", "/api/v1/find/devices/{address}", inside, t, care((*Server).changeFound)},
		{"GET", "/api/v1/find/devices/{address}/{channel}/picture", inside, t, (*Server).foundPicture},
		{"GET", "/api/v1/sensors", inside, v, answer((*Server).listSensors)},
		{"GET", "/api/v1/sensors/events", inside, v, (*Server).sensorEvents},
		{"GET", "/api/v1/sensors/heard", inside, t, (*Server).sensorHeard},
		{"GET", "/api/v1/sensors/forms", inside, t, care((*Server).getForms)},
		{"GET", "/api/v1/profiles", inside, t, answer((*Server).listProfiles)},
		{"GET", "/api/v1/ports", inside, t, answer((*Server).listPorts)},
		{"POST", "/api/v1/buses/search", inside, t, (*Server).searchDevices},
		{"POST", "/api/v1/buses/plan", inside, t, care(planItem[busForm]("buses"))},
		{"POST", "/api/v1/sensors/plan", inside, t, care(planItem[sensorForm]("sensors"))},
		{"POST", "/api/v1/outputs/plan", inside, t, care(planItem[outputForm]("outputs"))},
		{"POST", "/api/v1/rules/plan", inside, t, care(planItem[ruleForm]("rules"))},
		{"POST", "/api/v1/outputs/{id}/try", inside, t, answer((*Server).tryOutput)},
		{"GET", "/api/v1/radios", inside, v, answer((*Server).listRadios)},
		{"GET", "/api/v1/radios/events", inside, v, (*Server).radioEvents},
		{"GET", "/api/v1/radios/guides", inside, t, answer((*Server).listGuides)},
		{"POST", "/api/v1/radios/plan", inside, t, care((*Server).planRadio)},
		{"POST", "/api/v1/radios/{id}/units/plan", inside, t, care((*Server).planUnit)},
		{"POST", "/api/v1/areas", inside, t, answer((*Server).armArea)},
		{"GET", "/api/v1/config", inside, t, care((*Server).getConfig)},
		{"PUT", "/api/v1/config", inside, t, care((*Server).putConfig)},
		{"POST", "/api/v1/config/check", inside, t, care((*Server).checkConfig)},
		{"GET", "/api/v1/config/trial", inside, t, care((*Server).getTrial)},
		{"POST", "/api/v1/config/trial", inside, t, care((*Server).endTrial)},
		{"GET", "/api/v1/config/history", inside, t, care((*Server).listRevisions)},
		{"GET", "/api/v1/config/history/{id}", inside, t, care((*Server).getRevision)},
		{"GET", "/api/v1/cameras/{id}/live", inside, v, (*Server).live},
		{"GET", "/api/v1/cameras/{id}/still", inside, v, (*Server).still},
		{"GET", "/api/v1/cameras/{id}/seen", inside, v, (*Server).see},
		{"GET", "/api/v1/cameras/{id}/scene", inside, v, answer((*Server).getScene)},
		{"POST", "/api/v1/cameras/{id}/scene/plan", inside, t, care((*Server).planScene)},
		{"GET", "/api/v1/cameras/{id}/held", inside, t, answer((*Server).getHeld)},
		{"POST", "/api/v1/cameras/{id}/try", inside, t, care((*Server).beginTry)},
		{"GET", "/api/v1/tries/{try}", inside, t, answer((*Server).getTry)},
		{"DELETE", "/api/v1/tries/{try}", inside, t, answer((*Server).stopTry)},
		{"GET", "/api/v1/tries/{try}/picture/{event}", inside, t, (*Server).tryPicture},
		{"GET", "/api/v1/tries/{try}/clip/{at}", inside, t, (*Server).tryClip},
		{"GET", "/camera/{id}", inside, v, (*Server).cameraPage},
		{"GET", "/settings", inside, t, page("settings")},
		{"GET", "/api/v1/settings", inside, t, care((*Server).getSettings)},
		{"POST", "/api/v1/settings/plan", inside, t, care((*Server).planSettings)},
		{"POST", "/api/v1/uplink/certificates", inside, t, care((*Server).keepCertificate)},
		{"POST", "/api/v1/uplink/test", inside, t, answer((*Server).startTest)},
		{"GET", "/api/v1/uplink/test/{id}", inside, t, answer((*Server).getTest)},
		{"POST", "/api/v1/me/password", inside, v, answer((*Server).ownPassword)},
		{"GET", "/api/v1/users", inside, t, answer((*Server).listUsers)},
		{"POST", "/api/v1/users", inside, t, answer((*Server).addUser)},
		{"PATCH", "/api/v1/users/{name}", inside, t, answer((*Server).changeUser)},
		{"DELETE", "/api/v1/users/{name}", inside, t, answer((*Server).removeUser)},
		{"GET", "/api/v1/audit", inside, t, answer((*Server).listAudit)},
		{"GET", "/api/v1/me/sessions", inside, v, answer((*Server).ownSessions)},
		{"DELETE", "/api/v1/me/sessions/{id}", inside, v, answer((*Server).endOwnSession)},
		{"GET", "/api/v1/sessions", inside, t, answer((*Server).listSessions)},
		{"DELETE", "/api/v1/sessions/{id}", inside, t, answer((*Server).endSession)},
		{"GET", "/api/v1/tokens", inside, t, answer((*Server).listTokens)},
		{"POST", "/api/v1/tokens", inside, t, answer((*Server).addToken)},
		{"DELETE", "/api/v1/tokens/{id}", inside, t, answer((*Server).revokeToken)},
		{"GET", "/api/openapi.json", inside, v, (*Server).openAPI},
		{"GET", "/api", inside, t, (*Server).apiPage},
		{"GET", "/care", inside, t, page("care")},
		{"POST", "/backup", inside, t, vault((*Server).makeBackup)}, // of a page, which keeps the answer as a file
		{"POST", "/support", inside, t, (*Server).supportBundle},
		{"POST", "/api/v1/backup", inside, t, vault((*Server).makeBackup)},
		{"POST", "/api/v1/support", inside, t, (*Server).supportBundle},
		{"PUT", "/api/v1/restore/file", inside, t, vault((*Server).uploadFile)},
		{"POST", "/api/v1/restore/look", inside, t, vault(answer((*Server).lookInto))},
		{"POST", "/api/v1/restore", inside, t, vault((*Server).restoreSite)},
		{"GET", "/api/v1/restore", inside, t, vault(answer((*Server).getRestoring))},
		{"POST", "/api/v1/restore/undo", inside, t, vault((*Server).undoRestore)},
		{"PUT", "/api/v1/update/file", inside, t, updates((*Server).uploadUpdate)},
		{"POST", "/api/v1/update", inside, t, updates(answer((*Server).handUpdate))},
		{"GET", "/api/v1/update", inside, t, updates(answer((*Server).getUpdate))},
		{"PUT", "/setup/restore/file", setup, "", atSetup((*Server).uploadFile)},
		{"POST", "/setup/restore/look", setup, "", atSetup(answer((*Server).lookInto))},
		{"POST", "/setup/restore", setup, "", atSetup((*Server).restoreSite)},
		{"GET", "/setup/restore", setup, "", atSetup(answer((*Server).getRestoring))},
	}
}

// answer makes a handler of a function whose result is written as JSON.
func answer(fn func(*Server, *http.Request) (any, error)) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		got, err := fn(s, r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		pages.WriteJSON(w, http.StatusOK, got)
	}
}

// care is answer for what needs a configuration file.
func care(fn func(*Server, *http.Request) (any, error)) func(*Server, http.ResponseWriter, *http.Request) {
	return answer(func(s *Server, r *http.Request) (any, error) {
		if s.Care == nil {
			return nil, problem(http.StatusNotFound, "web.error.nofile")
		}
		return fn(s, r)
	})
}

// read decodes the body of a request, which guard has bounded, strictly.
func read(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		err = problem(http.StatusBadRequest, "web.error.json")
	}
	return err
}

// errorBody is how the API says what went wrong.
type errorBody struct {
	Error struct {
		Code text.Key `json:"code"`
		Text string   `json:"text"`
	} `json:"error"`
	Problems []problemView `json:"problems,omitempty"` // of a configuration
}

// fail answers with an error: JSON to a program, a page to a person.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f, q := s.failureOf(r, err), from(r)
	if isAPI(r) {
		var body errorBody
		body.Error.Code, body.Error.Text = f.key, text.T(q.lang, f.key, f.args...)
		body.Problems = problemViews(err, q.lang)
		pages.WriteJSON(w, f.status, body)
		return
	}
	s.show(w, r, f.status, "error", text.T(q.lang, f.key, f.args...))
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, problem(http.StatusNotFound, "web.error.missing"))
}
