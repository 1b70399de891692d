// Package closing closes a month: the closing's row, a seal to every partition, the sealed facts united, rated and recorded.
//
// Each step can be repeated. Before the closing's row nothing is written but the month's rules; after it every run adopts that row
// and goes on from where the last one was: seals are repeated only where a partition has none, sealed files are created once, the
// ledger commits once, and the closed record is sent until it is marked as sent.
//
//	check     check.go   refuses what must not be closed now
//	adopt     adopt.go   the closing's row
//	seal      seal.go    a seal to every partition that has none
//	wait      wait.go    until each is sealed; who has no reader is counted here
//	bill      bill.go    facts united, rated, and what came late of the month before settled (late.go); the commit point
//	announce  outbox.go  the closed record goes to the log
package closing

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// Closer closes months, one after the other. All fields are required but where said. It is not for use by several goroutines.
type Closer struct {
	Site     Site
	Keys     *identity.Keyring
	SealKey  ed25519.PrivateKey
	Terms    Terms
	Names    Names
	Group    string        // that reads the topic; empty: none
	Interval time.Duration // between the checkpoints of partitions that the close counts
	Timeout  time.Duration // of the wait for sealed months; 0: none
	Version  string        // of the program, for the closing's row
	Log      *slog.Logger
	Progress func(done, total int64)        // partitions sealed; nil: nobody is told
	Clock    worker.Clock                   // nil: the host's
	Go       func(func() error) worker.Task // as worker.Config has it
	Random   io.Reader                      // of seal ids; nil: the system's

	cache priceCache
}

// Terms say when a month may be closed, and what holds its invoices.
type Terms struct {
	Zone      string // IANA name
	Grace     time.Duration
	SkewLimit usage.SkewLimit
}

// Names are what messages call what the site opens.
type Names struct{ State, Ledger, Template, Keys string }

// work is a close under way.
type work struct {
	*Closer
	cache    *priceCache // the caller's closer's
	month    events.Month
	accounts []byte            // as they are configured
	books    map[string][]byte // as they are configured
	conn     *Connection       // nil: not reached yet
	topic    *stream.Topic
	state    *checkpoint.Topic
	ledger   Ledger                             // nil: does not exist yet
	this     *ClosedMonth                       // nil: the closing is not recorded yet
	before   *ClosedMonth                       // that it follows; nil: none, or not read yet
	ends     map[events.Partition]events.Offset // of the partitions that were given a seal, after it
	counted  map[events.Partition]events.Offset // up to where this close itself has counted
}

// Close closes a month, or returns what is stored where it is closed already.
//
// It refuses a month with a *NotOverError, *GraceError, *NotClosedBeforeError or *BooksOpenedLaterError, and a policy, or a topic
// that was made again, with what worker.CheckRules and worker.CheckSiblings return. Where state, ledger and log do not belong
// together it returns a *ForeignLedgerError, *ForeignTopicError or *RulesChangedError; where a seal was not followed, a
// *NotFollowedError; where sealed files or the log are lost, a *SealedMonthLostError, *worker.Halted or *LogGoneError. A
// *TimedOutError says that a wait took longer than Timeout, a *UnreachableError what else can be tried again.
func (c *Closer) Close(ctx context.Context, month events.Month) (*Result, error) {
	w := c.begin(month)
	defer w.end()
	if err := w.openLedger(ctx); err != nil {
		return nil, err
	}
	if stored, err := w.stored(ctx); stored != nil || err != nil {
		if err == nil {
			err = w.announceLater(ctx)
		}
		return stored, err
	}
	for _, step := range []func(context.Context) error{w.check, w.adopt, w.seal, w.wait, w.bill, w.announce} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return w.stored(ctx)
}

// begin returns the work of closing a month, with what was left out of the closer filled in.
func (c *Closer) begin(month events.Month) *work {
	filled := *c
	if c.Progress == nil {
		filled.Progress = func(int64, int64) {}
	}
	if c.Clock == nil {
		filled.Clock = worker.Host{}
	}
	if c.Go == nil {
		filled.Go = worker.Host{}.Go
	}
	if c.Random == nil {
		filled.Random = rand.Reader
	}
	return &work{Closer: &filled, month: month, cache: &c.cache}
}

func (w *work) end() {
	if w.this != nil {
		w.this.Close()
	}
	if w.before != nil {
		w.before.Close()
	}
	if w.conn != nil {
		w.conn.Close()
	}
	if w.ledger != nil {
		_ = w.ledger.Close()
	}
}

func (w *work) openLedger(ctx context.Context) error {
	l, err := w.Site.OpenLedger(ctx)
	if errors.Is(err, ledger.ErrMissing) {
		return nil
	}
	if err != nil {
		return ledgerFailed(err)
	}
	w.ledger = l
	return nil
}

// connect reaches log and state.
func (w *work) connect(ctx context.Context) (err error) {
	if w.conn, err = w.Site.Connect(ctx); err != nil {
		return err
	}
	w.topic, w.state = w.conn.Topic, w.conn.State
	return nil
}

// policy is by what the close would count.
func (w *work) policy() worker.Policy {
	return worker.Policy{Template: w.conn.Template, Keys: w.Keys, TemplateFile: w.Names.Template, KeyFile: w.Names.Keys}
}
