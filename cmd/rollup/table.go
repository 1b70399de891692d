package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"headcount/internal/visible"
)

// table is text in columns, two spaces apart. Columns named with a leading > are aligned to the right; those with a leading ? are left
// out where the screen is too narrow (?>: both).
type table struct {
	columns []string
	rows    [][]string // as long as columns
}

// add adds a row. Columns are as wide as what is seen.
func (t *table) add(cells ...string) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = visible.Text(c)
	}
	t.rows = append(t.rows, row)
}

// gap is between columns.
const gap = 2

// least is how narrow a column of text may become.
const least = 10

// print writes the table, each line behind indent and without trailing spaces. Where out says how many columns it has, columns that can be
// spared are left out until the rest fits, from the right, and then text is wrapped; what fits in no way is a list of its fields.
func (t *table) print(out io.Writer, indent string) error {
	room := 0
	if s, ok := out.(interface{ Columns() int }); ok {
		room = s.Columns()
	}
	l := t.layout()
	var b strings.Builder
	if room > 0 {
		room = max(room-len(indent), 1)
		if !l.fit(room) {
			l.list(&b, indent)
			_, err := fmt.Fprint(out, b.String())
			return err
		}
	}
	l.write(&b, indent)
	if len(l.spared) > 0 {
		for _, line := range wrap("(not shown: "+strings.Join(l.spared, ", ")+"; -o wide shows every column)", max(room, 20)) {
			b.WriteString(indent + line + "\n")
		}
	}
	_, err := fmt.Fprint(out, b.String())
	return err
}

// column is one while the table is laid out.
type column struct {
	name         string
	right, spare bool
	cells        []string
	width        int
}

type layout struct {
	columns []column
	rows    int
	spared  []string
}

func (t *table) layout() *layout {
	l := &layout{rows: len(t.rows)}
	for i, name := range t.columns {
		c := column{}
		name, c.spare = strings.CutPrefix(name, "?")
		c.name, c.right = strings.CutPrefix(name, ">")
		c.width = uniseg.StringWidth(c.name)
		for _, row := range t.rows {
			c.cells = append(c.cells, row[i])
			c.width = max(c.width, uniseg.StringWidth(row[i]))
		}
		l.columns = append(l.columns, c)
	}
	return l
}

func (l *layout) width() int {
	sum := gap * (len(l.columns) - 1)
	for i := range l.columns {
		sum += l.columns[i].width
	}
	return sum
}

// fit makes the table as narrow as room; false: it cannot be.
func (l *layout) fit(room int) bool {
	for i := len(l.columns) - 1; i >= 0 && l.width() > room; i-- {
		if l.columns[i].spare {
			l.spared = append(l.spared, l.columns[i].name)
			l.columns = slices.Delete(l.columns, i, i+1)
		}
	}
	slices.Reverse(l.spared)
	for l.width() > room {
		var widest *column
		for i := range l.columns {
			if c := &l.columns[i]; !c.right && c.width > least && (widest == nil || c.width > widest.width) {
				widest = c
			}
		}
		if widest == nil {
			return false
		}
		widest.width--
	}
	return true
}

func (l *layout) write(b *strings.Builder, indent string) {
	l.line(b, indent, func(c *column) []string { return wrap(c.name, c.width) })
	for row := range l.rows {
		l.line(b, indent, func(c *column) []string { return wrap(c.cells[row], c.width) })
	}
}

// line writes a row, whose cells may have several lines.
func (l *layout) line(b *strings.Builder, indent string, cell func(*column) []string) {
	high := 1
	cells := make([][]string, len(l.columns))
	for i := range l.columns {
		cells[i] = cell(&l.columns[i])
		high = max(high, len(cells[i]))
	}
	for k := range high {
		var line strings.Builder
		line.WriteString(indent)
		for i := range l.columns {
			c, text := &l.columns[i], ""
			if k < len(cells[i]) {
				text = cells[i][k]
			}
			pad := strings.Repeat(" ", max(c.width-uniseg.StringWidth(text), 0))
			if c.right {
				text = pad + text
			} else {
				text += pad
			}
			line.WriteString(text + strings.Repeat(" ", gap))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// list writes each row as its fields, a line each.
func (l *layout) list(b *strings.Builder, indent string) {
	for row := range l.rows {
		if row > 0 {
			b.WriteString("\n")
		}
		for _, c := range l.columns {
			if c.cells[row] != "" {
				b.WriteString(strings.TrimRight(indent+c.name+": "+c.cells[row], " ") + "\n")
			}
		}
	}
}

// wrap breaks text into lines of at most width columns, at spaces where there are any.
func wrap(text string, width int) []string {
	if uniseg.StringWidth(text) <= width {
		return []string{text}
	}
	var lines []string
	line, wide := "", 0
	for _, word := range strings.SplitAfter(text, " ") {
		if n := uniseg.StringWidth(strings.TrimRight(word, " ")); wide > 0 && wide+n > width {
			lines, line, wide = append(lines, strings.TrimRight(line, " ")), "", 0
		}
		for g := uniseg.NewGraphemes(word); g.Next(); {
			if n := g.Width(); wide+n > width && g.Str() != " " { // a word longer than the column
				lines, line, wide = append(lines, line), "", 0
			}
			line, wide = line+g.Str(), wide+g.Width()
		}
	}
	if line = strings.TrimRight(line, " "); line != "" {
		lines = append(lines, line)
	}
	return lines
}
