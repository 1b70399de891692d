//go:build purego || !amd64

package stream

import "headcount/endtoend/guard"

var routines []guard.Routine
