package cli

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Screen is standard output with its width, by which tables are laid out.
type Screen struct {
	io.Writer
	columns int
}

// Columns is how many columns a line has; 0: as many as it takes, as in a file or a pipe.
func (s *Screen) Columns() int { return s.columns }

// columnsOf is the width that COLUMNS says; else that of the terminal; else 0, where out is none.
func columnsOf(out io.Writer, env string) int {
	if n, err := strconv.Atoi(env); err == nil && n > 0 {
		return n
	}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return max(n, 0)
		}
	}
	return 0
}
