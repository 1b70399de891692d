// Package closed reads months whose closing is recorded, from ledger and state store: what was sealed, what it is priced by, what was
// billed. A close reads its own month and the one before by it; amendments, comparisons and exports any month that is closed, without log
// and without keys.
//
//	month.go    a Month: its closing, its sealed facts, what it was billed by
//	sealed.go   the sealed months of its partitions, opened and verified
//	former.go   what meters came to in it, for those that follow
//	usage.go    usage, and what rating needs, out of its facts
//	rules.go    the rules by which a topic's months were closed
//	prices.go   accounts and books, parsed; the last few are kept
//	result.go   what the ledger has of it, as it is printed
//	months.go   the list of all months, and where each stands
//	outbox.go   the signed closed record, and its way to the log
//	published.go  whether the ledger has what such records in the log say of it
//	errors.go   what is refused
package closed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// Books tell what was closed, and how it was corrected: a *ledger.Ledger's methods, which say what they promise.
type Books interface {
	Closing(ctx context.Context, month events.Month) (ledger.Closing, error)
	Result(ctx context.Context, month events.Month) (ledger.Result, error)
	Invoices(ctx context.Context, month events.Month) ([]ledger.Invoice, error)
	Amendments(ctx context.Context, month events.Month) ([]ledger.Amendment, error)
}

// Month is a month whose closing is recorded: its sealed facts and what it is priced by. A close bills its own month by it,
// and settles by it what came late of the month before; amendments and comparisons read any month that is closed.
type Month struct {
	Month     events.Month
	Closing   ledger.Closing    // as it was begun
	Accounts  []byte            // that it is priced by: those of its newest amendment, else the closing's
	Books     map[string][]byte // likewise
	Amended   int               // amendments so far
	Corrected usage.Corrections // of quantities, by the newest amendment
	Issued    []rating.Invoice  // all revisions so far
	Digests   map[string]string // of the facts, by app, as the close found them; under no name that of all apps that are not listed

	others   int // apps that are not listed
	books    Books
	state    *checkpoint.Topic
	template *events.Template          // makes rules that are missing; nil: they are an error
	sealed   []*checkpoint.SealedMonth // as the closing's partitions; nil: not opened
	next     *Month                    // whose sealed months hold what came late of this one; nil: it is not settled
}

// Open opens a month that is closed. The caller closes it. It returns a *NotClosedError, a *SealedMonthLostError or a
// *ForeignSealError, or a *UnreachableError of the ledger.
func Open(ctx context.Context, books Books, bucket checkpoint.Bucket, month events.Month) (_ *Month, err error) {
	m, err := Recorded(ctx, books, bucket, month)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	if err := m.OpenSealed(ctx, notRestored); err != nil {
		return nil, err
	}
	if err := m.ReadBilled(ctx); err != nil {
		return nil, err
	}
	_, err = books.Result(ctx, month+1)
	if errors.Is(err, ledger.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, LedgerFailed(err)
	}
	m.next, err = openRecorded(ctx, books, bucket, month+1)
	return m, err
}

// Recorded returns a closed month as the ledger has it: its sealed facts are not opened. It returns a *NotClosedError, or a
// *UnreachableError of the ledger.
func Recorded(ctx context.Context, books Books, bucket checkpoint.Bucket, month events.Month) (*Month, error) {
	stored, err := books.Result(ctx, month)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, &NotClosedError{month}
	}
	if err != nil {
		return nil, LedgerFailed(err)
	}
	m, err := recorded(ctx, books, bucket, month)
	if err != nil {
		return nil, err
	}
	var document struct {
		Others *usage.Others `json:"others"`
	}
	if err := json.Unmarshal(stored.Document, &document); err != nil {
		return nil, fmt.Errorf("usage of %s: %w", month, err)
	}
	m.Digests = DigestsOf(document.Others)
	if document.Others != nil {
		m.others = document.Others.Apps
	}
	for _, u := range stored.Usage {
		m.Digests[u.App] = u.Digest
	}
	return m, nil
}

// openRecorded opens the sealed months of a closing, in the state of the topic that it names.
func openRecorded(ctx context.Context, books Books, bucket checkpoint.Bucket, month events.Month) (*Month, error) {
	m, err := recorded(ctx, books, bucket, month)
	if err != nil {
		return nil, err
	}
	if err := m.OpenSealed(ctx, notRestored); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// recorded is a month by its closing, with the state of the topic that it names.
func recorded(ctx context.Context, books Books, bucket checkpoint.Bucket, month events.Month) (*Month, error) {
	closing, err := books.Closing(ctx, month)
	if err != nil {
		return nil, LedgerFailed(err)
	}
	return NewMonth(month, closing, books, checkpoint.OpenTopic(bucket, closing.Topic, closing.TopicID), nil), nil
}

// NewMonth returns a month whose closing is recorded, and which may not be sealed yet. With a template, rules that are missing are made.
func NewMonth(month events.Month, closing ledger.Closing, books Books, state *checkpoint.Topic, template *events.Template) *Month {
	return &Month{
		Month: month, Closing: closing, Accounts: closing.Accounts, Books: closing.Books, Digests: map[string]string{},
		books: books, state: state, template: template,
	}
}

// Close closes the files. It may be called again.
func (m *Month) Close() {
	for _, s := range m.sealed {
		s.Close()
	}
	m.sealed = nil
	if m.next != nil {
		m.next.Close()
	}
}

// ReadBilled reads what the month was billed by: its amendments and invoices so far.
func (m *Month) ReadBilled(ctx context.Context) error {
	all, err := m.books.Amendments(ctx, m.Month)
	if err != nil {
		return LedgerFailed(err)
	}
	if m.Amended = len(all); m.Amended > 0 {
		newest := all[m.Amended-1]
		m.Accounts, m.Books = newest.Accounts, newest.Books
		if m.Corrected, err = usage.ParseCorrections(newest.Quantities); err != nil {
			return fmt.Errorf("amendment %d of %s: %w", newest.Number, m.Month, err)
		}
	}
	m.Issued, err = issued(ctx, m.books, m.Month)
	return err
}

// BalancesBefore is what the month before left of packages.
func (m *Month) BalancesBefore(ctx context.Context) ([]rating.Balance, error) {
	if m.Closing.Previous == nil {
		return nil, nil
	}
	invoices, err := issued(ctx, m.books, m.Month-1)
	return rating.Balances(invoices), err
}

// Partition is what the state store has of a partition of the topic that the month was closed on.
func (m *Month) Partition(p events.Partition) *checkpoint.Partition {
	return m.state.Partition(counter.Identity{Cluster: m.Closing.Cluster, TopicID: m.Closing.TopicID, Partition: p})
}

// Limits are what the month's invoices are held by: those that its close was begun with.
func (m *Month) Limits() (usage.Limits, error) {
	l, err := usage.ParseLimits(m.Closing.Limits)
	if err != nil {
		return l, fmt.Errorf("closing of %s: %w", m.Month, err)
	}
	return l, nil
}

// Issuer is who sends what the month's close and its amendments make; nil: nobody is named, and nothing is numbered.
func (m *Month) Issuer() (*rating.Issuer, error) {
	i, err := rating.ParseIssuer(m.Closing.Issuer)
	if err != nil {
		return nil, fmt.Errorf("closing of %s: %w", m.Month, err)
	}
	return i, nil
}

// Rules returns the month's rules.
func (m *Month) Rules(ctx context.Context) (*events.MonthRules, error) {
	return RulesOf(ctx, m.state, m.template, m.Month)
}

// RulesOf returns a month's rules, fixing them where nobody has; without a template nothing is fixed.
func RulesOf(ctx context.Context, state *checkpoint.Topic, template *events.Template, m events.Month) (*events.MonthRules, error) {
	book, err := state.Rules(ctx, template)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	find := book.MonthRules
	if template == nil {
		find = book.Known
	}
	rules, err := find(m)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return rules, nil
}

// issued returns a month's invoices so far, all revisions.
func issued(ctx context.Context, books Books, m events.Month) ([]rating.Invoice, error) {
	stored, err := books.Invoices(ctx, m)
	if err != nil {
		return nil, LedgerFailed(err)
	}
	return Decode(stored)
}
