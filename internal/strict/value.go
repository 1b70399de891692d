package strict

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Value is a node of a document. A value that is missing reads as zero: a field that is not there, or any after an error.
type Value struct {
	At   Place
	doc  *Document
	node ast.Node
	must bool // a field that cannot be left out
}

// Missing says that nothing is there to be read, or nothing any more.
func (v Value) Missing() bool { return v.node == nil || v.doc.err != nil }

// Fail makes this the document's error, unless it has one.
func (v Value) Fail(format string, args ...any) { v.doc.fail(v.At, format, args...) }

// FailAt is Fail with another place.
func (v Value) FailAt(at Place, format string, args ...any) { v.doc.fail(at, format, args...) }

// Null says that a field is there without a value, or with null.
func (v Value) Null() bool {
	_, null := v.node.(*ast.NullNode)
	return null
}

// Referring says that the value is an anchor, an alias or a merge key.
func (v Value) Referring() bool {
	switch v.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return true
	}
	return false
}

// Written returns a scalar as it stands in the file, without quotes; of a list or of fields, the sign that begins it.
func (v Value) Written() string {
	if v.node == nil {
		return ""
	}
	return v.node.GetToken().Value
}

// Form names what a value is, for errors: a list, fields, or a scalar in quotes.
func (v Value) Form() string {
	switch v.node.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "fields"
	}
	return strconv.Quote(v.Written())
}

// Scalar says that the value is neither a list nor fields.
func (v Value) Scalar() bool {
	_, ok := v.node.(ast.ScalarNode)
	return ok
}

func (v Value) child(n ast.Node, field string) Value {
	return Value{doc: v.doc, node: n, At: placeOf(v.doc.file, n, field)}
}

// refuse reports a node of a kind that was not wanted here.
func (v Value) refuse(want string) {
	switch n := v.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		v.Fail("anchors and aliases are not read: write the value out")
	case *ast.TagNode:
		v.Fail("tags are not read: want %s", want)
	case *ast.NullNode:
		if v.must {
			v.Fail("has no value: want %s", want)
			return
		}
		v.Fail("has no value: want %s, or leave the field out", want)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if strings.HasPrefix(want, "text") {
			v.Fail("is not text: write it in quotes, as in %q", strings.ReplaceAll(n.GetToken().Value, "_", ""))
			return
		}
		v.Fail("%s: want %s", n.GetToken().Value, want)
	default:
		if joined, is := v.Joined().Verbatim(); is && strings.HasPrefix(want, "text") {
			v.Fail("want %s: write it in quotes, as in %q", want, joined)
			return
		}
		v.Fail("want %s", want)
	}
}

// List returns the elements of a sequence.
func (v Value) List() []Value {
	if v.Missing() {
		return nil
	}
	out, ok := v.Elements()
	if !ok {
		v.refuse("a list")
	}
	return out
}

// Elements is List without an error: false where the value is something else.
func (v Value) Elements() ([]Value, bool) {
	seq, ok := v.node.(*ast.SequenceNode)
	if !ok {
		return nil, false
	}
	out := make([]Value, len(seq.Values))
	for i, n := range seq.Values {
		out[i] = v.child(n, v.At.Field+"["+strconv.Itoa(i)+"]")
	}
	return out, true
}

// Text returns a string scalar that is not empty and has no control characters.
func (v Value) Text() string {
	if v.Missing() {
		return ""
	}
	n, ok := v.node.(*ast.StringNode)
	if !ok {
		v.refuse("text")
		return ""
	}
	if n.Value == "" {
		v.Fail("is empty")
	}
	for _, r := range n.Value {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			v.Fail("%q has control characters", n.Value)
			break
		}
	}
	return n.Value
}

// Prose returns text that may run over several lines.
func (v Value) Prose() string {
	if !v.Missing() {
		if n, ok := v.node.(*ast.LiteralNode); ok {
			return strings.TrimSpace(n.Value.Value)
		}
	}
	return v.Text()
}

// Joined returns a value that YAML reads as one text and the parser takes for a pair, as that text: within braces the parser ends a
// plain scalar of a list at any colon, as in {brokers: [127.0.0.1:9092]}. Any other value it returns as it is.
func (v Value) Joined() Value {
	pairs := pairsOf(v.node)
	if len(pairs) != 1 || v.node.GetToken().Type != token.MappingValueType { // not {…}
		return v
	}
	key, value, colon := pairs[0].Key.GetToken(), pairs[0].Value.GetToken(), pairs[0].Start
	for _, t := range []*token.Token{key, value} {
		switch t.Type {
		case token.StringType, token.IntegerType, token.FloatType, token.BoolType:
		default: // in quotes, or no scalar
			return v
		}
	}
	if !beside(key, colon) || !beside(colon, value) {
		return v
	}
	whole := token.String(key.Value+":"+value.Value, key.Value+":"+value.Value, key.Position)
	v.node = ast.String(whole)
	return v
}

// beside says that nothing lies between two tokens.
func beside(a, b *token.Token) bool {
	return a.Position != nil && b.Position != nil && a.Position.Line == b.Position.Line &&
		a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}

// Verbatim returns any text, also empty, as it is written; false where the value is something else.
func (v Value) Verbatim() (string, bool) {
	switch n := v.node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

// Integer returns a plain decimal integer of at most 9 digits, not negative.
func (v Value) Integer() int {
	if v.Missing() {
		return 0
	}
	n, ok := v.node.(*ast.IntegerNode)
	if !ok {
		if s, is := v.node.(*ast.StringNode); is {
			v.Fail("%q is text: want an integer, without quotes", s.Value)
			return 0
		}
		v.refuse("an integer")
		return 0
	}
	s := n.GetToken().Value
	if i, err := strconv.Atoi(s); err == nil && i >= 0 && i < 1e9 && strconv.Itoa(i) == s {
		return i
	}
	v.Fail("%s: want an integer from 0 to 999999999, in digits alone, such as 50000", s)
	return 0
}

// Number returns an integer in any form that YAML has; ok is false where the value is something else, fits where it is too
// large.
func (v Value) Number() (n int64, fits, ok bool) {
	i, ok := v.node.(*ast.IntegerNode)
	if !ok {
		return 0, false, false
	}
	switch n := i.Value.(type) {
	case int64:
		return n, true, true
	case uint64:
		if n <= 1<<62 {
			return int64(n), true, true
		}
	}
	return 0, false, true
}

// Flag returns true or false.
func (v Value) Flag() bool {
	if v.Missing() {
		return false
	}
	n, ok := v.node.(*ast.BoolNode)
	if !ok {
		v.refuse("true or false")
		return false
	}
	return n.Value
}

// OneOf returns a text that is one of the words allowed; the first where it is missing.
func (v Value) OneOf(words ...string) string {
	if s, other := v.otherScalar(); other {
		v.Fail("%s: want %s", s, strings.Join(words, ", "))
		return words[0]
	}
	s := v.Text()
	if v.Missing() {
		return words[0]
	}
	for _, w := range words {
		if s == w {
			return s
		}
	}
	v.Fail("unknown word %q: want %s%s", s, strings.Join(words, ", "), DidYouMean(s, words))
	return words[0]
}

// otherScalar returns a value that YAML takes for a number or for true or false, as it is written.
func (v Value) otherScalar() (string, bool) {
	if v.Missing() {
		return "", false
	}
	switch v.node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.Written(), true
	}
	return "", false
}

// Parsed returns a text as parse reads it.
func Parsed[T any](v Value, parse func(string) (T, error)) T {
	var zero T
	if s, other := v.otherScalar(); other { // quotes alone would not help
		if _, err := parse(s); err != nil {
			v.Fail("%v", err)
			return zero
		}
	}
	s := v.Text()
	if v.Missing() {
		return zero
	}
	x, err := parse(s)
	if err != nil {
		v.Fail("%v", err)
		return zero
	}
	return x
}
