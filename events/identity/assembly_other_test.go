//go:build purego || !amd64

package identity

import "headcount/endtoend/guard"

var routines []guard.Routine

const wide = false
