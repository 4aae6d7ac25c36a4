package revision

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// ErrByHand means that a file is written in a way that is only changed by hand: as
// YAML.
var ErrByHand = errors.New("the configuration is written in a way that a form cannot change")

// Fields is a camera, or the like, as its mapping in the file: what stands there, variables and
// all, in order.
type Fields yaml.MapSlice

// Get returns the value of a key, nil if it is not there.
func (f Fields) Get(key string) any {
	for _, item := range f {
		if item.Key == key {
			return item.Value
		}
	}
	return nil
}

// Text returns the text of a key, as it stands in the file.
func (f Fields) Text(key string) string {
	switch v := f.Get(key).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Set gives a key a value, and takes it out where that is nil or an empty text.
func (f Fields) Set(key string, value any) Fields {
	i := slices.IndexFunc(f, func(item yaml.MapItem) bool { return item.Key == key })
	none := value == nil || value == ""
	switch {
	case none && i >= 0:
		return slices.Delete(slices.Clone(f), i, i+1)
	case none:
		return f
	case i >= 0:
		f = slices.Clone(f)
		f[i].Value = value
		return f
	}
	return append(slices.Clone(f), yaml.MapItem{Key: key, Value: value})
}

// block is where the entries of a list stand in the text: lines are from 0.
type block struct {
	lines   []string
	key     int   // of the list's key, -1 if there is none
	first   int   // of the entries
	end     int   // behind the last entry
	entries []int // where each begins
	indent  int   // of the dashes
}

// Cameras returns the cameras of a file, in order.
func Cameras(body []byte) ([]Fields, error) { return Items(body, "cameras") }

// Items returns the entries of a list of the outermost level, in order.
func Items(body []byte, list string) ([]Fields, error) {
	b, err := find(body, list)
	if err != nil {
		return nil, err
	}
	all := make([]Fields, len(b.entries))
	for i := range b.entries {
		if all[i], err = b.read(i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Put returns the file with a camera in the place of the one with the id old, or
// as a new one if old is empty; a nil camera takes it out. Only the lines of that camera
// are written anew.
func Put(body []byte, old string, camera Fields) ([]byte, error) {
	return PutItem(body, "cameras", old, camera)
}

// PutItem is Put for an entry of another list of the outermost level.
func PutItem(body []byte, list, old string, item Fields) ([]byte, error) {
	b, err := find(body, list)
	if err != nil {
		return nil, err
	}
	at := -1
	for i := range b.entries {
		f, err := b.read(i)
		if err != nil {
			return nil, err
		}
		if f.Text("id") == old && old != "" {
			at = i
		}
	}
	if at < 0 && old != "" {
		return nil, ErrUnknown
	}
	var text []string
	if item != nil {
		if text, err = write(item, b.indent); err != nil {
			return nil, err
		}
	}
	from, to := b.end, b.end
	if at >= 0 {
		from, to = b.entries[at], b.stop(at)
	}
	switch {
	case b.key < 0:
		text = append([]string{list + ":"}, text...)
		from, to = len(b.lines), len(b.lines)
	case len(b.entries) == 0:
		text = append([]string{list + ":"}, text...)
		from, to = b.key, b.key+1
	case at >= 0 && item == nil && len(b.entries) == 1:
		text = []string{list + ": []"}
		from = b.key
	}
	out := slices.Concat(b.lines[:from], text, b.lines[to:])
	return []byte(strings.Join(out, "\n") + "\n"), nil
}

// find parses the file and looks for the entries of the list.
func find(body []byte, list string) (*block, error) {
	b := &block{lines: lines(body), key: -1, indent: 2}
	file, err := parser.ParseBytes(body, parser.ParseComments)
	if err != nil || len(file.Docs) != 1 {
		return nil, ErrByHand
	}
	root, ok := file.Docs[0].Body.(*ast.MappingNode)
	if !ok || root.IsFlowStyle {
		return nil, ErrByHand
	}
	for _, v := range root.Values {
		if v.Key.GetToken().Value != list {
			continue
		}
		b.key = v.Key.GetToken().Position.Line - 1
		switch seq := v.Value.(type) {
		case *ast.NullNode:
			return b, nil
		case *ast.SequenceNode:
			if len(seq.Values) == 0 && seq.Start.Position.Line-1 == b.key {
				return b, nil
			}
			if seq.IsFlowStyle {
				return nil, ErrByHand
			}
			b.indent = seq.Start.Position.Column - 1
			return b, b.walk()
		default:
			return nil, ErrByHand
		}
	}
	return b, nil
}

// walk finds the lines of the entries below the key.
func (b *block) walk() error {
	b.first = b.key + 1
	b.end = len(b.lines)
	for i := b.first; i < len(b.lines); i++ {
		l := b.lines[i]
		rest := strings.TrimLeft(l, " ")
		if rest == "" || rest[0] == '#' {
			continue
		}
		indent := len(l) - len(rest)
		dash := rest == "-" || strings.HasPrefix(rest, "- ")
		if indent < b.indent || indent == b.indent && !dash {
			b.end = i
			break
		}
		if indent == b.indent {
			b.entries = append(b.entries, i)
		}
	}
	if len(b.entries) == 0 {
		return ErrByHand
	}
	b.end = b.stop(len(b.entries) - 1)
	return nil
}

// stop returns the line behind an entry: comments and empty lines before the next
// belong to that.
func (b *block) stop(i int) int {
	end := b.end
	if i+1 < len(b.entries) {
		end = b.entries[i+1]
	}
	for end > b.entries[i]+1 {
		rest := strings.TrimSpace(b.lines[end-1])
		if rest != "" && rest[0] != '#' {
			break
		}
		end--
	}
	return end
}

// read decodes an entry on its own.
func (b *block) read(i int) (Fields, error) {
	var text strings.Builder
	for n, l := range b.lines[b.entries[i]:b.stop(i)] {
		if n == 0 {
			l = strings.Replace(l, "-", " ", 1)
		}
		text.WriteString(l + "\n")
	}
	var f yaml.MapSlice
	if err := yaml.UnmarshalWithOptions([]byte(text.String()), &f, yaml.UseOrderedMap()); err != nil {
		return nil, ErrByHand // an alias of elsewhere, for one
	}
	return Fields(f), nil
}

// write writes a camera as an entry.
func write(f Fields, indent int) ([]string, error) {
	pad := strings.Repeat(" ", indent)
	out, err := mapping(f, pad+"  ")
	if err != nil {
		return nil, err
	}
	out[0] = pad + "- " + out[0][indent+2:]
	return out, nil
}

// mapping writes a mapping: what has parts with names as a block, what is within them in
// one line each.
func mapping(f Fields, pad string) (out []string, err error) {
	for _, item := range f {
		key, err := flow(item.Key)
		if err != nil {
			return nil, err
		}
		parts, err := inner(item.Value, pad+"  ")
		if err != nil {
			return nil, err
		}
		if len(parts) > 0 {
			out = append(append(out, pad+key+":"), parts...)
			continue
		}
		value, err := flow(item.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, pad+key+": "+value)
	}
	if len(out) == 0 {
		return nil, ErrByHand
	}
	return out, nil
}

// inner writes the parts of a value a line each, or none if the value is one line.
func inner(v any, pad string) (out []string, err error) {
	add := func(before string, v any) error {
		text, err := flow(v)
		out = append(out, pad+before+text)
		return err
	}
	switch v := v.(type) {
	case yaml.MapSlice:
		for _, item := range v {
			name, err := flow(item.Key)
			if err != nil {
				return nil, err
			}
			if err := add(name+": ", item.Value); err != nil {
				return nil, err
			}
		}
	case []any:
		if !mappings(v) {
			return nil, nil
		}
		for _, e := range v {
			if err := add("- ", e); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func mappings(v []any) bool {
	return !slices.ContainsFunc(v, func(e any) bool { _, ok := e.(yaml.MapSlice); return !ok })
}

// plain is a text that YAML takes for one without quotes, in every place.
var plain = regexp.MustCompile(`^[\pL_][\pL\pN_-]*$`)

func isWord(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "nan", "inf":
		return false
	}
	return plain.MatchString(s)
}

// flow writes a value in one line (YAML 1.2.2, chapter 7).
func flow(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case string:
		if isWord(v) {
			return v, nil
		}
		return strconv.Quote(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int, int64, uint64:
		return fmt.Sprint(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", ErrByHand
		}
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			var err error
			if parts[i], err = flow(e); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case yaml.MapSlice:
		parts := make([]string, len(v))
		for i, e := range v {
			key, err := flow(e.Key)
			if err != nil {
				return "", err
			}
			value, err := flow(e.Value)
			if err != nil {
				return "", err
			}
			parts[i] = key + ": " + value
		}
		return "{" + strings.Join(parts, ", ") + "}", nil
	}
	return "", ErrByHand
}
