package strict

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// quick reads the YAML that programs and people mostly write: fields and lists in blocks or brackets, plain and quoted scalars on one
// line, comments on lines of their own or behind a value. It takes less than the parser, and what it takes it takes alike
// (FuzzQuick); at anything else it gives up, and the parser has it.
type quick struct {
	s      string
	at     int // of what is read next
	begin  int // of the line
	line   int32
	wide   int // bytes of the line that begin no character
	nest   int
	braces int // that are open
	fail   bool

	nodes slab[node]
	refs  slab[*node]
	open  []*node // items of what is not complete, the innermost last
}

// slab hands out memory that is used again for the next document.
type slab[T any] struct {
	chunk []T
	used  int
}

func (s *slab[T]) take(n int) []T {
	if s.used+n > len(s.chunk) {
		s.chunk, s.used = make([]T, max(n, 64, min(2*len(s.chunk), 1<<14))), 0
	}
	s.used += n
	return s.chunk[s.used-n : s.used : s.used]
}

func (s *slab[T]) reset() {
	clear(s.chunk[:s.used])
	s.used = 0
}

// close makes what was opened since then a node's items.
func (q *quick) close(n *node, since int) *node {
	n.items = q.refs.take(len(q.open) - since)
	copy(n.items, q.open[since:])
	q.open = q.open[:since]
	return n
}

// readQuick reads a document, or a part of one whose first line has the given number; nil: it gave up.
func readQuick(s string, line int) *node { return new(quick).read(s, line) }

// read is readQuick with memory that the next read uses again.
func (q *quick) read(s string, line int) *node {
	q.nodes.reset()
	q.refs.reset()
	*q = quick{s: s, line: int32(line), nodes: q.nodes, refs: q.refs, open: q.open[:0]}
	if strings.IndexByte(s, '\r') >= 0 || !q.toText() {
		return nil
	}
	root := q.block(q.column())
	if q.fail || q.toText() || root.scalar {
		return nil
	}
	return root
}

// stop gives up.
func (q *quick) stop() *node {
	q.fail = true
	return nil
}

func (q *quick) node(k kind) *node {
	n := &q.nodes.take(1)[0]
	n.kind, n.line, n.column = k, q.line, int32(q.column())
	return n
}

// column counts characters, from 1.
func (q *quick) column() int { return q.at - q.begin - q.wide + 1 }

// newLine crosses a line's end.
func (q *quick) newLine() {
	q.at++
	q.line++
	q.begin, q.wide = q.at, 0
}

func (q *quick) peek() byte {
	if q.at < len(q.s) {
		return q.s[q.at]
	}
	return '\n'
}

// ahead is the byte behind the next.
func (q *quick) ahead() byte {
	if q.at+1 < len(q.s) {
		return q.s[q.at+1]
	}
	return '\n'
}

func (q *quick) blanks() {
	for q.at < len(q.s) && q.s[q.at] == ' ' {
		q.at++
	}
}

// toText goes to the next byte that is no blank, line end or comment; false at the end. What it crosses must end a value, or begin a line.
func (q *quick) toText() bool {
	for q.at < len(q.s) {
		switch c := q.s[q.at]; {
		case c == ' ':
			q.at++
		case c == '\n':
			q.newLine()
		case c == '#' && (q.at == q.begin || q.s[q.at-1] == ' '):
			if i := strings.IndexByte(q.s[q.at:], '\n'); i >= 0 {
				q.at += i
			} else {
				q.at = len(q.s)
			}
		default:
			return true
		}
	}
	return false
}

// end says whether nothing but a comment follows in the line, and goes to the next text.
func (q *quick) end() bool {
	line := q.line
	return !q.toText() || q.line != line
}

// deepest is how many blocks and brackets may be open.
const deepest = maxNesting

// block reads what begins at the present byte, the first of its line but for blanks and dashes; column is where it stands.
func (q *quick) block(column int) *node {
	if q.nest++; q.nest > deepest || column > maxIndent {
		return q.stop()
	}
	defer func() { q.nest-- }()
	switch c := q.peek(); {
	case c == '-' && (q.ahead() == ' '):
		return q.blockList(column)
	case c == '[' || c == '{':
		n := q.flow()
		if q.fail || !q.end() {
			return q.stop()
		}
		return n
	}
	key := q.scalar(false)
	if q.fail {
		return nil
	}
	if q.peek() == ':' && (q.ahead() == ' ' || q.ahead() == '\n') {
		return q.blockFields(key, column)
	}
	if !q.end() {
		return q.stop()
	}
	if q.at < len(q.s) && q.column() > column { // text that goes on
		return q.stop()
	}
	return key
}

func (q *quick) blockList(column int) *node {
	n := q.node(listNode)
	n.written = "-"
	since := len(q.open)
	for {
		q.at++
		q.blanks()
		if c := q.peek(); c == '\n' || c == '#' {
			return q.stop()
		}
		item := q.block(q.column())
		if q.fail {
			return nil
		}
		q.open = append(q.open, item)
		switch {
		case q.at >= len(q.s) || q.column() < column:
			return q.close(n, since)
		case q.column() > column:
			return q.stop()
		case q.peek() != '-' || q.ahead() != ' ': // the list of a field, in the field's own column
			return q.close(n, since)
		}
	}
}

func (q *quick) blockFields(key *node, column int) *node {
	n := q.node(fieldsNode)
	n.line, n.column, n.written = key.line, key.column, ":"
	n.colonLine, n.colon = q.line, int32(q.column())
	since := len(q.open)
	for {
		if key.kind != textNode || twice(q.open[since:], key.text) {
			return q.stop()
		}
		q.at++
		var value *node
		if line := q.line; !q.toText() || q.line != line {
			own := q.column() == column && q.peek() == '-' && q.ahead() == ' '
			if q.at >= len(q.s) || q.column() <= column && !own {
				return q.stop() // nothing
			}
			value = q.block(q.column())
		} else {
			value = q.value(column)
		}
		if q.fail {
			return nil
		}
		q.open = append(q.open, key, value)
		switch {
		case q.at >= len(q.s) || q.column() < column:
			return q.close(n, since)
		case q.column() > column:
			return q.stop()
		}
		if key = q.scalar(false); q.fail {
			return nil
		}
		if q.peek() != ':' || q.ahead() != ' ' && q.ahead() != '\n' {
			return q.stop()
		}
	}
}

// value reads what stands behind a field's colon, in its line; column is the field's.
func (q *quick) value(column int) *node {
	var n *node
	if c := q.peek(); c == '[' || c == '{' {
		n = q.flow()
	} else {
		n = q.scalar(false)
	}
	if q.fail || !q.end() {
		return q.stop()
	}
	if q.at < len(q.s) && q.column() > column {
		return q.stop()
	}
	return n
}

// twice says whether fields have one of that name, or are too many to be looked through. The parser refuses a name that is there twice.
func twice(fields []*node, name string) bool {
	if len(fields) > 128 {
		return true
	}
	for i := 0; i < len(fields); i += 2 {
		if fields[i].text == name {
			return true
		}
	}
	return false
}

// flow reads a list or fields in brackets.
func (q *quick) flow() *node {
	if q.nest++; q.nest > deepest {
		return q.stop()
	}
	defer func() { q.nest-- }()
	list := q.peek() == '['
	n := q.node(fieldsNode)
	closing := byte('}')
	if list {
		n.kind, closing = listNode, ']'
	}
	n.written = q.s[q.at : q.at+1]
	if n.braces = !list; n.braces {
		q.braces++
		defer func() { q.braces-- }()
	}
	q.at++
	since := len(q.open)
	for {
		if !q.inFlow() {
			return q.stop()
		}
		if q.peek() == closing {
			if len(q.open) > since && q.s[q.lastSign()] == ',' {
				return q.stop() // a comma at the end is the parser's matter
			}
			q.at++
			return q.close(n, since)
		}
		item := q.flowValue()
		if q.fail {
			return nil
		}
		if (!list || q.braces > 0) && item.plain && strings.IndexByte(item.text, ':') >= 0 { // the parser ends a name there
			return q.stop()
		}
		if list {
			q.open = append(q.open, item)
		} else {
			if item.kind != textNode || twice(q.open[since:], item.text) || q.peek() != ':' || q.ahead() != ' ' {
				return q.stop()
			}
			q.at++
			if !q.inFlow() {
				return q.stop()
			}
			value := q.flowValue()
			if q.fail {
				return nil
			}
			q.open = append(q.open, item, value)
		}
		if !q.inFlow() {
			return q.stop()
		}
		switch q.peek() {
		case ',':
			q.at++
		case closing:
		default:
			return q.stop()
		}
	}
}

// lastSign is where the last byte before the present one lies that is no white space.
func (q *quick) lastSign() int {
	i := q.at - 1
	for q.s[i] == ' ' || q.s[i] == '\n' {
		i--
	}
	return i
}

// inFlow crosses blanks and line ends; false at the end, or at a comment.
func (q *quick) inFlow() bool {
	for q.at < len(q.s) {
		switch q.s[q.at] {
		case ' ':
			q.at++
		case '\n':
			q.newLine()
		case '#':
			return false
		default:
			return true
		}
	}
	return false
}

func (q *quick) flowValue() *node {
	if c := q.peek(); c == '[' || c == '{' {
		return q.flow()
	}
	return q.scalar(true)
}

// What a byte may be in a plain scalar.
const (
	no = iota
	yes
	inside // neither first nor last
	later  // not first
)

var plain = func() (t [256]uint8) {
	for c := range t {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '/', c >= 0x80:
			t[c] = yes
		case c == '.':
			t[c] = later
		case c == '-', c == '+', c == ' ', c == ':', c == '@', c == '=', c == '$', c == '~', c == '(', c == ')', c == ';', c == '%', c == '*':
			t[c] = inside
		}
	}
	return t
}()

// scalar reads a scalar on one line, plain or in quotes.
func (q *quick) scalar(flow bool) *node {
	c := q.peek()
	if c == '"' || c == '\'' {
		return q.quoted(c)
	}
	if plain[c] != yes {
		return q.stop()
	}
	n := q.node(textNode)
	s := q.s[q.at:]
	end := 0 // behind the last byte that may be the last
	i := 0
scan:
	for ; i < len(s); i++ {
		switch plain[s[i]] {
		case yes, later:
			end = i + 1
			q.widen(s[i])
		case inside:
			if s[i] == ':' && (i+1 >= len(s) || plain[s[i+1]] != yes) { // the scalar is a name
				break scan
			}
		default:
			break scan
		}
	}
	text := s[:end]
	for i = end; i < len(s) && s[i] == ' '; i++ {
	}
	switch {
	case i == end && (i >= len(s) || s[i] == '\n'): // behind blanks the parser places the scalar elsewhere
	case i < len(s) && s[i] == '#' && i > end:
	case i < len(s) && s[i] == ':' && i == end:
	case i < len(s) && flow && (s[i] == ',' || s[i] == ']' || s[i] == '}'):
	default:
		return q.stop()
	}
	q.at += end
	if !flow && i < len(s) && s[i] != ':' {
		q.at = q.at - end + i
	}
	n.written, n.text, n.scalar, n.plain = text, text, true, true
	if !isText(text) {
		return q.typed(n)
	}
	return n
}

// widen notes a byte that begins no character.
func (q *quick) widen(c byte) {
	if c&0xc0 == 0x80 {
		q.wide++
	}
}

// isText tells at a glance what is neither number, truth nor nothing.
func isText(s string) bool {
	switch c := s[0]; {
	case '0' <= c && c <= '9':
		return len(s) == len("2026-01-01") && s[4] == '-' && s[7] == '-'
	case len(s) == 4 || len(s) == 5: // null, true, false
		return c != 'n' && c != 'N' && c != 't' && c != 'T' && c != 'f' && c != 'F' || s == "from"
	}
	return true
}

// typed makes of a plain scalar what it is.
func (q *quick) typed(n *node) *node {
	switch t := token.New(n.text, n.text, nil); t.Type {
	case token.StringType:
	case token.IntegerType:
		v, ok := 0, len(n.text) < 10 && (n.text[0] != '0' || len(n.text) == 1)
		for _, c := range []byte(n.text) {
			ok = ok && '0' <= c && c <= '9'
			v = 10*v + int(c-'0')
		}
		if !ok {
			return q.stop()
		}
		n.kind, n.text, n.number = integerNode, "", int64(v)
	default:
		return q.stop()
	}
	return n
}

// quoted reads a text in quotes, without escapes.
func (q *quick) quoted(quote byte) *node {
	n := q.node(textNode)
	s := q.s[q.at+1:]
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\' && quote == '"' || c < ' ':
			return q.stop()
		case c >= 0x80:
			q.widen(c)
		case c == quote:
			if q.at += i + 2; q.peek() == quote {
				return q.stop()
			}
			n.text, n.written, n.scalar = s[:i], s[:i], true
			return n
		}
	}
	return q.stop()
}
