package closing

import (
	"context"
	"io"

	"headcount/cmd/ingest/worker"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating/ledger"
)

// Site opens what a close works on.
//
// OpenLedger returns ledger.ErrMissing where there is none, CreateLedger ledger.ErrExists where there is one. Prices reads the
// accounts file and the price books, checked, as the closing is to hold them.
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

// Log is the log as a close needs it: a *stream.Log's methods.
type Log interface {
	worker.Log
	Offsets(ctx context.Context) (map[int32]stream.Offsets, error)
	Owners(ctx context.Context) (map[int32]string, error)
}

// Ledger is a *ledger.Ledger's methods, which say what they promise.
type Ledger interface {
	Books
	Journal
	Corrected
	io.Closer
}

// Corrected tells how closed months were corrected.
type Corrected interface {
	Amendments(ctx context.Context, month events.Month) ([]ledger.Amendment, error)
}

// Books tell what was closed.
type Books interface {
	LastClosed(ctx context.Context) (month events.Month, ok bool, err error)
	Closing(ctx context.Context, month events.Month) (ledger.Closing, error)
	Result(ctx context.Context, month events.Month) (ledger.Result, error)
	Invoices(ctx context.Context, month events.Month) ([]ledger.Invoice, error)
}

// Journal takes what a close does.
type Journal interface {
	Begin(ctx context.Context, c ledger.Closing) (stored ledger.Closing, adopted bool, err error)
	Commit(ctx context.Context, r ledger.Result) (already bool, err error)
	Outbox(ctx context.Context) ([]ledger.Message, error)
	MarkSent(ctx context.Context, ids ...int64) error
}

// configured is what the configuration names.
type configured struct{ *Closer }

func (s *configured) OpenLedger(ctx context.Context) (Ledger, error) {
	return notNil(ledger.Open(ctx, s.Config.Ledger))
}

func (s *configured) CreateLedger(ctx context.Context) (Ledger, error) {
	return notNil(ledger.Create(ctx, s.Config.Ledger))
}

// notNil keeps a ledger that is not there from being one that is nil.
func notNil(l *ledger.Ledger, err error) (Ledger, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (s *configured) Prices() ([]byte, map[string][]byte, error) {
	catalog, err := site.Catalog(s.Config)
	if err != nil {
		return nil, nil, err
	}
	if _, err := site.Accounts(s.Config, catalog); err != nil {
		return nil, nil, err
	}
	accounts, err := site.AccountsFile(s.Config)
	if err != nil {
		return nil, nil, err
	}
	return accounts, catalog.Documents(), nil
}

func (s *configured) Connect(ctx context.Context) (_ *Connection, err error) {
	c := &Connection{}
	if c.Template, err = site.Template(s.Config, s.Keys); err != nil {
		return nil, err
	}
	if c.Bucket, err = site.State(ctx, s.Config); err != nil {
		return nil, err
	}
	conn, err := site.Connect(ctx, s.Config, s.Closer.Log)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	if c.Topic, err = conn.Topic(ctx, s.Config); err != nil {
		return nil, err
	}
	c.Log, c.OwnBroker, c.Close = connected{worker.Of(conn.Log), conn.Log}, conn.OwnBroker, conn.Close
	c.State = checkpoint.OpenTopic(c.Bucket, c.Topic.Name, c.Topic.ID)
	if err = site.RestoreRules(ctx, s.Config, c.State, c.Topic, c.Template, s.Keys, s.Closer.Log); err != nil {
		return nil, err
	}
	return c, nil
}

// connected is a stream's log.
type connected struct {
	worker.Log
	log *stream.Log
}

func (c connected) Offsets(ctx context.Context) (map[int32]stream.Offsets, error) {
	return c.log.Offsets(ctx)
}

func (c connected) Owners(ctx context.Context) (map[int32]string, error) { return c.log.Owners(ctx) }
