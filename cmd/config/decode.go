package config

import (
	"reflect"
	"strings"

	"headcount/internal/strict"
)

// read decodes a file's YAML into v, a pointer to a struct whose fields name theirs (`yaml:"topic"`). It returns where each field
// that is there stands, by its path (kafka.topic).
func read(file string, data []byte, v any) (places map[string]string, err error) {
	doc := strict.Parse(file, data, MaxFileBytes)
	d := decoding{places: map[string]string{}}
	if root := doc.Root(); !root.Missing() {
		d.decode(root, reflect.ValueOf(v).Elem())
	}
	if e := doc.Err(); e != nil {
		return nil, &Error{e.Where(), e.What()}
	}
	return d.places, nil
}

// decoding fills in a struct. What is wrong becomes the document's error; the values do not count then.
type decoding struct {
	places map[string]string
}

// texter is a value that reads itself from a scalar.
type texter interface{ UnmarshalText([]byte) error }

// hiding is a texter of what must not be printed.
type hiding interface {
	texter
	Reveal() string
}

func (d decoding) decode(v strict.Value, to reflect.Value) {
	switch {
	case v.Missing() || v.Null(): // as good as left out
		return
	case v.Referring():
		refuseReference(v)
		return
	}
	d.places[v.At.Field] = v.At.Where()
	if h, ok := to.Addr().Interface().(hiding); ok {
		s, ok := v.Verbatim()
		if !ok { // what it is instead may be the secret
			v.Fail("is not text: write it in quotes")
		}
		if err := h.UnmarshalText([]byte(s)); err != nil {
			v.Fail("%v", err)
		}
		return
	}
	if s, ok := to.Addr().Interface().(interface{ decode(strict.Value) }); ok { // has more forms than a scalar's
		s.decode(v)
		return
	}
	if t, ok := to.Addr().Interface().(texter); ok {
		if err := t.UnmarshalText([]byte(v.Written())); err != nil {
			v.Fail("%v", err)
		}
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		d.fields(v, to)
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		d.decode(v, to.Elem())
	case reflect.Map:
		pairs(v, to)
	case reflect.Slice:
		d.list(v, to)
	case reflect.Int:
		number(v, to)
	case reflect.String:
		to.SetString(text(v))
	default:
		panic("config: no decoder for " + to.Type().String())
	}
}

func (d decoding) fields(v strict.Value, to reflect.Value) {
	if !v.Fields() {
		v.Fail("want fields (name: value), got %s", v.Form())
		return
	}
	o := v.Object()
	for i := range to.NumField() {
		name := to.Type().Field(i).Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		if value, ok := o.Maybe(name); ok {
			d.decode(value, to.Field(i))
		}
	}
	if e, known, found := o.Unknown(); found { // said of the object that it stands in
		at := e.At
		at.Field = v.At.Field
		v.FailAt(at, "unknown field %q%s; known are %s", e.Key, strict.DidYouMean(e.Key, known), strings.Join(known, ", "))
	}
}

func pairs(v strict.Value, to reflect.Value) {
	if !v.Fields() {
		v.Fail("want pairs (name: value), got %s", v.Form())
		return
	}
	all := map[string]string{}
	for _, e := range v.Object().Entries {
		all[e.Key] = text(e.Value)
	}
	to.Set(reflect.ValueOf(all))
}

func (d decoding) list(v strict.Value, to reflect.Value) {
	items, ok := v.Elements()
	if !ok {
		v.Fail("want a list, as in [a, b], got %s", v.Form())
		return
	}
	if to.Type().Elem().Kind() == reflect.Struct {
		to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
		for i, item := range items {
			if item.Null() {
				item.Fail("has no value: want fields (name: value)")
			}
			d.decode(item, to.Index(i))
		}
		return
	}
	all := []string{}
	for _, item := range items {
		all = append(all, text(item.Joined()))
	}
	to.Set(reflect.ValueOf(all))
}

func number(v strict.Value, to reflect.Value) {
	n, fits, ok := v.Number()
	switch {
	case !ok:
		v.Fail("%q: want a whole number", v.Written())
	case !fits:
		v.Fail("%s is too large", v.Written())
	}
	to.SetInt(n)
}

func text(v strict.Value) string {
	s, ok := v.Verbatim()
	switch {
	case ok:
	case v.Referring():
		refuseReference(v)
	case v.Scalar():
		v.Fail("is not text: write it in quotes, as in %q", v.Written())
	default:
		v.Fail("want text, got %s", v.Form())
	}
	return s
}

// refuseReference places the error in the file alone: what an alias would say is not the field's value.
func refuseReference(v strict.Value) {
	at := v.At
	at.Field = ""
	v.FailAt(at, "aliases and anchors are not allowed: write the value out")
}
