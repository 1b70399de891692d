package strict

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is a node of a document. A value that is missing reads as zero: a field that is not there, or any after an error.
type Value struct {
	At   Place
	doc  *Document
	node *node
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
	return v.is(nullNode)
}

// Referring says that the value is an anchor, an alias or a merge key.
func (v Value) Referring() bool {
	return v.is(referenceNode)
}

func (v Value) is(k kind) bool { return v.node != nil && v.node.kind == k }

// Written returns a scalar as it stands in the file, without quotes; of a list or of fields, the sign that begins it.
func (v Value) Written() string {
	if v.node == nil {
		return ""
	}
	return v.node.written
}

// Form names what a value is, for errors: a list, fields, or a scalar in quotes.
func (v Value) Form() string {
	switch {
	case v.is(listNode):
		return "a list"
	case v.is(fieldsNode):
		return "fields"
	}
	return strconv.Quote(v.Written())
}

// Scalar says that the value is neither a list nor fields.
func (v Value) Scalar() bool {
	return v.node != nil && v.node.scalar
}

func (v Value) child(n *node, field string) Value {
	return Value{doc: v.doc, node: n, At: v.doc.place(n, field)}
}

// refuse reports a node of a kind that was not wanted here.
func (v Value) refuse(want string) {
	switch v.node.kind {
	case referenceNode:
		v.Fail("anchors and aliases are not read: write the value out")
	case tagNode:
		v.Fail("tags are not read: want %s", want)
	case nullNode:
		if v.must {
			v.Fail("has no value: want %s", want)
			return
		}
		v.Fail("has no value: want %s, or leave the field out", want)
	case integerNode, numberNode, flagNode:
		if strings.HasPrefix(want, "text") {
			v.Fail("is not text: write it in quotes, as in %q", strings.ReplaceAll(v.node.written, "_", ""))
			return
		}
		v.Fail("%s: want %s", v.node.written, want)
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
	if !v.is(listNode) {
		return nil, false
	}
	out := make([]Value, len(v.node.items))
	for i, n := range v.node.items {
		out[i] = v.child(n, element(v.At.Field, i))
	}
	return out, true
}

// element is the path of an element of a list.
func element(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// PlainTexts returns a list's elements where each is a text of 1 to most visible ASCII characters; else false, and the elements are to be
// read one by one. It saves a long list the places that only errors need.
func (v Value) PlainTexts(most int) ([]string, bool) {
	if v.Missing() || v.node.kind != listNode {
		return nil, false
	}
	out := make([]string, len(v.node.items))
	for i, n := range v.node.items {
		if n == nil || n.kind != textNode || n.text == "" || len(n.text) > most {
			return nil, false
		}
		for _, c := range []byte(n.text) {
			if c <= ' ' || c >= 0x7f {
				return nil, false
			}
		}
		out[i] = n.text
	}
	return out, true
}

// Text returns a string scalar that is not empty and has no control characters.
func (v Value) Text() string {
	if v.Missing() {
		return ""
	}
	if v.node.kind != textNode {
		v.refuse("text")
		return ""
	}
	text := v.node.text
	if text == "" {
		v.Fail("is empty")
	}
	for _, r := range text {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			v.Fail("%q has control characters", text)
			break
		}
	}
	return text
}

// Prose returns text that may run over several lines.
func (v Value) Prose() string {
	if !v.Missing() && v.node.kind == blockNode {
		return strings.TrimSpace(v.node.text)
	}
	return v.Text()
}

// Joined returns a value that YAML reads as one text and the parser takes for a pair, as that text: within braces the parser ends a
// plain scalar of a list at any colon, as in {brokers: [127.0.0.1:9092]}. Any other value it returns as it is.
func (v Value) Joined() Value {
	if !v.is(fieldsNode) || v.node.braces || len(v.node.items) != 2 {
		return v
	}
	key, value := v.node.items[0], v.node.items[1]
	if key == nil || value == nil || !key.plain || !value.plain || key.line != v.node.colonLine || value.line != v.node.colonLine {
		return v
	}
	if key.column+int32(utf8.RuneCountInString(key.written)) != v.node.colon || v.node.colon+1 != value.column {
		return v
	}
	text := key.written + ":" + value.written
	v.node = &node{kind: textNode, scalar: true, plain: true, line: key.line, column: key.column, written: text, text: text}
	return v
}

// Verbatim returns any text, also empty, as it is written; false where the value is something else.
func (v Value) Verbatim() (string, bool) {
	if v.is(textNode) || v.is(blockNode) {
		return v.node.text, true
	}
	return "", false
}

// Integer returns a plain decimal integer of at most 9 digits, not negative.
func (v Value) Integer() int {
	if v.Missing() {
		return 0
	}
	if v.node.kind != integerNode {
		if v.node.kind == textNode {
			v.Fail("%q is text: want an integer, without quotes", v.node.text)
			return 0
		}
		v.refuse("an integer")
		return 0
	}
	s := v.node.written
	if i, err := strconv.Atoi(s); err == nil && i >= 0 && i < 1e9 && strconv.Itoa(i) == s {
		return i
	}
	v.Fail("%s: want an integer from 0 to 999999999, in digits alone, such as 50000", s)
	return 0
}

// Number returns an integer in any form that YAML has; ok is false where the value is something else, fits where it is too
// large.
func (v Value) Number() (n int64, fits, ok bool) {
	switch {
	case !v.is(integerNode):
		return 0, false, false
	case v.node.large:
		return 0, false, true
	}
	return v.node.number, true, true
}

// Flag returns true or false.
func (v Value) Flag() bool {
	if v.Missing() {
		return false
	}
	if v.node.kind != flagNode {
		v.refuse("true or false")
		return false
	}
	return v.node.flag
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
	switch v.node.kind {
	case integerNode, numberNode, flagNode:
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
