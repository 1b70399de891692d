package config

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"headcount/events"
)

var golden = flag.Bool("golden", false, "write golden files")

// Every field of the configuration is told of, once, and no other.
func TestEveryFieldIsTold(t *testing.T) {
	want := append(paths(reflect.TypeFor[Config](), ""), "reporters[]")
	var got []string
	for _, f := range fields {
		got = append(got, f.path)
		if f.text == "" || !strings.HasSuffix(f.text, ".") {
			t.Errorf("%s: %q is no sentence", f.path, f.text)
		}
		if _, set := defaultOf(reflect.ValueOf(*Default()), f.path); set == (f.example != "") && f.path != "kafka.sasl.password" {
			t.Errorf("%s: has a default: %v, and the example %q; one of the two shows how it is written", f.path, set, f.example)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told of  %v\nfields are %v", got, want)
	}
}

// paths are those of all fields that have a form as one text.
func paths(t reflect.Type, above string) (all []string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		switch {
		case name == "" || name == "-" || listsFields(f.Type):
		case section(f.Type):
			all = append(all, paths(f.Type, above+name+".")...)
		default:
			all = append(all, above+name)
		}
	}
	return all
}

// What is written says the defaults; and with every comment taken for what it shows, each field has a form that is read.
func TestWhatIsWrittenIsRead(t *testing.T) {
	october := events.MonthOf(2026, 10)
	text := string(Written(october))
	c, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := load(t, "billing: {from: 2026-10}\nkafka: {embedded: {}}\n")
	if err != nil {
		t.Fatal(err)
	}
	want.places, c.places, want.File, c.File = nil, nil, "", ""
	for _, c := range []*Config{want, c} { // beside their files
		c.State, c.Ledger, c.GUIDKeyFile, c.CollectKeysFile, c.SealKeyFile, c.SealPublicKeyFile, c.Accounts = want.State, want.Ledger, "", "", "", "", ""
		c.Kafka.Embedded.DataDir = ""
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%s\nreads as %+v\nwant %+v", text, c, want)
	}
	for _, f := range fields {
		if f.example == "" {
			continue
		}
		var b strings.Builder
		names := strings.Split(strings.TrimSuffix(f.path, "[]"), ".")
		for i, name := range names {
			b.WriteString(strings.Repeat("  ", i) + name + ":")
			if i < len(names)-1 {
				b.WriteString("\n")
			}
		}
		b.WriteString(" " + f.example + "\n")
		d := Default()
		if _, err := read("f", []byte(b.String()), d); err != nil || reflect.DeepEqual(d, Default()) && f.path != "kafka.embedded.expose" {
			t.Errorf("%s: example %q: %v, nothing set: %v", f.path, b.String(), err, reflect.DeepEqual(d, Default()))
		}
		if !strings.Contains(text, names[len(names)-1]+": ") {
			t.Errorf("%s is not written", f.path)
		}
	}
	all, d := "", Default()
	for line := range strings.Lines(text) {
		shown := strings.Replace(line, "# ", "", 1)
		if name, _, _ := strings.Cut(strings.TrimSpace(shown), ":"); strings.Contains(line, "# "+name+":") && slices.ContainsFunc(fields, func(f field) bool {
			return strings.Contains("."+strings.TrimSuffix(f.path, "[]")+".", "."+name+".")
		}) {
			line = shown
		}
		all += line
	}
	places, err := read("all", []byte(all), d)
	if err != nil {
		t.Errorf("without the #: %v\n%s", err, all)
	}
	for _, f := range fields {
		if path := strings.TrimSuffix(f.path, "[]"); places[path] == "" && path != "kafka.sasl.password" {
			t.Errorf("%s cannot be set by taking its # away\n%s", path, all)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 145 {
			t.Errorf("%d characters: %s", len(line), line)
		}
	}
}

// The page of all fields is what the source makes: go test ./cmd/config -run Reference -golden
func TestReference(t *testing.T) {
	const file = "REFERENCE.md"
	if *golden {
		if err := os.WriteFile(file, Reference(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(text, Reference()) {
		t.Errorf("%s is not what fields.go makes (%v): go test ./cmd/config -run Reference -golden", file, err)
	}
}
