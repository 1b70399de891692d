package status

import (
	"context"

	"headcount/cmd/rollup/usage"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating"
)

// Source is where an open month's numbers are read from.
type Source struct {
	Log       Log
	Topic     *stream.Topic
	State     *checkpoint.Topic
	Keys      *events.Keyring
	Books     *rating.Catalog
	Accounts  *rating.Accounts
	Zone      string // IANA name
	SkewLimit usage.SkewLimit
	Group     string // whose members read the partitions; empty: none
}

// Log tells how far the partitions reach, and who reads them: a *stream.Log's methods.
type Log interface {
	Offsets(ctx context.Context) (map[int32]stream.Offsets, error)
	Owners(ctx context.Context) (map[int32]string, error)
}
