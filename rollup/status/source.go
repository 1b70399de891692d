package status

import (
	"context"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/rating"
	"headcount/rollup/usage"
)

// Source is where an open month's numbers are read from.
type Source struct {
	Log      Log
	Topic    *stream.Topic
	State    *checkpoint.Topic
	Keys     *identity.Keyring
	Books    *rating.Catalog
	Accounts *rating.Accounts
	Zone     string                                        // IANA name
	Limits   usage.Limits                                  // that a close would hold by
	Former   func(m events.Month) usage.Former             // tells what quantities of a month were; nil: nobody knows
	Before   func(m events.Month) (*usage.Document, error) // of a month that is closed; nil, or a nil document: nobody knows
	Group    string                                        // whose members read the partitions; empty: none
}

// Log tells how far the partitions reach, and who reads them: a *stream.Log's methods.
type Log interface {
	Offsets(ctx context.Context) (map[events.Partition]stream.Offsets, error)
	Owners(ctx context.Context) (map[events.Partition]string, error)
}
