package strict

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	maxNesting = 32  // brackets open at once; no document of ours needs more than 4
	maxIndent  = 256 // bytes of indentation and dashes before a line's text
)

// Document is one YAML file while it is read.
type Document struct {
	file string
	root *node // nil: the document is empty
	err  *Error
}

// Parse reads a file's bytes, at most limit of them; file is what errors call it.
func Parse(file string, data []byte, limit int) *Document {
	d := &Document{file: file}
	if len(data) > limit {
		d.err = Place{File: file}.Errorf("is %d bytes long, more than %s: leave out what is no longer needed", len(data), size(limit))
	} else if d.err = otherCoding(file, data); d.err == nil {
		d.parse(data)
	}
	return d
}

func (d *Document) parse(data []byte) {
	if d.err = tooDeep(d.file, data); d.err != nil {
		return
	}
	tree, err := parse(data)
	if err != nil {
		d.err = syntaxError(d.file, err)
		return
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		root := nodeOf(doc.Body)
		if d.root != nil {
			d.fail(d.place(root, ""), "a second YAML document: a file has no more than one")
		}
		d.root = root
	}
}

// Root returns what the document says; missing where it is empty or an error.
func (d *Document) Root() Value {
	v := Value{doc: d, At: Place{File: d.file}}
	if d.root != nil && d.err == nil {
		v.node, v.At = d.root, d.place(d.root, "")
	}
	return v
}

// Err returns the first error; nil: none.
func (d *Document) Err() *Error { return d.err }

func (d *Document) fail(p Place, format string, args ...any) {
	if d.err == nil {
		d.err = p.Errorf(format, args...)
	}
}

// tooDeep refuses what the parser should not be given: it takes time and memory without bound for deep nesting.
func tooDeep(file string, data []byte) *Error {
	depth, number := 0, 0
	for line := range bytes.Lines(data) {
		number++
		at := Place{File: file, Line: number, Column: 1}
		if lead := len(line) - len(bytes.TrimLeft(line, " \t-?:")); lead > maxIndent {
			return at.Errorf("is indented by more than %d characters", maxIndent)
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			}
			if depth > maxNesting {
				return at.Errorf("more than %d brackets are open", maxNesting)
			}
		}
	}
	return nil
}

// otherCoding refuses what is not UTF-8.
func otherCoding(file string, data []byte) *Error {
	whole := Place{File: file}
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return whole.Errorf("begins with a byte order mark: save it as UTF-8 without one")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return whole.Errorf("is UTF-16: save it as UTF-8")
	case utf8.Valid(data):
		return nil
	}
	number := 0
	for line := range bytes.Lines(data) {
		if number++; !utf8.Valid(line) {
			return Place{File: file, Line: number, Column: 1}.Errorf("is not UTF-8")
		}
	}
	return nil
}

func size(bytes int) string {
	if bytes%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d bytes", bytes)
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

func syntaxError(file string, err error) *Error {
	p := Place{File: file}
	text := err.Error()
	if located, ok := errors.AsType[yaml.Error](err); ok {
		text = located.GetMessage()
		if t := located.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	return p.Errorf("%s", text)
}

// place is where a node stands.
func (d *Document) place(n *node, field string) Place {
	if n == nil {
		return Place{File: d.file, Field: field}
	}
	return Place{File: d.file, Line: int(n.line), Column: int(n.column), Field: field}
}
