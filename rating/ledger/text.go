package ledger

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

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
