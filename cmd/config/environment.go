package config

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"headcount/internal/strict"
)

const prefix = "HEADCOUNT_"

// environment begins the place of a value that a variable sets.
const environment = "environment "

// override applies HEADCOUNT_… variables: the field's path in capitals, its dots as underscores (HEADCOUNT_KAFKA_TOPIC,
// HEADCOUNT_GUID_KEY_FILE). Lists are separated by commas, events.types reads shop.opened=open,shop.searched=search. A name that is
// nearly a field's is a mistake; others that begin with HEADCOUNT_ are left alone: they are not all ours (Kubernetes sets some for
// a service of that name).
func (c *Config) override(environ []string) error {
	sorted := append([]string(nil), environ...)
	sort.Strings(sorted)
	for _, pair := range sorted {
		name, value, _ := strings.Cut(pair, "=")
		rest, ours := strings.CutPrefix(name, prefix)
		if !ours {
			continue
		}
		place := environment + name
		path, err := setField(reflect.ValueOf(c).Elem(), rest, value)
		if errors.Is(err, errNotAField) {
			if near := nearest(rest); near != "" {
				return &Error{place, fmt.Sprintf("no field has that name; did you mean %s%s?", prefix, near)}
			}
			continue
		}
		if err != nil {
			return &Error{place, err.Error()}
		}
		c.places[path] = place
	}
	return nil
}

// nearest returns the variable that a slip of the finger, or two in a long name, turns into this one; empty: there is none, and the
// name is somebody else's.
func nearest(name string) string {
	slips := 1
	if len(name) >= 8 {
		slips = 2
	}
	return strict.Nearest(name, variables(reflect.TypeFor[Config]()), slips)
}

// variables lists the names of all fields that a variable can set, without the prefix.
func variables(t reflect.Type) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag := strings.ToUpper(f.Tag.Get("yaml"))
		switch {
		case tag == "" || tag == "-":
		case section(f.Type):
			for _, n := range variables(f.Type) {
				names = append(names, tag+"_"+n)
			}
		default:
			names = append(names, tag)
		}
	}
	return names
}

// section says whether a field has fields of its own, and no form as one text.
func section(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[texter]())
}

var errNotAField = errors.New("not a field")

// setField sets the field that a variable names, and returns its path. errNotAField: there is none.
func setField(v reflect.Value, name, value string) (path string, err error) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("yaml")
		if tag == "" || tag == "-" {
			continue
		}
		field, upper := v.Field(i), strings.ToUpper(tag)
		within, inside := strings.CutPrefix(name, upper+"_")
		switch {
		case field.Kind() == reflect.Struct && section(field.Type()) && inside:
			path, err = setField(field, within, value)
		case field.Kind() == reflect.Pointer && inside:
			section := reflect.New(field.Type().Elem())
			if !field.IsNil() {
				section.Elem().Set(field.Elem())
			}
			if path, err = setField(section.Elem(), within, value); err == nil {
				field.Set(section)
			}
		case !section(field.Type()) && name == upper:
			return tag, setText(field, value)
		default:
			continue
		}
		if !errors.Is(err, errNotAField) {
			return tag + "." + path, err
		}
	}
	return "", errNotAField
}

func setText(field reflect.Value, value string) error {
	if t, ok := field.Addr().Interface().(texter); ok {
		return t.UnmarshalText([]byte(value))
	}
	switch field.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
		field.SetInt(int64(n))
	case reflect.String:
		field.SetString(value)
	case reflect.Slice:
		list := []string{}
		for item := range strings.SplitSeq(value, ",") {
			list = append(list, strings.TrimSpace(item))
		}
		field.Set(reflect.ValueOf(list))
	case reflect.Map:
		all := map[string]string{}
		for item := range strings.SplitSeq(value, ",") {
			name, is, ok := strings.Cut(strings.TrimSpace(item), "=")
			if !ok {
				return fmt.Errorf("%q is not a pair: write shop.opened=open, several with commas", item)
			}
			all[name] = is
		}
		field.Set(reflect.ValueOf(all))
	}
	return nil
}
