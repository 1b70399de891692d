package closing

import (
	"context"
	"io"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// Site opens what a close works on.
//
// OpenLedger returns ledger.ErrMissing where there is none, CreateLedger ledger.ErrExists where there is one. Prices reads the
// accounts file and the price books, checked, as the closing is to hold them. A close returns what Prices and Connect fail with as
// it is.
type Site interface {
	OpenLedger(ctx context.Context) (Ledger, error)
	CreateLedger(ctx context.Context) (Ledger, error)
	Prices() (accounts []byte, books map[string][]byte, err error)
	Connect(ctx context.Context) (*Connection, error)
}

// Connection is log and state, reached.
type Connection struct {
	Log
	OwnBroker bool // nobody else can be reading
	Topic     *stream.Topic
	State     *checkpoint.Topic
	Bucket    checkpoint.Bucket
	Template  *events.Template
	Close     func()
}

// Log is the log as a close needs it: LogOf makes it of a *stream.Log, whose methods say what they promise.
type Log interface {
	worker.Log
	Offsets(ctx context.Context) (map[events.Partition]stream.Offsets, error)
	Members(ctx context.Context) ([]stream.GroupMember, error)
}

// LogOf returns a log as a close needs it.
func LogOf(l *stream.Log) Log { return streamLog{worker.LogOf(l), l} }

type streamLog struct {
	worker.Log
	log *stream.Log
}

func (l streamLog) Offsets(ctx context.Context) (map[events.Partition]stream.Offsets, error) {
	return l.log.Offsets(ctx)
}

func (l streamLog) Members(ctx context.Context) ([]stream.GroupMember, error) {
	return l.log.Members(ctx)
}

// Ledger is a *ledger.Ledger's methods, which say what they promise.
type Ledger interface {
	closed.Books
	Journal
	LastClosed(ctx context.Context) (month events.Month, ok bool, err error)
	Lacks(ctx context.Context, heads []string) ([]string, error)
	io.Closer
}

// Journal takes what a close does.
type Journal interface {
	Begin(ctx context.Context, c ledger.Closing) (stored ledger.Closing, adopted bool, err error)
	Commit(ctx context.Context, r ledger.Result) (already bool, err error)
	closed.Outbox
}
