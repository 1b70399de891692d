// Package closing closes a month: the closing's row, a seal to every partition, the sealed facts united, rated and recorded.
//
// Each step can be repeated. Before the closing's row nothing is written but the month's rules; after it every run adopts that row
// and goes on from where the last one was: seals are repeated only where a partition has none, sealed files are created once, the
// ledger commits once, and the closed record is sent until it is marked as sent.
//
//	check     check.go    refuses what must not be closed now, and opening.go to open the books unasked
//	adopt     adopt.go    the closing's row
//	seal      seal.go     a seal to every partition that has none
//	wait      wait.go     until each is sealed; who has no reader is counted here (count.go)
//	bill      bill.go     facts united, rated and recorded: the commit point. Before it late.go settles what came late of the month before,
//	                      and lost.go says what of the log is lost: losses on record, seals that it lacks (sealinlog.go)
//	announce  announce.go  the closed record goes to the log
//
// Due (due.go) says which months are to be closed. site.go names what a close works on, record.go makes what the ledger gets, errors.go
// says what is refused.
package closing

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"headcount/events"
	"headcount/events/identity"
	"headcount/ingest/worker"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
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

	// OpenBooks lets the first close open the books although older months have events, where Terms do not say with which month they open.
	OpenBooks bool

	Version  string // of the program, for the closing's row
	Log      *slog.Logger
	Progress func(done, total int64)        // partitions sealed; nil: nobody is told
	Clock    worker.Clock                   // nil: the host's
	Go       func(func() error) worker.Task // as worker.Config has it
	Random   io.Reader                      // of seal ids; nil: the system's

	cache *closed.PriceCache
}

// Terms say when a month may be closed, and what holds its invoices where its close is begun now.
type Terms struct {
	Zone   string // IANA name
	Grace  time.Duration
	Limits usage.Limits
	From   events.Month // with which the books open; 0: it is not said

	Issuer *rating.Issuer // who sends the invoices, and how they are numbered; nil: they are not
}

// Names are what messages call what the site opens.
type Names struct{ State, Ledger, Template, Keys string }

// work is a close under way.
type work struct {
	Closer // with what was left out filled in
	month  events.Month
	ledger Ledger // nil: does not exist yet
}

// reached is a close that has reached log and state.
type reached struct {
	*work
	conn *Connection
}

// begun is a close whose closing is recorded.
type begun struct {
	*reached
	this   *closed.Month
	before *closed.Month // that it follows; nil: none
}

// Close closes a month, or returns what is stored where it is closed already.
//
// It refuses a month with a *NotOverError, *GraceError, *NotClosedBeforeError, *BooksOpenedLaterError or *BeforeBooksError, to open the books
// unasked with an *UnopenedError, and a policy, or a topic
// that was made again, with what worker.CheckRules and worker.CheckSiblings return. Where state, ledger and log do not belong
// together it returns a *ForeignLedgerError, *closed.ForeignSealError, *ForeignTopicError or *RulesChangedError; where a seal was not followed, a
// *NotFollowedError; where sealed files or the log are lost, a *closed.SealedMonthLostError, *worker.Halted or *LogGoneError. A
// *TimedOutError says that a wait took longer than Timeout, a *closed.UnreachableError what else can be tried again.
func (c *Closer) Close(ctx context.Context, month events.Month) (*closed.Result, error) {
	w, err := c.begin(ctx, month)
	if err != nil {
		return nil, err
	}
	defer w.end()
	if stored, err := w.stored(ctx); stored != nil || err != nil {
		if err == nil {
			err = w.announceLater(ctx)
		}
		return stored, err
	}
	if err := w.checkMonth(ctx); err != nil {
		return nil, err
	}
	prices, err := w.readPrices()
	if err != nil {
		return nil, err
	}
	r, err := w.reach(ctx)
	if err != nil {
		return nil, err
	}
	defer r.conn.Close()
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	if err := r.mayOpen(ctx); err != nil {
		return nil, err
	}
	b, err := r.adopt(ctx, prices)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if err := b.carryOut(ctx); err != nil {
		return nil, err
	}
	return w.stored(ctx)
}

// carryOut does what a closing says.
func (b *begun) carryOut(ctx context.Context) error {
	ends, err := b.seal(ctx)
	if err != nil {
		return err
	}
	if err := b.wait(ctx, ends); err != nil {
		return err
	}
	if err := b.bill(ctx); err != nil {
		return err
	}
	return b.announce(ctx)
}

// begin returns the work of closing a month, with what was left out of the closer filled in, and the ledger opened if there is one.
func (c *Closer) begin(ctx context.Context, month events.Month) (*work, error) {
	if c.cache == nil {
		c.cache = &closed.PriceCache{}
	}
	w := &work{Closer: *c, month: month}
	if c.Progress == nil {
		w.Progress = func(int64, int64) {}
	}
	if c.Clock == nil {
		w.Clock = worker.Host{}
	}
	if c.Go == nil {
		w.Go = worker.Host{}.Go
	}
	if c.Random == nil {
		w.Random = rand.Reader
	}
	return w, w.openLedger(ctx)
}

func (w *work) end() {
	if w.ledger != nil {
		_ = w.ledger.Close()
	}
}

func (b *begun) close() {
	b.this.Close()
	if b.before != nil {
		b.before.Close()
	}
}

func (w *work) openLedger(ctx context.Context) error {
	l, err := w.Site.OpenLedger(ctx)
	if errors.Is(err, ledger.ErrMissing) {
		return nil
	}
	if err != nil {
		return closed.LedgerFailed(err)
	}
	w.ledger = l
	return nil
}

// stored returns the month's result, nil where there is none.
func (w *work) stored(ctx context.Context) (*closed.Result, error) {
	if w.ledger == nil {
		return nil, nil
	}
	r, err := closed.Stored(ctx, w.ledger, w.month)
	if _, open := errors.AsType[*closed.NotClosedError](err); open {
		return nil, nil
	}
	return r, err
}

// reach reaches log and state.
func (w *work) reach(ctx context.Context) (*reached, error) {
	conn, err := w.Site.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &reached{w, conn}, nil
}

// configured are accounts and books as a closing would take them.
type configured struct {
	accounts []byte
	books    map[string][]byte
}

func (w *work) readPrices() (c configured, err error) {
	c.accounts, c.books, err = w.Site.Prices()
	return c, err
}
