package strict

import (
	"sort"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Object is a mapping while it is read field by field.
type Object struct {
	Value
	Entries []Entry

	read    []bool // of each entry
	asked   []string
	wanting []string // required and missing
}

// Entry is a field of an object, for those whose names are free.
type Entry struct {
	Key   string
	At    Place // of the key
	Value Value
}

// Fail makes this the document's error, placed at the key, unless it has one.
func (e Entry) Fail(format string, args ...any) { e.Value.doc.fail(e.At, format, args...) }

// Object returns the value's fields.
func (v Value) Object() *Object {
	if !v.Missing() && !v.Fields() {
		v.refuse("fields (name: value)")
	}
	o := &Object{Value: v}
	if v.Missing() {
		return o
	}
	pairs := pairsOf(v.node)
	seen := make(map[string]bool, len(pairs))
	for _, p := range pairs {
		key, ok := p.Key.(*ast.StringNode)
		if !ok {
			v.child(p.Key, v.At.Field).refuse("text for a field's name")
			return o
		}
		field := v.At.within(key.Value)
		e := Entry{Key: key.Value, At: placeOf(v.doc.file, p.Key, field), Value: v.child(p.Value, field)}
		if seen[e.Key] {
			e.Fail("is there twice")
			return o
		}
		seen[e.Key] = true
		if e.Value.Null() {
			e.Value.At = e.At // an empty value's own position is the next token's
		}
		o.Entries = append(o.Entries, e)
	}
	o.read = make([]bool, len(o.Entries))
	return o
}

// Fields says whether the value is a mapping.
func (v Value) Fields() bool {
	switch v.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func pairsOf(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// Maybe returns a field that may be left out.
func (o *Object) Maybe(name string) (Value, bool) {
	o.asked = append(o.asked, name)
	for i := range o.read {
		if o.Entries[i].Key == name {
			o.read[i] = true
			return o.Entries[i].Value, true
		}
	}
	return Value{doc: o.doc, At: o.At}, false
}

// Must returns a field that Done will miss where it is not there.
func (o *Object) Must(name string) Value {
	v, ok := o.Maybe(name)
	if !ok {
		o.Want(name)
	}
	v.must = true
	return v
}

// Want has Done miss a field that may else be left out.
func (o *Object) Want(name string) { o.wanting = append(o.wanting, name) }

// Unknown returns the first field that was not asked for, and all that were, sorted.
func (o *Object) Unknown() (e Entry, known []string, found bool) {
	for i, e := range o.Entries {
		if !o.read[i] {
			sort.Strings(o.asked)
			return e, o.asked, true
		}
	}
	return Entry{}, nil, false
}

// Done reports what was not asked for, then what is missing: a misspelt field is both, and the first says more.
func (o *Object) Done() {
	if o.Missing() {
		return
	}
	if e, known, found := o.Unknown(); found {
		e.Fail("unknown field%s; known are %s", DidYouMean(e.Key, known), strings.Join(known, ", "))
		return
	}
	if len(o.wanting) > 0 {
		o.Fail("misses the field %s", strings.Join(o.wanting, ", "))
	}
}
