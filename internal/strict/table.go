package strict

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
)

// Rows says how rows are elements with fields.
type Rows struct {
	Key  string // the column by which rows are one element, where each has one member
	List string // the column of members, with white space, ; or , between them: one row an element
	Each string // or the column of one member: one row a member
}

// Table reads CSV (RFC 4180) as a list of elements, as Elements does. The first line names the columns, which are separated by a
// comma, or by semicolons where the first line has no comma. A column is a field; a.b.c is field b.c of field a. An empty cell is a field left out; one
// that begins with [ or { is a list or fields as in YAML; any other is text. Of an element with several rows each field is said
// once, or alike in each row that has it.
func Table(file string, data []byte, limit int, by Rows, count func(n int), read func(i int, v Value)) *Error {
	whole := Place{File: file}
	if len(data) > limit {
		return whole.Errorf("is %d bytes long, more than %s: make it a folder of files", len(data), size(limit))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // spreadsheets write it
	if err := otherCoding(file, data); err != nil {
		return err
	}
	t := table{file: file, by: by, rows: map[string]*node{}}
	in := csv.NewReader(bytes.NewReader(data))
	in.ReuseRecord = true
	if first, _, _ := bytes.Cut(data, []byte("\n")); !bytes.Contains(first, []byte(",")) && bytes.Contains(first, []byte(";")) {
		in.Comma = ';'
	}
	if err := t.readAll(in); err != nil {
		return err
	}
	count(len(t.elements))
	errs := make([]*Error, len(t.elements))
	InParallel(len(t.elements), func(i int) {
		d := &Document{file: file}
		read(i, Value{doc: d, node: t.elements[i], At: d.place(t.elements[i], "")})
		errs[i] = d.err
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// table is a table while it is read.
type table struct {
	file     string
	by       Rows
	columns  []column
	rows     map[string]*node // elements by their key, where several rows may be one
	elements []*node
}

// column is where a column's cells go.
type column struct {
	name   *node // of the field
	within *node // the field that it is a field of; nil: of the element
	whole  string
}

func (t *table) readAll(in *csv.Reader) *Error {
	for first := true; ; first = false {
		cells, err := in.Read()
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			return Place{File: t.file, Line: bad.Line, Column: bad.Column}.Errorf("%v", bad.Err)
		}
		if errors.Is(err, io.EOF) {
			if first {
				return Place{File: t.file}.Errorf("is empty: want a first line that names the columns, such as id,apps,plan,from")
			}
			return nil
		}
		at := func(i int) (line, column int32) {
			l, c := in.FieldPos(i)
			return int32(l), int32(c)
		}
		var wrong *Error
		if first {
			wrong = t.header(cells, at)
		} else {
			wrong = t.row(cells, at)
		}
		if wrong != nil {
			return wrong
		}
	}
}

func (t *table) header(cells []string, at func(i int) (line, column int32)) *Error {
	for i, name := range cells {
		line, col := at(i)
		p := Place{File: t.file, Line: int(line), Column: int(col)}
		name = strings.TrimSpace(name)
		switch {
		case name == "":
			return p.Errorf("the column has no name")
		case slices.ContainsFunc(t.columns, func(c column) bool { return c.whole == name }):
			return p.Errorf("the column %s is there twice", name)
		}
		text := func(s string) *node {
			return &node{kind: textNode, scalar: true, line: line, column: col, written: s, text: s}
		}
		c := column{whole: name}
		if field, of, ok := strings.Cut(name, "."); ok {
			c.within, c.name = text(field), text(of)
		} else {
			c.name = text(name)
		}
		t.columns = append(t.columns, c)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(t.columns, func(c column) bool { return c.whole == name })
	}
	if has(t.by.List) && has(t.by.Each) {
		return Place{File: t.file, Line: 1, Column: 1}.Errorf("has a column %s and a column %s: want %s in one row an account, or %s in one row each", t.by.List, t.by.Each, t.by.List, t.by.Each)
	}
	if !has(t.by.Each) {
		t.by.Each = ""
	}
	return nil
}

func (t *table) row(cells []string, at func(i int) (line, column int32)) *Error {
	var e *node
	line, col := at(0)
	if t.by.Each != "" {
		for i, c := range t.columns {
			if c.whole == t.by.Key {
				e = t.rows[cells[i]]
				if e == nil {
					e = &node{kind: fieldsNode, line: line, column: col}
					t.rows[strings.Clone(cells[i])] = e
					t.elements = append(t.elements, e)
				}
			}
		}
	}
	if e == nil {
		e = &node{kind: fieldsNode, line: line, column: col, items: make([]*node, 0, 2*len(cells))}
		t.elements = append(t.elements, e)
	}
	for i, c := range t.columns {
		if strings.TrimSpace(cells[i]) == "" {
			continue
		}
		l, k := at(i)
		v, err := t.cell(c, cells[i], l, k)
		if err != nil {
			return err
		}
		to := e
		name := c.name
		if c.within != nil {
			if to = e.field(c.within.text); to == nil {
				to = &node{kind: fieldsNode, line: l, column: k}
				e.items = append(e.items, c.within, to)
			}
		}
		switch {
		case c.whole == t.by.Each:
			list := e.field(t.by.List)
			if list == nil {
				list = &node{kind: listNode, line: l, column: k}
				e.items = append(e.items, &node{kind: textNode, scalar: true, line: name.line, column: name.column, written: t.by.List, text: t.by.List}, list)
			}
			list.items = append(list.items, v)
		case to.kind != fieldsNode:
			return Place{File: t.file, Line: int(l), Column: int(k), Field: c.whole}.Errorf("%s has a column of its own too: leave one of both empty", c.within.text)
		default:
			switch was := to.field(name.text); {
			case was == nil:
				to.items = append(to.items, name, v)
			case !was.same(v):
				return Place{File: t.file, Line: int(l), Column: int(k), Field: c.whole}.Errorf("is not what line %d has: rows of one %s say each field once, or alike", was.line, t.by.Key)
			}
		}
	}
	return nil
}

// cell reads a cell that is not empty.
func (t *table) cell(c column, s string, line, col int32) (*node, *Error) {
	s = strings.Clone(strings.TrimSpace(s))
	switch {
	case c.whole != t.by.Each && (s[0] == '[' || s[0] == '{'):
		d := &Document{file: t.file}
		n := readQuick(s, 1)
		if n == nil {
			if d.parse([]byte(s)); d.err != nil || d.root == nil {
				return nil, Place{File: t.file, Line: int(line), Column: int(col), Field: c.whole}.Errorf("begins with %q and is no list or fields as in YAML", s[:1])
			}
			n = d.root
		}
		n.placeAll(line, col)
		return n, nil
	case c.whole == t.by.List:
		n := &node{kind: listNode, line: line, column: col}
		for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ';' || r == ',' || r == '\n' || r == '\t' }) {
			n.items = append(n.items, &node{kind: textNode, scalar: true, line: line, column: col, written: word, text: word})
		}
		return n, nil
	}
	return &node{kind: textNode, scalar: true, line: line, column: col, written: s, text: s}, nil
}

func (x *node) placeAll(line, column int32) {
	x.line, x.column = line, column
	for _, i := range x.items {
		i.placeAll(line, column)
	}
}

// field returns a field's value; nil: there is none.
func (x *node) field(name string) *node {
	for i := 0; i+1 < len(x.items); i += 2 {
		if x.items[i].text == name {
			return x.items[i+1]
		}
	}
	return nil
}

// same says whether two nodes say the same, wherever they stand.
func (x *node) same(y *node) bool {
	return x.kind == y.kind && x.text == y.text && x.written == y.written && slices.EqualFunc(x.items, y.items, (*node).same)
}
