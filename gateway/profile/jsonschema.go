package profile

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"sentrybox/drivers/uart"
	"sentrybox/gateway/strict"
)

// Schema returns the JSON schema (draft 2020-12) of profiles, for editors. Parse
// checks much more than a schema can say.
func Schema() ([]byte, error) {
	g := generator{defs: map[string]any{}}
	root := g.object(reflect.TypeFor[Profile]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Sentrybox sensor profile"
	root["required"] = []string{"format", "id", "name", "source", "messages", "examples"}
	root["$defs"] = g.defs
	return json.MarshalIndent(root, "", "  ")
}

type generator struct{ defs map[string]any }

// object returns the schema of a struct.
func (g *generator) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		s := g.of(f.Type)
		if values := enums(t.Name() + "." + key); values != nil {
			s["enum"] = values
		}
		if doc := f.Tag.Get("doc"); doc != "" {
			s["description"] = doc
		}
		properties[key] = s
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

// of returns the schema of a type, a reference for one of our structs.
func (g *generator) of(t reflect.Type) map[string]any {
	number := []string{"integer", "string"} // 0x1F is a text to JSON
	switch t {
	case reflect.TypeFor[Words]():
		return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, g.ref(t)}}
	case reflect.TypeFor[Int]():
		return map[string]any{"type": number}
	case reflect.TypeFor[Float]():
		return map[string]any{"type": []string{"number", "string"}}
	case reflect.TypeFor[Scalar]():
		return map[string]any{"type": []string{"number", "string", "boolean"}}
	case reflect.TypeFor[Range]():
		return map[string]any{"type": "array", "items": map[string]any{"type": "number"}, "minItems": 2, "maxItems": 2}
	case reflect.TypeFor[Bits]():
		return map[string]any{"type": number}
	case reflect.TypeFor[Bytes](), reflect.TypeFor[Pattern]():
		return map[string]any{"type": number, "description": "hexadecimal digits, and texts in single quotes"}
	case reflect.TypeFor[Order]():
		return map[string]any{"type": "string"}
	case reflect.TypeFor[strict.Duration]():
		return map[string]any{"type": "string", "pattern": "^[0-9.]+(ms|s|m|h)([0-9.]+(ms|s|m|h))*$"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.Struct:
		return g.ref(t)
	case reflect.Slice:
		one := g.of(t.Elem())
		return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one}}}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": g.of(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.String:
		return map[string]any{"type": []string{"string", "number"}}
	}
	panic(fmt.Sprintf("no schema of %v", t))
}

func (g *generator) ref(t reflect.Type) map[string]any {
	name := strings.ToLower(t.Name())
	if _, done := g.defs[name]; !done {
		g.defs[name] = nil // parts of a field are fields
		g.defs[name] = g.object(t)
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

// enums returns the values that a key can have, if it is one of a few.
func enums(key string) []string {
	switch key {
	case "Alert.kind":
		return Kinds()
	case "Checksum.type":
		var all []string
		for _, k := range uart.Kinds() {
			all = append(all, string(k))
		}
		return all
	case "Checksum.negate":
		return []string{"ones", "twos"}
	case "Field.order", "Item.order", "Message.order", "Profile.order":
		return []string{"big", "little", "word_swap", "byte_swap", "ABCD", "DCBA", "CDAB", "BADC", "AB", "BA"}
	case "Field.sign":
		return []string{"twos", "magnitude", "ones"}
	case "Field.type":
		return fieldTypes()
	case "Message.form":
		return []string{"bytes", "text", "json", "object"}
	case "Items.unknown":
		return []string{"stop", "skip", "error"}
	case "Transform.do":
		return transforms()
	case "Line.parity":
		return []string{"none", "even", "odd"}
	case "LoRa.module":
		return []string{"e22", "e32", "rak3172"}
	case "LoRa.frame":
		return []string{"sentrybox", "raw"}
	case "LoRaWAN.class":
		return []string{"A", "B", "C"}
	case "GPIO.pull":
		return []string{"up", "down", "none"}
	}
	return nil
}
