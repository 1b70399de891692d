// Package closing closes a month: the closing's row, a seal to every partition, the sealed facts united, rated and recorded.
//
// Each step can be repeated. Before the closing's row nothing is written but the month's rules; after it every run adopts that row
// and goes on from where the last one was: seals are repeated only where a partition has none, sealed files are created once, the
// ledger commits once, and the closed record is sent until it is marked as sent.
//
//	check     check.go    refuses what must not be closed now, opening.go to open the books unasked, over.go what the log does not say to be over
//	adopt     adopt.go    the closing's row
//	seal      seal.go     a seal to every partition that has none
//	wait      wait.go     until each is sealed; who has no reader is counted here (count.go)
//	bill      bill.go     facts united, rated and recorded: the commit point. Before it late.go settles what came late of the month before,
//	                      and lost.go says what of the log is lost: losses on record, seals that it lacks (sealinlog.go)
//	announce  announce.go  the closed record goes to the log
//
// Due (due.go) says which months are to be closed. patience.go is how long it waits, and what it says meanwhile. site.go names what a close works on, record.go makes what the ledger gets, errors.go
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
	Timeout  time.Duration // of all that a close waits for, from its begin; 0: none

	// OpenBooks lets the first close open the books although older months have events, where Terms do not say with which month they open.
	OpenBooks bool

	// Yes says aloud what a close else refuses: a month that is not over by the log, and of those that FromClock has found one without
	// events, or more than one.
	Yes bool

	// FromClock says that a month is closed because of the host's clock alone: nobody named it.
	FromClock bool

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

	// AutoClose closes months without events, and with Due more than one, unasked, where the log says too that they are over.
	AutoClose bool
	Issuer    *rating.Issuer // who sends the invoices, and how they are numbered; nil: they are not
}

// Names are what messages call what the site opens.
type Names struct{ State, Ledger, Template, Keys string }

// work is a close under way.
type work struct {
	Closer // with what was left out filled in
	month  events.Month
	ledger Ledger    // nil: does not exist yet
	until  time.Time // where there is a Timeout, waits end then, by the host's clock
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
// unasked with an *UnopenedError, one that goes on by the log, or has no event and was not named, with a *GoesOnError or *NoEventsError, and a policy, or a topic
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
	waits, cancel := w.within(ctx)
	defer cancel()
	if stored, err := w.stored(ctx); stored != nil || err != nil {
		if err == nil {
			err = w.await(waits, "send the closed record", func() error { return w.announceLater(waits) })
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
	b, err := w.open(waits, prices)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if err := b.carryOut(ctx, waits); err != nil {
		return nil, err
	}
	return w.stored(ctx)
}

// open reaches log and state, and has the closing recorded where it may be.
func (w *work) open(ctx context.Context, prices configured) (b *begun, _ error) {
	var r *reached
	err := w.await(ctx, "reach the log", func() (err error) {
		r, err = w.reach(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if b == nil {
			r.conn.Close()
		}
	}()
	err = w.await(ctx, "hold log, state and ledger against each other", func() error { return r.check(ctx) })
	if err != nil {
		return nil, err
	}
	if err := r.mayOpen(ctx); err != nil {
		return nil, err
	}
	err = w.await(ctx, "look whether the month is over by the log", func() error { return r.mayClose(ctx) })
	if err != nil {
		return nil, err
	}
	err = w.await(ctx, "record the closing", func() (err error) {
		b, err = r.adopt(ctx, prices)
		return err
	})
	return b, err
}

// carryOut does what a closing says. What waits on others does so in waits.
func (b *begun) carryOut(ctx, waits context.Context) error {
	var ends map[events.Partition]events.Offset
	err := b.await(waits, "write the seals", func() (err error) {
		ends, err = b.seal(waits)
		return err
	})
	if err != nil {
		return err
	}
	if err := b.wait(waits, ends); err != nil {
		return err
	}
	if err := b.bill(ctx, waits); err != nil {
		return err
	}
	return b.await(waits, "send the closed record", func() error { return b.announce(waits) })
}

// begin returns the work of closing a month, with what was left out of the closer filled in, and the ledger opened if there is one.
func (c *Closer) begin(ctx context.Context, month events.Month) (*work, error) {
	if c.cache == nil {
		c.cache = &closed.PriceCache{}
	}
	w := &work{Closer: *c, month: month, until: time.Now().Add(c.Timeout)}
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
	waits, cancel := w.within(ctx)
	defer cancel()
	return w, w.late(waits, "open the ledger", w.openLedger(waits))
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
	b.conn.Close()
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
