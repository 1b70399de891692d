package config

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// strict decodes YAML into v, a pointer to a struct. What it does not know or would have to guess is an *Error with file, line
// and field. It returns where each field stands, by its path (kafka.topic).
func strict(file string, data []byte, v any) (map[string]string, error) {
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxError(file, err)
	}
	d := &decoding{file: file, places: map[string]string{}}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		var found aliasFinder
		ast.Walk(&found, doc.Body)
		if found.node != nil {
			return nil, d.fail(found.node, "", "aliases and anchors are not allowed: write the value out")
		}
	}
	if len(tree.Docs) > 1 {
		return nil, &Error{file, "more than one YAML document: keep one"}
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		return d.places, nil
	}
	return d.places, d.decode(tree.Docs[0].Body, "", reflect.ValueOf(v).Elem())
}

type aliasFinder struct{ node ast.Node }

func (f *aliasFinder) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		if f.node == nil {
			f.node = n
		}
	}
	return f
}

var yamlPlace = regexp.MustCompile(`^\[(\d+):(\d+)\] `)

// syntaxError turns the parser's "[line:column] message\n source" into one line with the file's name.
func syntaxError(file string, err error) error {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	if m := yamlPlace.FindStringSubmatch(text); m != nil {
		return &Error{file + ":" + m[1] + ":" + m[2], strings.TrimPrefix(text, m[0])}
	}
	return &Error{file, text}
}

type decoding struct {
	file   string
	places map[string]string
}

func (d *decoding) place(n ast.Node) string {
	at := n.GetToken().Position
	return fmt.Sprintf("%s:%d:%d", d.file, at.Line, at.Column)
}

func (d *decoding) fail(n ast.Node, path, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if path != "" {
		what = path + ": " + what
	}
	return &Error{d.place(n), what}
}

// texter is a value that reads itself from a scalar.
type texter interface{ UnmarshalText([]byte) error }

func (d *decoding) decode(n ast.Node, path string, to reflect.Value) error {
	if _, ok := n.(*ast.NullNode); ok {
		return nil // as good as left out
	}
	d.places[path] = d.place(n)
	if t, ok := to.Addr().Interface().(texter); ok {
		if err := t.UnmarshalText([]byte(n.GetToken().Value)); err != nil {
			return d.fail(n, path, "%s", err.Error())
		}
		return nil
	}
	switch to.Kind() {
	case reflect.Struct:
		return d.fields(n, path, to)
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return d.decode(n, path, to.Elem())
	case reflect.Map:
		return d.pairs(n, path, to)
	case reflect.Slice:
		return d.list(n, path, to)
	case reflect.Int:
		i, ok := n.(*ast.IntegerNode)
		if !ok {
			return d.fail(n, path, "%q: want a whole number", n.GetToken().Value)
		}
		switch v := i.Value.(type) {
		case int64:
			to.SetInt(v)
		case uint64:
			if v > 1<<62 {
				return d.fail(n, path, "%d is too large", v)
			}
			to.SetInt(int64(v))
		}
		return nil
	case reflect.String:
		text, err := d.text(n, path)
		to.SetString(text)
		return err
	}
	panic("config: no decoder for " + to.Type().String())
}

func (d *decoding) text(n ast.Node, path string) (string, error) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, nil
	case *ast.LiteralNode:
		return s.Value.Value, nil
	case ast.ScalarNode:
		return "", d.fail(n, path, "is not text: write it in quotes, as in %q", n.GetToken().Value)
	}
	return "", d.fail(n, path, "want text, got %s", form(n))
}

func form(n ast.Node) string {
	switch n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "fields"
	}
	return fmt.Sprintf("%q", n.GetToken().Value)
}

// members returns the pairs of a mapping.
func members(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

func (d *decoding) fields(n ast.Node, path string, to reflect.Value) error {
	pairs, ok := members(n)
	if !ok {
		return d.fail(n, path, "want fields (name: value), got %s", form(n))
	}
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		field, known := fieldOf(to, name)
		if !field.IsValid() {
			return d.fail(pair.Key, path, "unknown field %q%s; known are %s", name, didYouMean(name, known), strings.Join(known, ", "))
		}
		if err := d.decode(pair.Value, join(path, name), field); err != nil {
			return err
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fieldOf returns the field that a name stands for, not valid where there is none, and all names there are.
func fieldOf(v reflect.Value, name string) (field reflect.Value, known []string) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("yaml")
		if tag == "" || tag == "-" {
			continue
		}
		if tag == name {
			field = v.Field(i)
		}
		known = append(known, tag)
	}
	sort.Strings(known)
	return field, known
}

func (d *decoding) pairs(n ast.Node, path string, to reflect.Value) error {
	pairs, ok := members(n)
	if !ok {
		return d.fail(n, path, "want pairs (name: value), got %s", form(n))
	}
	all := map[string]string{}
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		text, err := d.text(pair.Value, join(path, name))
		if err != nil {
			return err
		}
		all[name] = text
	}
	to.Set(reflect.ValueOf(all))
	return nil
}

func (d *decoding) list(n ast.Node, path string, to reflect.Value) error {
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.fail(n, path, "want a list, as in [a, b], got %s", form(n))
	}
	all := []string{}
	for i, item := range items.Values {
		text, err := d.text(item, fmt.Sprintf("%s[%d]", path, i))
		if err != nil {
			return err
		}
		all = append(all, text)
	}
	to.Set(reflect.ValueOf(all))
	return nil
}

// didYouMean names the known word that one or two slips of the finger turn into this one; empty: there is none.
func didYouMean(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

func nearest(word string, known []string) string {
	best, near := 2, ""
	if len(word) >= 8 {
		best = 3
	}
	for _, k := range known {
		if d := distance(word, k); d < best {
			best, near = d, k
		}
	}
	return near
}

// distance is how many letters must be put in, taken out or exchanged to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
