//go:build purego || !amd64

package decode

import "headcount/endtoend/guard"

var routines []guard.Routine

const vectors = false
