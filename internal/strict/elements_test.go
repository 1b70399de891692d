package strict

import (
	"fmt"
	"testing"
)

func elements(s string, through func(file string, data []byte, field string, count func(n int), read func(i int, v Value)) *Error) ([]string, *Error) {
	var all []string
	err := through("f", []byte(s), "accounts", func(n int) { all = make([]string, n) }, func(i int, v Value) {
		all[i] = fmt.Sprintf("%+v\n%v", v.At, v.node)
		if v.is(textNode) {
			v.Fail("is text: %q", v.node.text)
		}
	})
	return all, err
}

// byParser is Elements by the parser alone.
func byParser(file string, data []byte, field string, count func(n int), read func(i int, v Value)) *Error {
	d := Parse(file, data, small)
	if d.err != nil {
		return d.err
	}
	return ofDocument(d, field, count, read)
}

func split1(file string, data []byte, field string, count func(n int), read func(i int, v Value)) *Error {
	return Elements(file, data, small, field, count, read)
}

// A list read element by element is what the parser makes of the whole.
func FuzzElements(f *testing.F) {
	for _, s := range quickTexts {
		f.Add("accounts:\n" + s)
		f.Add("# all\n\naccounts: # these\n" + s + s)
	}
	f.Add("accounts:\n  - id: a\n    b: |\n      c\n  - id: \"d\\n\"\n    'e': ~\n")
	f.Add("accounts:\r\n- id: acme\r\n  apps: [a, b]\r\n  c: \"\\\\\"\r\n- d: e # f\r\n")
	f.Add("accounts: [{id: a}, {id: b}]\n")
	f.Add("{\"accounts\": [{\"id\": \"a\", \"apps\": [\"b\"]}]}\n")
	f.Add("accounts:\n- a: \"b\n- c\"\n- d: [\n- e]\n")
	f.Fuzz(func(t *testing.T, s string) {
		want, wrong := elements(s, byParser)
		got, err := elements(s, split1)
		switch {
		case wrong == nil && err != nil:
			t.Fatalf("%q: %v, but the parser reads it", s, err)
		case wrong != nil && err == nil:
			t.Fatalf("%q: is read, but by the parser %v", s, wrong)
		case wrong != nil:
			return
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q: read as\n%v\nbut the parser has\n%v", s, got, want)
		}
	})
}
