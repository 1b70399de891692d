package ledger

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// monthNumber counts months, so that one can be said to follow another.
type monthNumber int

func parseMonth(s string) (monthNumber, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil || len(s) != 7 {
		return 0, fmt.Errorf("month %q: want the form 2026-10", s)
	}
	return monthNumber(t.Year()*12 + int(t.Month()) - 1), nil
}

func (m monthNumber) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }

// checkText refuses what does not come back as it was: JSON would replace invalid UTF-8, and PostgreSQL holds no NUL in text.
func checkText(name, s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return fmt.Errorf("%s %q: want valid UTF-8 without NUL", name, s)
	}
	return nil
}

// wrap names what was being done, where there is an error.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// present is b, and not NULL where it is empty.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
