package rating

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	maxFileBytes = 1 << 20
	maxNesting   = 32  // brackets open at once; no document of ours needs more than 4
	maxIndent    = 256 // bytes of indentation and dashes before a line's text
)

// FileError says what is wrong in a file, where, and what to do about it.
type FileError struct {
	File         string
	Line, Column int    // from 1; 0: the file as a whole
	Field        string // such as accounts[0].plan; empty: none
	Problem      string
}

func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// place is where a value stood, kept for errors that only show once the books are known.
type place struct {
	file         string
	line, column int
	field        string
}

func (p place) errorf(format string, args ...any) *FileError {
	return &FileError{File: p.file, Line: p.line, Column: p.column, Field: p.field, Problem: fmt.Sprintf(format, args...)}
}

// document is one YAML file while it is read. The first error sticks: after it all values read as zero, so that a reader need
// not look after every field.
type document struct {
	file string
	err  *FileError
}

func (d *document) fail(p place, format string, args ...any) {
	if d.err == nil {
		d.err = p.errorf(format, args...)
	}
}

// value is a node of the document. A value without a node is one that is missing: it reads as zero.
type value struct {
	doc  *document
	node ast.Node
	at   place
}

// openDocument parses a file's bytes. The root is a missing value where that fails.
func openDocument(file string, data []byte) (*document, value) {
	d := &document{file: file}
	root := value{doc: d, at: place{file: file}}
	if p := tooWild(file, data); p != nil {
		d.err = p
		return d, root
	}
	tree, err := parse(data)
	if err != nil {
		d.err = syntaxError(file, err)
		return d, root
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		next := value{doc: d, node: doc.Body, at: placeOf(file, doc.Body, "")}
		if root.node != nil {
			d.fail(next.at, "a second YAML document: want one")
		}
		root = next
	}
	if root.node == nil {
		d.fail(place{file: file}, "is empty")
	}
	return d, root
}

// tooWild refuses what the parser should not be given: it takes time and memory without bound for deep nesting.
func tooWild(file string, data []byte) *FileError {
	whole := place{file: file}
	if len(data) > maxFileBytes {
		return whole.errorf("is %d bytes long, more than 1 MiB: split it, or leave out what has ended", len(data))
	}
	depth, number := 0, 0
	for line := range bytes.Lines(data) {
		number++
		at := place{file: file, line: number, column: 1}
		if !utf8.Valid(line) {
			return at.errorf("is not UTF-8")
		}
		if lead := len(line) - len(bytes.TrimLeft(line, " \t-?:")); lead > maxIndent {
			return at.errorf("is indented by more than %d characters", maxIndent)
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			}
			if depth > maxNesting {
				return at.errorf("more than %d brackets are open", maxNesting)
			}
		}
	}
	return nil
}

func parse(data []byte) (tree *ast.File, err error) {
	defer func() {
		// The parser indexes without looking in corners that no valid document reaches.
		if r := recover(); r != nil {
			err = errors.New("is not YAML")
		}
	}()
	return parser.ParseBytes(data, 0)
}

func syntaxError(file string, err error) *FileError {
	p := place{file: file}
	var located yaml.Error
	if !errors.As(err, &located) {
		return p.errorf("%v", err)
	}
	if t := located.GetToken(); t != nil && t.Position != nil {
		p.line, p.column = t.Position.Line, t.Position.Column
	}
	return p.errorf("%s", located.GetMessage())
}

func placeOf(file string, n ast.Node, field string) place {
	p := place{file: file, field: field}
	switch m := n.(type) { // a mapping's own token is its first colon
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			n = m.Values[0].Key
		}
	case *ast.MappingValueNode:
		n = m.Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		p.line, p.column = t.Position.Line, t.Position.Column
	}
	return p
}

func (v value) missing() bool { return v.node == nil || v.doc.err != nil }

func (v value) child(n ast.Node, field string) value {
	return value{doc: v.doc, node: n, at: placeOf(v.doc.file, n, field)}
}

// refuse reports a node of a kind that was not wanted here.
func (v value) refuse(want string) {
	switch n := v.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		v.doc.fail(v.at, "anchors and aliases are not read: write the value out")
	case *ast.TagNode:
		v.doc.fail(v.at, "tags are not read: want %s", want)
	case *ast.NullNode:
		v.doc.fail(v.at, "has no value: want %s, or leave the field out", want)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if strings.HasPrefix(want, "text") {
			v.doc.fail(v.at, "is not text: write it in quotes, as in %q", n.GetToken().Value)
			return
		}
		v.doc.fail(v.at, "%s: want %s", n.GetToken().Value, want)
	default:
		v.doc.fail(v.at, "want %s", want)
	}
}

// list returns the elements of a sequence.
func (v value) list() []value {
	if v.missing() {
		return nil
	}
	seq, ok := v.node.(*ast.SequenceNode)
	if !ok {
		v.refuse("a list")
		return nil
	}
	out := make([]value, len(seq.Values))
	for i, n := range seq.Values {
		out[i] = v.child(n, v.at.field+"["+strconv.Itoa(i)+"]")
	}
	return out
}

// text returns a string scalar that is not empty and has no control characters.
func (v value) text() string {
	if v.missing() {
		return ""
	}
	n, ok := v.node.(*ast.StringNode)
	if !ok {
		v.refuse("text")
		return ""
	}
	if n.Value == "" {
		v.doc.fail(v.at, "is empty")
	}
	for _, r := range n.Value {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			v.doc.fail(v.at, "%q has control characters", n.Value)
			break
		}
	}
	return n.Value
}

// prose returns text that may run over several lines.
func (v value) prose() string {
	if !v.missing() {
		if n, ok := v.node.(*ast.LiteralNode); ok {
			return strings.TrimSpace(n.Value.Value)
		}
	}
	return v.text()
}

// integer returns a plain decimal integer of at most 9 digits, not negative.
func (v value) integer() int {
	if v.missing() {
		return 0
	}
	n, ok := v.node.(*ast.IntegerNode)
	if !ok {
		if s, is := v.node.(*ast.StringNode); is {
			v.doc.fail(v.at, "%q is text: want an integer, without quotes", s.Value)
			return 0
		}
		v.refuse("an integer")
		return 0
	}
	s := n.GetToken().Value
	if i, err := strconv.Atoi(s); err == nil && i >= 0 && i < 1e9 && strconv.Itoa(i) == s {
		return i
	}
	v.doc.fail(v.at, "%s: want an integer from 0 to 999999999, in digits", s)
	return 0
}

// flag returns true or false.
func (v value) flag() bool {
	if v.missing() {
		return false
	}
	n, ok := v.node.(*ast.BoolNode)
	if !ok {
		v.refuse("true or false")
		return false
	}
	return n.Value
}

// oneOf returns a text that is one of the words allowed.
func (v value) oneOf(words ...string) string {
	s := v.text()
	if v.missing() {
		return words[0]
	}
	for _, w := range words {
		if s == w {
			return s
		}
	}
	v.doc.fail(v.at, "unknown word %q: want %s%s", s, strings.Join(words, ", "), didYouMean(s, words))
	return words[0]
}

// object is a mapping while it is read field by field.
type object struct {
	value
	entries []entry
	asked   []string
	wanting []string // required and missing
}

type entry struct {
	key   string
	at    place // of the key
	value value
	read  bool
}

func (v value) object() *object {
	o := &object{value: v}
	if v.missing() {
		return o
	}
	var pairs []*ast.MappingValueNode
	switch n := v.node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		v.refuse("fields (name: value)")
		return o
	}
	seen := make(map[string]bool, len(pairs))
	for _, p := range pairs {
		key, ok := p.Key.(*ast.StringNode)
		if !ok {
			v.child(p.Key, v.at.field).refuse("text for a field's name")
			return o
		}
		field := key.Value
		if v.at.field != "" {
			field = v.at.field + "." + field
		}
		e := entry{key: key.Value, at: placeOf(v.doc.file, p.Key, field), value: v.child(p.Value, field)}
		if seen[e.key] {
			v.doc.fail(e.at, "is there twice")
			return o
		}
		seen[e.key] = true
		if _, null := p.Value.(*ast.NullNode); null {
			e.value.at = e.at // an empty value's own position is the next token's
		}
		o.entries = append(o.entries, e)
	}
	return o
}

// maybe returns a field that may be left out.
func (o *object) maybe(name string) (value, bool) {
	o.asked = append(o.asked, name)
	for i := range o.entries {
		if o.entries[i].key == name {
			o.entries[i].read = true
			return o.entries[i].value, true
		}
	}
	return value{doc: o.doc, at: o.at}, false
}

// must returns a field that done will miss where it is not there.
func (o *object) must(name string) value {
	v, ok := o.maybe(name)
	if !ok {
		o.wanting = append(o.wanting, name)
	}
	return v
}

// done reports what was not asked for, then what is missing: a misspelt field is both, and the first says more.
func (o *object) done() {
	if o.missing() {
		return
	}
	for _, e := range o.entries {
		if !e.read {
			sort.Strings(o.asked)
			o.doc.fail(e.at, "unknown field%s; known are %s", didYouMean(e.key, o.asked), strings.Join(o.asked, ", "))
			return
		}
	}
	if len(o.wanting) > 0 {
		o.doc.fail(o.at, "misses the field %s", strings.Join(o.wanting, ", "))
	}
}
