package strict

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Error says what is wrong in a file, where, and what to do about it.
type Error struct {
	Place
	Problem string
}

func (e *Error) Error() string { return e.Where() + ": " + e.What() }

// What is the error without its place in the file: field and problem.
func (e *Error) What() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// Place is where in a file something stands. Kept, it places errors that only show later.
type Place struct {
	File         string
	Line, Column int    // from 1; 0: the file as a whole
	Field        string // such as accounts[0].plan; empty: none
}

// Where is the place in the file, as file:line:column.
func (p Place) Where() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Errorf returns an error with this place.
func (p Place) Errorf(format string, args ...any) *Error {
	return &Error{Place: p, Problem: fmt.Sprintf(format, args...)}
}

// within is the path of a field of this one.
func (p Place) within(name string) string {
	if strings.ContainsFunc(name, unicode.IsControl) {
		name = strconv.Quote(name) // an error is one line
	}
	return strings.TrimPrefix(p.Field+"."+name, ".")
}
