package revision

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// section finds the lines of a key of the outermost mapping: from 0, the second behind
// the last. They are -1 if the key is not there.
func section(body []byte, key string) (all []string, from, to int, err error) {
	all = lines(body)
	file, err := parser.ParseBytes(body, parser.ParseComments)
	if err != nil || len(file.Docs) != 1 {
		return nil, 0, 0, ErrByHand
	}
	root, ok := file.Docs[0].Body.(*ast.MappingNode)
	if !ok || root.IsFlowStyle {
		return nil, 0, 0, ErrByHand
	}
	from, to = -1, len(all)
	for _, v := range root.Values {
		p := v.Key.GetToken().Position
		if p.Column != 1 {
			return nil, 0, 0, ErrByHand
		}
		switch {
		case v.Key.GetToken().Value == key:
			from = p.Line - 1
		case from >= 0 && to == len(all):
			to = p.Line - 1
		}
	}
	if from < 0 {
		return all, -1, -1, nil
	}
	for to > from+1 { // comments before the next key belong to that
		rest := strings.TrimSpace(all[to-1])
		if rest != "" && rest[0] != '#' {
			break
		}
		to--
	}
	return all, from, to, nil
}

// Section returns a mapping of the outermost level as it stands in the file, nothing if
// it is not there.
func Section(body []byte, key string) (Fields, error) {
	all, from, to, err := section(body, key)
	if err != nil || from < 0 {
		return nil, err
	}
	var whole yaml.MapSlice
	text := strings.Join(all[from:to], "\n") + "\n"
	if err := yaml.UnmarshalWithOptions([]byte(text), &whole, yaml.UseOrderedMap()); err != nil || len(whole) != 1 {
		return nil, ErrByHand
	}
	switch v := whole[0].Value.(type) {
	case nil:
		return nil, nil
	case yaml.MapSlice:
		return Fields(v), nil
	}
	return nil, ErrByHand
}

// PutSection returns the file with a mapping of the outermost level written anew.
func PutSection(body []byte, key string, f Fields) ([]byte, error) {
	all, from, to, err := section(body, key)
	if err != nil {
		return nil, err
	}
	text, err := mapping(f, "  ")
	if err != nil {
		return nil, err
	}
	text = append([]string{key + ":"}, text...)
	if from < 0 {
		from, to = len(all), len(all)
	}
	return []byte(strings.Join(slices.Concat(all[:from], text, all[to:]), "\n") + "\n"), nil
}

// PutText returns the file with a key of the outermost level that has the text value.
func PutText(body []byte, key, value string) ([]byte, error) {
	all, from, to, err := section(body, key)
	if err != nil {
		return nil, err
	}
	text, err := mapping(Fields{{Key: key, Value: value}}, "")
	if err != nil {
		return nil, err
	}
	if from < 0 {
		from, to = len(all), len(all)
	}
	return []byte(strings.Join(slices.Concat(all[:from], text, all[to:]), "\n") + "\n"), nil
}
