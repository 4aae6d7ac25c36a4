// Package apidoc writes an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0) of
// operations that name the Go types which they read and write.
package apidoc

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
)

// Operation is one method of one path.
type Operation struct {
	Method, Path string // the path as net/http has it, with {name}
	Summary      string
	Tag          string
	// Scope is what a token needs, empty where none will do. Open needs no session.
	Scope string
	Open  bool
	Query []Param
	// In and Out are values of the types that are read and written as JSON, nil for
	// none. InMedia and OutMedia stand in place of JSON.
	In, Out           any
	InMedia, OutMedia string
	// Empty may be answered with nothing, as 204.
	Status int // of what goes well; 200 when 0
}

// Param is a parameter of the query.
type Param struct {
	Name, About string
	Number      bool
}

// Info is what the document says of itself.
type Info struct {
	Title, Version, About string
	Error                 any // a value of the type that every error is answered as
}

type object map[string]any

var wildcard = regexp.MustCompile(`\{([a-z]+)(?:\.\.\.)?\}`)

// Build writes the document, indented, with its keys in order.
func Build(info Info, all []Operation) ([]byte, error) {
	s := &schemas{known: object{}, names: map[reflect.Type]string{}}
	paths := map[string]object{}
	for _, op := range all {
		path := strings.ReplaceAll(op.Path, "...", "")
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(op.Method)] = s.operation(op, info)
	}
	doc := object{
		"openapi": "3.1.0",
		"info":    object{"title": info.Title, "version": info.Version, "description": info.About},
		"paths":   paths,
		"components": object{
			"schemas": s.known,
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "A token from the page, sbx_…"},
				"session": object{"type": "apiKey", "in": "cookie", "name": "__Host-sentrybox", "description": "A browser's session; every change needs X-CSRF-Token. Over plain HTTP the cookie is called sentrybox."},
			},
		},
	}
	out, err := json.MarshalIndent(doc, "", "  ")
	return append(out, '\n'), err
}

func (s *schemas) operation(op Operation, info Info) object {
	o := object{"summary": op.Summary, "tags": []string{op.Tag}, "operationId": id(op)}
	var params []object
	for _, m := range wildcard.FindAllStringSubmatch(op.Path, -1) {
		params = append(params, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range op.Query {
		kind := "string"
		if q.Number {
			kind = "integer"
		}
		params = append(params, object{"name": q.Name, "in": "query", "description": q.About, "schema": object{"type": kind}})
	}
	if len(params) > 0 {
		o["parameters"] = params
	}
	switch {
	case op.InMedia != "":
		o["requestBody"] = object{"required": true, "content": object{op.InMedia: object{"schema": object{}}}}
	case op.In != nil:
		o["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.in(reflect.TypeOf(op.In))}}}
	}
	security := []object{{"session": []string{}}}
	if op.Scope != "" {
		security = append(security, object{"token": []string{}})
		o["description"] = "Scope: " + op.Scope
	}
	if op.Open {
		security = []object{}
	}
	o["security"] = security
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	good := object{"description": http.StatusText(status)}
	switch {
	case op.OutMedia != "":
		good["content"] = object{op.OutMedia: object{"schema": object{}}}
	case op.Out != nil:
		good["content"] = object{"application/json": object{"schema": s.out(reflect.TypeOf(op.Out))}}
	}
	failed := object{"description": "What went wrong, for programs and for people", "content": object{"application/json": object{"schema": s.out(reflect.TypeOf(info.Error))}}}
	o["responses"] = object{statusText(status): good, "default": failed}
	return o
}

func statusText(status int) string {
	b, _ := json.Marshal(status) // does not fail: a number
	return string(b)
}

// id is a name for generated programs: getCamerasIdScene.
func id(op Operation) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(op.Method))
	for _, part := range strings.FieldsFunc(strings.TrimPrefix(op.Path, "/api/v1"), func(r rune) bool { return strings.ContainsRune("/{}._-", r) }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
