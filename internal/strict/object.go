package strict

import (
	"slices"
	"sort"
	"strings"
)

// Object is a mapping while it is read field by field.
type Object struct {
	Value
	Entries []Entry

	read    []bool // of each entry
	asked   []string
	wanting []string        // required and missing
	names   map[string]bool // of the entries, where they are many
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
	items := v.node.items
	o.Entries = make([]Entry, 0, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		key, value := items[i], items[i+1]
		if key.kind != textNode {
			v.child(key, v.At.Field).refuse("text for a field's name")
			return o
		}
		field := v.At.within(key.text)
		e := Entry{Key: key.text, At: v.doc.place(key, field), Value: v.child(value, field)}
		if o.has(e.Key) {
			e.Fail("is there twice")
			return o
		}
		if e.Value.Null() {
			e.Value.At = e.At // an empty value's own position is the next token's
		}
		o.Entries = append(o.Entries, e)
	}
	o.read = make([]bool, len(o.Entries))
	return o
}

// fewFields is how many are looked through rather than looked up.
const fewFields = 16

func (o *Object) has(key string) bool {
	if len(o.Entries) < fewFields {
		return slices.ContainsFunc(o.Entries, func(e Entry) bool { return e.Key == key })
	}
	if o.names == nil {
		o.names = make(map[string]bool)
		for _, e := range o.Entries {
			o.names[e.Key] = true
		}
	}
	there := o.names[key]
	o.names[key] = true
	return there
}

// Fields says whether the value is a mapping.
func (v Value) Fields() bool { return v.is(fieldsNode) }

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
