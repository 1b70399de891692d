package strict_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"headcount/internal/strict"
)

// walk reads all that a value can be asked for, as deep as it goes.
func walk(v strict.Value) {
	v.Written()
	v.Form()
	v.Verbatim()
	v.Number()
	switch {
	case v.Missing() || v.Null():
	case v.Fields():
		o := v.Object()
		for _, e := range o.Entries {
			o.Maybe(e.Key)
			walk(e.Value)
		}
		o.Must("x")
		o.Done()
	default:
		items, _ := v.Elements()
		for _, item := range items {
			walk(item)
		}
		v.Integer()
		v.Flag()
		v.Prose()
		v.OneOf("a", "b")
	}
}

// What a document may not be is refused before the parser sees it: at once, with little memory.
func TestWhatIsTooMuchIsRefusedAtOnce(t *testing.T) {
	const much = 500 << 10
	var stairs strings.Builder
	for i := range 900 {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, c := range map[string]struct{ text, want string }{
		"brackets":         {"a: " + strings.Repeat("[", much), "f:1:1: more than 32 brackets are open"},
		"braces":           {strings.Repeat("{a: ", much/4), "f:1:1: more than 32 brackets"},
		"brackets, closed": {strings.Repeat("[", much/2) + strings.Repeat("]", much/2), "f:1:1: more than 32 brackets"},
		"brackets, spread": {strings.Repeat("[\n", much/2), "f:33:1: more than 32 brackets"},
		"lists in a line":  {strings.Repeat("- ", much/2), "f:1:1: is indented by more than 256"},
		"keys in a line":   {strings.Repeat("? ", much/2), "f:1:1: is indented by more than 256"},
		"stairs":           {stairs.String(), "is indented by more than 256"},
		"size":             {"#" + strings.Repeat(" ", 1<<20), "f: is 1048577 bytes long, more than 1 MiB"},
		"other letters":    {"a: b\nc: \xff\n", "f:2:1: is not UTF-8"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		d := strict.Parse("f", []byte(c.text), 1<<20)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if err := d.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if !d.Root().Missing() {
			t.Errorf("%s: there is a root", name)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 || took > time.Second {
			t.Errorf("%s: %d bytes and %s", name, used, took)
		}
	}
}

func TestLimitIsTheReaders(t *testing.T) {
	if err := strict.Parse("f", []byte("a: bcd"), 5).Err(); err == nil || err.Error() != "f: is 6 bytes long, more than 5 bytes: leave out what is no longer needed" {
		t.Errorf("error %v", err)
	}
	if err := strict.Parse("f", []byte("a: bcd"), 6).Err(); err != nil {
		t.Errorf("error %v", err)
	}
}

// The first error sticks, and what is read after it is nothing.
func TestFirstErrorSticks(t *testing.T) {
	d := strict.Parse("f", []byte("a: 1\nb: two\nc: three\n"), 100)
	o := d.Root().Object()
	a, b := o.Must("a").Text(), o.Must("b").Text()
	o.Must("missing")
	o.Done()
	if a != "" || b != "" || d.Err() == nil || d.Err().Error() != `f:1:4: a: is not text: write it in quotes, as in "1"` {
		t.Errorf("a = %q, b = %q, error %v", a, b, d.Err())
	}
	if e := d.Err(); e.Where() != "f:1:4" || e.What() != `a: is not text: write it in quotes, as in "1"` || e.Field != "a" {
		t.Errorf("%q, %q, %q", e.Where(), e.What(), e.Field)
	}
}

// An empty document is no error: whoever needs one says so.
func TestEmptyDocument(t *testing.T) {
	for _, text := range []string{"", "\n", "# a comment\n", "---\n"} {
		d := strict.Parse("f", []byte(text), 100)
		if !d.Root().Missing() && !d.Root().Null() || d.Err() != nil {
			t.Errorf("%q: error %v", text, d.Err())
		}
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"topic", "brokers", "max_batch_bytes", "tls"}
	for word, want := range map[string]string{
		"topik": "topic", "tpoic": "topic", "Topic": "topic", "ttopic": "topic", "opic": "topic", "max_batch_byte": "max_batch_bytes",
		"mx_btch_byts": "max_batch_bytes", "ssl": "", "xyz": "", "": "", "brokerlist": "brokers", "listofbrokers": "", strings.Repeat("x", 100): "",
	} {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		if got := strict.DidYouMean(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// Whatever a file holds, it is read or refused with its name, on one line.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "a: b", "a: [1, 2.5, true, ~, \"x\"]\nb:\n  - c: |-\n      text\n    d: {e: 0x10}\n", "a: &x 1\nb: *x\n", "a: 1\na: 2\n",
		"a: 1\n---\nb: 2\n", "? [a]\n: b\n", "<<: {a: b}\n", "!!str a: b\n", "a: !!int 1\n", "\ta: 1\n", "a: 'b\n", "- - - a\n", "{a, b: }\n", "\"a\\nb\": {c: 1}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := strict.Parse("f.yaml", data, 1<<20)
		walk(d.Root())
		if err := d.Err(); err != nil && (!strings.HasPrefix(err.Error(), "f.yaml:") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %q does not name the file on one line", data, err)
		}
	})
}

// Within braces and brackets a text is what it is on a line of its own.
func TestFlowIsReadAsBlock(t *testing.T) {
	texts := []string{
		"127.0.0.1:9092", "kafka.example:9093", "a:b:c", "10:30", "7:x", "true:1", "x:1.5", "app-*", "http://h:80/p", "c:/data", "2026-10-03T08:15:30Z", "urn:uuid:6f1c", "é:9092", "a-b_c.d", "x",
	}
	read := func(document string) (string, *strict.Error) {
		d := strict.Parse("f", []byte(document), 1000)
		v := d.Root()
		for v.Fields() {
			v = v.Object().Entries[0].Value
		}
		items, _ := v.Elements()
		all := ""
		for _, item := range items {
			s, ok := item.Joined().Verbatim()
			if !ok {
				t.Errorf("%q: %s is no text", document, item.Form())
			}
			all += s + "\n"
		}
		return all, d.Err()
	}
	for _, s := range texts {
		for _, other := range texts {
			want := s + "\n" + other + "\n"
			for _, document := range []string{
				"a:\n  - " + s + "\n  - " + other + "\n", "a: [" + s + ", " + other + "]", "{a: [" + s + ", " + other + "]}", "{a: {b: [" + s + "," + other + "]}}",
				"a: {b: [ " + s + " , " + other + " ], c: d}", "a: {b: [" + s + ",\n  " + other + "]}",
			} {
				if got, err := read(document); err != nil || got != want {
					t.Errorf("%q reads as %q, %v", document, got, err)
				}
			}
		}
	}
	// What YAML itself reads as a pair stays one.
	for _, document := range []string{"a: {b: [x: y]}", `a: {b: ["x":y]}`, "a: {b: [x :y]}", "a: {b: [{x: y}]}", "a: {b: [x: 1]}"} {
		d := strict.Parse("f", []byte(document), 1000)
		items, _ := d.Root().Object().Entries[0].Value.Object().Entries[0].Value.Elements()
		if len(items) != 1 {
			t.Fatalf("%q: %d items", document, len(items))
		}
		if s, ok := items[0].Joined().Verbatim(); ok {
			t.Errorf("%q reads as the text %q", document, s)
		}
	}
}
