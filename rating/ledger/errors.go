package ledger

import (
	"errors"
	"fmt"
	"strconv"

	"headcount/internal/canonical"
)

// What a caller may branch on, with errors.Is.
var (
	ErrMissing     = errors.New("no ledger there")
	ErrExists      = errors.New("a ledger is there already")
	ErrNewer       = errors.New("the ledger is newer than this program")
	ErrOlder       = errors.New("the ledger is older than this program")
	ErrLocked      = errors.New("the ledger is locked")
	ErrReadOnly    = errors.New("the ledger cannot be written")
	ErrUnreachable = errors.New("the database cannot be reached")
	ErrNotFound    = errors.New("not in the ledger")
	ErrNotHeld     = errors.New("the invoice is not held")
	ErrOrder       = errors.New("out of order")
	ErrForeign     = errors.New("the file is no ledger")
)

// UnclosedError says that a month's close has not begun, or is not done: an ErrNotFound or ErrOrder.
type UnclosedError struct {
	Month Month
	What  string // is missing
	Err   error
}

func (e *UnclosedError) Error() string { return e.Err.Error() + ": " + e.What }
func (e *UnclosedError) Unwrap() error { return e.Err }

// NoInvoiceError says that an account has no invoice for a month: an ErrNotFound.
type NoInvoiceError struct {
	Month   Month
	Account string
}

func (e *NoInvoiceError) Error() string {
	return fmt.Sprintf("%v: account %s has no invoice for %s", ErrNotFound, e.Account, e.Month)
}
func (e *NoInvoiceError) Unwrap() error { return ErrNotFound }

// Difference is what Verify finds: the first place where the ledger's tables and its chain disagree.
type Difference struct {
	Seq    int64  // of the entry; 0: no entry
	Kind   string // of the entry
	Table  string
	Row    string // its key, as name=value
	Column string // empty: the row as a whole
	Want   string // by the chain
	Got    string // in the table
}

func (d *Difference) Error() string {
	s := "ledger differs from its chain: " + d.Table
	if d.Row != "" {
		s += " " + d.Row
	}
	if d.Column != "" {
		s += ", column " + d.Column
	}
	if d.Seq != 0 && d.Table != "entries" {
		s += fmt.Sprintf(" (entry %d, %s)", d.Seq, d.Kind)
	}
	return s + ": want " + d.Want + ", got " + d.Got
}

// show prints a column's value for a message, never longer than a line.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return fmt.Sprintf("%d bytes with %s", len(v), canonical.Hash(v))
	case string:
		if len(v) > 80 {
			return strconv.Quote(v[:80]) + "…"
		}
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}
