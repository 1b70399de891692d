//go:build purego || !amd64

package events

import "headcount/events/guard"

var routines []guard.Routine

const vectors = false
