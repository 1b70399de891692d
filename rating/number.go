package rating

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Pattern says how documents are numbered: text, in which {month} is the billed month (2026-10) and {year} its year, and at its end
// {n}, or {n:6} with at least six digits. What stands before {n} is the series: each counts from 1, without a gap. It ends in no digit, so
// that no two series have a number in common.
type Pattern string

var patternForm = regexp.MustCompile(`^((?:[A-Za-z0-9._/-]|\{month\}|\{year\})*)\{n(?::([1-9]|1[0-2]))?\}$`)

// Check says what is wrong with a pattern.
func (p Pattern) Check() error {
	m := patternForm.FindStringSubmatch(string(p))
	switch {
	case m == nil || len(p) > 100:
		return fmt.Errorf("number pattern %q: want letters, digits and . _ / - with {month} or {year}, and {n} or {n:6} at the end, such as %s", string(p), DefaultInvoiceNumbers)
	case m[1] != "" && strings.ContainsAny(m[1][len(m[1])-1:], "0123456789}"):
		return fmt.Errorf("number pattern %q: a digit stands before {n}: put a - between them, or numbers could not be told apart", string(p))
	}
	return nil
}

// Series is what a month's numbers begin with. The pattern must be right.
func (p Pattern) Series(of Month) string {
	before, _, _ := strings.Cut(string(p), "{n")
	return strings.NewReplacer("{month}", of.String(), "{year}", strconv.Itoa(of.Year())).Replace(before)
}

// Number is the n-th number of a series.
func (p Pattern) Number(of Month, n int64) string {
	_, width, _ := strings.Cut(strings.TrimSuffix(string(p), "}"), "{n:")
	digits, _ := strconv.Atoi(width)
	return p.Series(of) + fmt.Sprintf("%0*d", digits, n)
}
