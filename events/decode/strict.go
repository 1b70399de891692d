package decode

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"headcount/events"
)

// slot names something that is read.
type slot uint8

const (
	slotType slot = iota
	slotGUID
	slotApp
	slotTime
	slotMeter // from here on of usage.reported only
	slotMonth
	slotDay
	slotSource
	slotValue
	slotRevision
	slotControl // the CloudEvents type, where fields say that ours lies elsewhere: seals are CloudEvents always
	slots
)

// shape is what stands where something is read.
type shape uint8

const (
	absent        shape = iota
	null                // counts as absent
	text                // val is the string, unescaped
	number              // val is the number as written
	notUTF8             // a string of bytes that are no UTF-8
	loneSurrogate       // a string with half a surrogate pair
	other               // true, false, an object or an array
	repeated            // it was there twice
)

type member struct {
	val   []byte
	shape shape
}

func (m *member) set(val []byte, s shape) {
	switch {
	case m.shape != absent:
		*m = member{shape: repeated}
	case val == nil && s == text:
		*m = member{shape: null}
	default:
		*m = member{val, s}
	}
}

// node is a name on the way to something that is read.
type node struct {
	name  string
	slots []slot
	below []node
	bit   uint64 // in strict.seen
}

// strict reads one JSON object by the letter of RFC 8259, and what lies at the nodes. It defines what is right; the scanner only
// has to agree. A text that is not well-formed gives a reason and no members. A string may hold broken text, half an emoji say: what
// is broken matters where it is read, and nowhere else.
type strict struct {
	root    *node // never changed
	members *[slots]member
	arena   *arena

	b     []byte
	i     int
	depth int
	seen  uint64 // nodes met
}

// maxDepth is that of Go's JSON packages.
const maxDepth = 10_000

func newStrict(f events.Fields, members *[slots]member, a *arena) *strict {
	root := cloudEventsTree
	if f = f.Resolved(); f != events.CloudEventsFields {
		root = newTree(f)
	}
	return &strict{root: root, members: members, arena: a}
}

var cloudEventsTree = newTree(events.CloudEventsFields)

// newTree returns the root of the nodes where the fields and quantities lie.
func newTree(f events.Fields) *node {
	root := &node{}
	bits := 0
	add := func(path string, to slot) {
		n := root
		for _, name := range strings.Split(path, ".") {
			at := -1
			for i := range n.below {
				if n.below[i].name == name {
					at = i
				}
			}
			if at < 0 {
				at = len(n.below)
				n.below = append(n.below, node{name: name, bit: 1 << bits})
				bits++
			}
			n = &n.below[at]
		}
		n.slots = append(n.slots, to)
	}
	add(f.Type, slotType)
	add(f.GUID, slotGUID)
	if f.AppConst == "" {
		add(f.App, slotApp)
	}
	add(f.Time, slotTime)
	add("meter", slotMeter)
	add("month", slotMonth)
	add("day", slotDay)
	add("source", slotSource)
	add("value", slotValue)
	add("revision", slotRevision)
	if f.Type != events.CloudEventsFields.Type {
		add(events.CloudEventsFields.Type, slotControl)
	}
	return root
}

// read fills members from an object.
func (s *strict) read(b []byte) events.Reason {
	*s.members = [slots]member{}
	s.b, s.i, s.depth, s.seen = b, 0, 0, 0
	s.space()
	if s.peek() != '{' {
		return notObject(b, s.peek())
	}
	if why := s.object(s.root); why != "" {
		if b[0] == '{' && len(b) > 1 && b[1] == 0 {
			return events.IsUTF16 // the low bytes first
		}
		return why
	}
	s.space()
	if s.i < len(s.b) {
		return events.TrailingBytes
	}
	return ""
}

// notObject says what a value is that does not begin with '{' but with first, after white space.
func notObject(b []byte, first byte) events.Reason {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return events.ByteOrderMark
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")), bytes.HasPrefix(b, []byte("\x00{")):
		return events.IsUTF16
	case len(b) >= schemaHeaderBytes && b[0] == 0:
		return events.SchemaHeader
	case first == '[':
		return events.IsArray
	}
	return events.BadJSON
}

// schemaHeaderBytes is the length of what serializers of the Confluent schema registry write before a value: 0, and the id of a schema.
const schemaHeaderBytes = 5

// peek returns the next byte, 0 at the end: no token begins with 0.
func (s *strict) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *strict) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// find returns the node of a name below n; nil where nothing of interest has that name.
func (n *node) find(name []byte) *node {
	if n == nil {
		return nil
	}
	for i := range n.below {
		if n.below[i].name == string(name) {
			return &n.below[i]
		}
	}
	return nil
}

// object reads from '{' to '}'. Where a name on a path is there twice, all that lies below it is.
func (s *strict) object(n *node) events.Reason {
	if s.depth++; s.depth > maxDepth {
		return events.TooDeep
	}
	s.i++
	s.space()
	if s.peek() == '}' {
		s.i++
		s.depth--
		return ""
	}
	for {
		if s.peek() != '"' {
			return events.BadJSON
		}
		mark := len(s.arena.buf)
		name, shape, why := s.text()
		if why != "" {
			return why
		}
		var child *node
		if shape == text { // a broken name is none that is read
			child = n.find(name)
		}
		s.arena.buf = s.arena.buf[:min(mark, len(s.arena.buf))]
		if child != nil {
			if s.seen&child.bit != 0 {
				s.repeat(child)
				child = nil
			} else {
				s.seen |= child.bit
			}
		}
		s.space()
		if s.peek() != ':' {
			return events.BadJSON
		}
		s.i++
		s.space()
		if why := s.value(child); why != "" {
			return why
		}
		s.space()
		switch s.peek() {
		case ',':
			s.i++
			s.space()
		case '}':
			s.i++
			s.depth--
			return ""
		default:
			return events.BadJSON
		}
	}
}

// repeat marks what lies at and below a node as there twice.
func (s *strict) repeat(n *node) {
	for _, to := range n.slots {
		s.members[to] = member{shape: repeated}
	}
	for i := range n.below {
		s.repeat(&n.below[i])
	}
}

func (s *strict) array() events.Reason {
	if s.depth++; s.depth > maxDepth {
		return events.TooDeep
	}
	s.i++
	s.space()
	if s.peek() == ']' {
		s.i++
		s.depth--
		return ""
	}
	for {
		if why := s.value(nil); why != "" {
			return why
		}
		s.space()
		switch s.peek() {
		case ',':
			s.i++
			s.space()
		case ']':
			s.i++
			s.depth--
			return ""
		default:
			return events.BadJSON
		}
	}
}

// value reads any value; n is the node it lies at, or nil.
func (s *strict) value(n *node) (why events.Reason) {
	var m member
	start := s.i
	switch s.peek() {
	case '"':
		mark := len(s.arena.buf)
		if m.val, m.shape, why = s.text(); why != "" {
			return why
		}
		if n == nil || len(n.slots) == 0 {
			s.arena.buf = s.arena.buf[:min(mark, len(s.arena.buf))]
		}
	case '{':
		m.shape = other
		why = s.object(n)
	case '[':
		m.shape = other
		why = s.array()
	case 't':
		m.shape = other
		why = s.literal("true")
	case 'f':
		m.shape = other
		why = s.literal("false")
	case 'n':
		m.shape = null
		why = s.literal("null")
	default:
		m.shape = number
		why = s.number()
		m.val = s.b[start:s.i]
	}
	if n != nil && why == "" {
		for _, to := range n.slots {
			s.members[to] = m
		}
	}
	return why
}

func (s *strict) literal(word string) events.Reason {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return events.BadJSON
	}
	s.i += len(word)
	return ""
}

func (s *strict) number() events.Reason {
	digits := func() bool {
		start := s.i
		for s.peek()-'0' <= 9 {
			s.i++
		}
		return s.i > start
	}
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !digits() {
		return events.BadJSON
	}
	if s.peek() == '.' {
		s.i++
		if !digits() {
			return events.BadJSON
		}
	}
	if s.peek()|0x20 == 'e' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if !digits() {
			return events.BadJSON
		}
	}
	return ""
}

// text reads a string from its opening quote and returns it unescaped: a part of the text, or of the arena. One that is broken is nil,
// and the shape says how.
func (s *strict) text() ([]byte, shape, events.Reason) {
	s.i++
	start := s.i
	escaped, ascii := false, true
	for {
		if s.i >= len(s.b) {
			return nil, absent, events.BadJSON
		}
		c := s.b[s.i]
		if c == '"' {
			break
		}
		if c < 0x20 {
			return nil, absent, events.BadJSON
		}
		if c == '\\' {
			escaped = true
			if s.i++; s.i >= len(s.b) {
				return nil, absent, events.BadJSON
			}
		}
		ascii = ascii && c < utf8.RuneSelf
		s.i++
	}
	raw := s.b[start:s.i:s.i]
	s.i++
	val, is := raw, text
	if escaped {
		var why events.Reason
		if val, is, why = s.arena.unescape(raw); why != "" {
			return nil, absent, why
		}
	}
	if !ascii && !utf8.Valid(raw) {
		return nil, notUTF8, ""
	}
	return val, is, ""
}
