package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"headcount/internal/visible"
)

// table is text in columns, two spaces apart. Columns named with a leading > are aligned to the right.
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

// print writes the table, each line behind indent and without trailing spaces.
func (t *table) print(out io.Writer, indent string) error {
	head := make([]string, len(t.columns))
	right := make([]bool, len(t.columns))
	for i, c := range t.columns {
		head[i], right[i] = strings.CutPrefix(c, ">")
	}
	lines := append([][]string{head}, t.rows...)
	width := make([]int, len(head))
	for _, cells := range lines {
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, cells := range lines {
		var line strings.Builder
		line.WriteString(indent)
		for i, c := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if right[i] {
				line.WriteString(pad + c + "  ")
			} else {
				line.WriteString(c + pad + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := fmt.Fprint(out, b.String())
	return err
}
