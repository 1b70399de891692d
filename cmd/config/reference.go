package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"headcount/events"
	"headcount/internal/secret"
)

// field is one of the configuration's, as people are told of it: in the file that `ingest init` writes, and on the page of all fields.
type field struct {
	path    string // as in kafka.topic; of a list of fields, reporters[].id
	text    string // what it says, and what leaving it out means
	example string // how it is written, where its default is nothing to show
}

// Written returns a configuration with every field and what it says: those that have a default with it, the embedded broker, and the month
// in which the books open; all others as comments, with an example.
func Written(from events.Month) []byte {
	w := &writer{defaults: reflect.ValueOf(*Default())}
	w.on = map[string]string{
		"billing.from": from.String(), "kafka.embedded.data_dir": "data/kafka", "kafka.embedded.partitions": "4",
	}
	w.line("# Headcount. Fields have the values shown where they are left out, but for billing.from and kafka.embedded; those behind a # are not")
	w.line("# set. Relative paths are relative to this file. A variable overrides each: kafka.topic is HEADCOUNT_KAFKA_TOPIC.")
	for i := range fields {
		w.field(&fields[i])
	}
	return []byte(w.String())
}

// writer writes fields as YAML.
type writer struct {
	strings.Builder
	defaults reflect.Value
	on       map[string]string // values of fields that are written although they have no default
	above    []string          // the sections that are open
	list     bool              // the field above is a list of fields
}

func (w *writer) line(text string) { w.WriteString(text + "\n") }

func (w *writer) field(f *field) {
	value, set := w.on[f.path]
	if !set {
		value, set = defaultOf(w.defaults, f.path)
	}
	if !set {
		value = f.example
	}
	if value == "" {
		return // it does not stand in the file
	}
	names := strings.Split(f.path, ".")
	sections, name := names[:len(names)-1], names[len(names)-1]
	same := 0
	for same < len(sections) && same < len(w.above) && sections[same] == w.above[same] {
		same++
	}
	for i := same; i < len(sections); i++ {
		if i == 0 {
			w.line("")
		}
		path := strings.Join(sections[:i+1], ".")
		w.section(path, i)
	}
	if len(sections) == 0 && (len(w.above) > 0 || w.list) {
		w.line("")
	}
	w.above, w.list = sections, f.list()
	indent := strings.Repeat("  ", len(sections))
	off := ""
	if !set {
		off = "# "
	}
	for _, text := range folded(f.text, 128-len(indent)) {
		w.line(indent + "# " + text)
	}
	w.line(indent + off + strings.TrimSuffix(name, "[]") + ": " + value)
}

// section begins one: as a comment, where no field of it is set.
func (w *writer) section(path string, depth int) {
	off := "# "
	for i := range fields {
		p := fields[i].path
		if !strings.HasPrefix(p, path+".") {
			continue
		}
		_, on := w.on[p]
		_, set := defaultOf(w.defaults, p)
		if on || set {
			off = ""
		}
	}
	name := path[strings.LastIndex(path, ".")+1:]
	w.line(strings.Repeat("  ", depth) + off + name + ":")
}

// list says that a field is a list of fields.
func (f *field) list() bool { return strings.HasSuffix(f.path, "[]") }

// folded breaks text into lines of at most width characters.
func folded(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// defaultOf is a field's default as it is written in YAML; false: it has none.
func defaultOf(v reflect.Value, path string) (string, bool) {
	for name := range strings.SplitSeq(path, ".") {
		if v.Kind() == reflect.Pointer {
			return "", false // nil: a section that is left out
		}
		next := fieldNamed(v, name)
		if !next.IsValid() {
			return "", false
		}
		v = next
	}
	if v.IsZero() || v.Kind() == reflect.String && v.String() == groupUnset {
		return "", false
	}
	return written(v), true
}

func fieldNamed(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func written(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Duration:
		return round(time.Duration(x))
	case secret.URL:
		return x.String()
	case Flag:
		return fmt.Sprint(bool(x))
	case []string:
		return "[" + strings.Join(x, ", ") + "]"
	case string:
		if _, err := strconv.ParseFloat(x, 64); err == nil { // shares are text
			return strconv.Quote(x)
		}
		return x
	}
	return fmt.Sprint(v.Interface())
}

// round writes a duration without the units that it has none of: 24h and not 24h0m0s.
func round(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Reference is the page of all fields, in Markdown.
func Reference() []byte {
	var b strings.Builder
	b.WriteString("# Configuration\n\n" +
		"Every field of `headcount.yaml`. A variable overrides each: its path in capitals, with underscores for dots, behind `HEADCOUNT_`\n" +
		"(`kafka.topic` is `HEADCOUNT_KAFKA_TOPIC`); lists are separated by commas. Lists of fields, such as `reporters`, have no variable.\n" +
		"`ingest init` writes a file with all of them. Made from `cmd/config/fields.go` by `go test ./cmd/config -run Reference -golden`.\n\n" +
		"| field | default | |\n|---|---|---|\n")
	for i := range fields {
		f := &fields[i]
		value, set := defaultOf(reflect.ValueOf(*Default()), f.path)
		shown := "–"
		switch {
		case set:
			shown = "`" + value + "`"
		case f.example != "":
			shown = "–, as in `" + f.example + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.TrimSuffix(f.path, "[]"), strings.ReplaceAll(shown, "|", "\\|"), strings.ReplaceAll(f.text, "|", "\\|"))
	}
	return []byte(b.String())
}
