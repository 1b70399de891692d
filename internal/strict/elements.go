package strict

import (
	"runtime"
	"strings"
	"sync"
)

// Elements reads a document that is one list under one field, such as accounts, however long: element by element, on all
// processors, and hands each to read with its index. read is called by several goroutines; what it finds wrong it says by
// Value.Fail. The first error of the document, by place, is returned. It is as Parse and Root().Object().Must(field).List() would
// have it, but for what the parser says of broken YAML where the file is over small.
//
// count is called once before, with how many elements there are. A Value holds until read returns; its texts for ever.
func Elements(file string, data []byte, limit int, field string, count func(n int), read func(i int, v Value)) *Error {
	whole := Place{File: file}
	if len(data) > limit {
		return whole.Errorf("is %d bytes long, more than %s: leave out what is no longer needed, or make it a folder of files", len(data), size(limit))
	}
	if err := otherCoding(file, data); err != nil {
		return err
	}
	text := string(data)
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	parts := split(text, field)
	if parts == nil || strings.IndexByte(text, '\r') >= 0 { // alone it ends a line too, of the parser's
		return unsplit(file, data, field, count, read)
	}
	count(len(parts))
	errs := make([]*Error, len(parts))
	broken := make([]bool, len(parts))
	InParallel(len(parts), func(i int) {
		d := &Document{file: file}
		q := readers.Get().(*quick)
		defer readers.Put(q)
		n, err := parts[i].node(file, q)
		if err != nil {
			broken[i], errs[i] = true, err
			return
		}
		read(i, Value{doc: d, node: n, At: d.place(n, element(field, i))})
		errs[i] = d.err
	})
	for i, err := range errs {
		if err == nil {
			continue
		}
		if broken[i] && len(data) <= small {
			return unsplit(file, data, field, count, read)
		}
		return err
	}
	return nil
}

var readers = sync.Pool{New: func() any { return new(quick) }}

// small is up to where a file is read whole where its elements cannot be told apart: the parser needs fifty times its size in memory.
const small = 1 << 20

// unsplit reads a document as a whole.
func unsplit(file string, data []byte, field string, count func(n int), read func(i int, v Value)) *Error {
	var d *Document
	if root := readQuick(string(data), 1); root != nil {
		d = &Document{file: file, root: root}
	} else if len(data) <= small {
		d = Parse(file, data, small)
	} else {
		return Place{File: file}.Errorf("is over %s and not a plain list: write %s: in a line of its own and each element behind a dash (- id: …), all in one column, or make it a folder of files", size(small), field)
	}
	return ofDocument(d, field, count, read)
}

func ofDocument(d *Document, field string, count func(n int), read func(i int, v Value)) *Error {
	if d.err == nil && d.root == nil {
		return Place{File: d.file}.Errorf("is empty")
	}
	o := d.Root().Object()
	all := o.Must(field)
	if all.Null() {
		all.Fail("has no value: want a list; for none, write %s: []", field)
	}
	items := all.List()
	count(len(items))
	for i, v := range items {
		if read(i, v); d.err != nil {
			return d.err
		}
	}
	o.Done()
	return d.err
}

// part is an element's text, from the line of its dash on.
type part struct {
	text string
	line int
}

// node reads the element.
func (p part) node(file string, q *quick) (*node, *Error) {
	root := q.read(p.text, p.line)
	if root == nil {
		d := &Document{file: file}
		if d.parse([]byte(p.text)); d.err != nil {
			d.err.Line = max(1, d.err.Line) + p.line - 1
			return nil, d.err
		}
		root = d.root
		root.moveDown(int32(p.line - 1))
	}
	if root == nil || root.kind != listNode || len(root.items) != 1 {
		return nil, Place{File: file, Line: p.line, Column: 1}.Errorf("is not an element of a list")
	}
	return root.items[0], nil
}

func (x *node) moveDown(lines int32) {
	if x == nil {
		return
	}
	if x.line > 0 {
		x.line += lines
	}
	if x.colonLine > 0 {
		x.colonLine += lines
	}
	for _, i := range x.items {
		i.moveDown(lines)
	}
}

// split finds a block list under a field that is the document's only one, and returns its elements; nil: the document is another. A
// line that begins a further element cannot belong to the one before: what goes on over a line is indented by more, or its
// element cannot be read.
func split(text, field string) (parts []part) {
	line, indent, head := 0, -1, false
	begin := 0
	for at := 0; at < len(text); {
		line++
		end := len(text)
		if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		s := text[at:end]
		here := at
		at = end
		lead := 0
		for lead < len(s) && s[lead] == ' ' {
			lead++
		}
		rest := strings.TrimRight(s[lead:], " \n")
		switch {
		case rest == "" || rest[0] == '#':
			continue
		case !head:
			name, comment, ok := strings.Cut(rest, ":")
			if comment = strings.TrimLeft(comment, " "); !ok || name != field || lead != 0 || comment != "" && (comment[0] != '#' || rest[len(field)+1] != ' ') {
				return nil
			}
			head = true
		case !strings.HasPrefix(rest, "- ") || indent >= 0 && lead != indent:
			if indent < 0 || lead <= indent {
				return nil
			}
		default:
			if indent = lead; len(parts) > 0 {
				parts[len(parts)-1].text = text[begin:here]
			}
			begin = here
			parts = append(parts, part{line: line})
		}
	}
	if len(parts) > 0 {
		parts[len(parts)-1].text = text[begin:]
	}
	return parts
}

// InParallel calls do for 0 … n-1, in stretches, on all processors.
func InParallel(n int, do func(i int)) {
	const stretch = 64
	var next int
	var turn sync.Mutex
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+stretch-1)/stretch) {
		all.Go(func() {
			for {
				turn.Lock()
				from := next
				next += stretch
				turn.Unlock()
				if from >= n {
					return
				}
				for i := from; i < min(n, from+stretch); i++ {
					do(i)
				}
			}
		})
	}
	all.Wait()
}
