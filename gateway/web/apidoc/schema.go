package apidoc

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Enum is a type whose values are listed.
type Enum interface{ Values() []string }

// schemas makes JSON Schemas (draft 2020-12) of Go types as package encoding/json
// writes them. Structs with a name become components.
type schemas struct {
	known object
	names map[reflect.Type]string
}

// out is the schema of what is written: it has every field that is not left out when
// empty, and none that it does not name.
func (s *schemas) out(t reflect.Type) object { return s.schema(t, true) }

// in is the schema of what is read: no field is required, and unknown ones are refused.
func (s *schemas) in(t reflect.Type) object { return s.schema(t, false) }

func (s *schemas) schema(t reflect.Type, out bool) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage](), t.Kind() == reflect.Interface:
		return object{}
	}
	if e, ok := reflect.Zero(t).Interface().(Enum); ok {
		return object{"type": "string", "enum": e.Values()}
	}
	if t.Kind() != reflect.Struct && (t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || t.Implements(reflect.TypeFor[json.Marshaler]())) {
		return object{"type": "string"}
	}
	if t.Kind() == reflect.Struct && t.Implements(reflect.TypeFor[json.Marshaler]()) {
		// Such as a time in a form of its own: its zero value tells what it is written as.
		if b, err := json.Marshal(reflect.Zero(t).Interface()); err == nil && (string(b) == "null" || b[0] == '"') {
			return object{"type": []string{"string", "null"}}
		}
		return object{}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Pointer:
		return object{"anyOf": []object{s.schema(t.Elem(), out), {"type": "null"}}}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": []string{"array", "null"}, "items": s.schema(t.Elem(), out)}
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": s.schema(t.Elem(), out)}
	case reflect.Struct:
		return s.component(t, out)
	}
	return object{}
}

// component returns a reference to a struct's schema.
func (s *schemas) component(t reflect.Type, out bool) object {
	if t.Name() == "" {
		return s.fields(t, out)
	}
	name := s.names[t]
	if name == "" {
		name = strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
		for _, taken := range s.names {
			if taken == name { // of another package
				pkg := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
				name = strings.ToUpper(pkg[:1]) + pkg[1:] + name
			}
		}
		s.names[t] = name
	}
	if !out {
		name += "Request"
	}
	if s.known[name] == nil {
		s.known[name] = object{} // for types that hold themselves
		s.known[name] = s.fields(t, out)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) fields(t reflect.Type, out bool) object {
	properties, required := object{}, []string{}
	s.add(t, out, properties, &required)
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if out && len(required) > 0 {
		o["required"] = required
	}
	return o
}

// add puts a struct's fields in, and those of structs within it that have no name.
func (s *schemas) add(t reflect.Type, out bool, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-":
			continue
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			s.add(f.Type, out, properties, required)
			continue
		case !f.IsExported():
			continue
		case tag == "":
			tag = f.Name
		}
		field := s.schema(f.Type, out)
		if options == "string" {
			field = object{"type": "string"}
		}
		properties[tag] = field
		if !strings.Contains(options, "omit") {
			*required = append(*required, tag)
		}
	}
}

// Names describes the fields of a type in one line, for people.
func Names(v any) string {
	if v == nil {
		return ""
	}
	t := reflect.TypeOf(v)
	return names(t, 0)
}

func names(t reflect.Type, depth int) string {
	switch t.Kind() {
	case reflect.Pointer:
		return names(t.Elem(), depth)
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return "[" + names(t.Elem(), depth) + "]"
		}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return "time"
		}
		if depth > 1 {
			return "{…}"
		}
		s := &schemas{known: object{}, names: map[reflect.Type]string{}}
		var parts []string
		s.each(t, func(name string, ft reflect.Type) {
			if ft.Kind() == reflect.Struct || ft.Kind() == reflect.Slice {
				name += ": " + names(ft, depth+1)
			}
			parts = append(parts, name)
		})
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(t.Kind())
}

// each calls fn with the fields of a struct as JSON names them.
func (s *schemas) each(t reflect.Type, fn func(string, reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-":
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			s.each(f.Type, fn)
		case f.IsExported() && tag == "":
			fn(f.Name, f.Type)
		case f.IsExported():
			fn(tag, f.Type)
		}
	}
}
