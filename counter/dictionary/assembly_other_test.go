//go:build purego || !amd64

package dictionary

import "headcount/endtoend/guard"

var routines []guard.Routine
