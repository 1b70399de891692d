package closing

import (
	"context"
	"errors"
	"fmt"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// ClosedMonth is a month whose closing is recorded: its sealed facts and what it is priced by. A close bills its own month by it,
// and settles by it what came late of the month before; amendments and comparisons read any month that is closed. It needs neither
// the log nor a key.
type ClosedMonth struct {
	Month    events.Month
	Closing  ledger.Closing    // as it was begun
	Accounts []byte            // that it is priced by: those of its newest amendment, else the closing's
	Books    map[string][]byte // likewise
	Amended  int               // amendments so far
	Issued   []rating.Invoice  // all revisions so far
	Digests  map[string]string // of the facts, by app, as the close found them

	books    Books
	state    *checkpoint.Topic
	template *events.Template          // makes rules that are missing; nil: they are an error
	sealed   []*checkpoint.SealedMonth // as the closing's partitions; nil: not opened
	next     *ClosedMonth              // whose sealed months hold what came late of this one; nil: it is not settled
}

// OpenClosedMonth opens a month that is closed. The caller closes it. It returns a *NotClosedError, a *SealedMonthLostError or a
// *ForeignLedgerError, or a *UnreachableError of the ledger.
func OpenClosedMonth(ctx context.Context, books Books, bucket checkpoint.Bucket, month events.Month) (_ *ClosedMonth, err error) {
	stored, err := books.Result(ctx, month)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, &NotClosedError{month}
	}
	if err != nil {
		return nil, ledgerFailed(err)
	}
	m, err := openRecorded(ctx, books, bucket, month)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	for _, u := range stored.Usage {
		m.Digests[u.App] = u.Digest
	}
	if err := m.readBilled(ctx); err != nil {
		return nil, err
	}
	_, err = books.Result(ctx, month+1)
	if errors.Is(err, ledger.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, ledgerFailed(err)
	}
	m.next, err = openRecorded(ctx, books, bucket, month+1)
	return m, err
}

// openRecorded opens the sealed months of a closing, in the state of the topic that it names.
func openRecorded(ctx context.Context, books Books, bucket checkpoint.Bucket, month events.Month) (*ClosedMonth, error) {
	closing, err := books.Closing(ctx, month)
	if err != nil {
		return nil, ledgerFailed(err)
	}
	m := newClosedMonth(month, closing, books, checkpoint.OpenTopic(bucket, closing.Topic, closing.TopicID))
	if err := m.open(ctx, notRestored); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func newClosedMonth(month events.Month, closing ledger.Closing, books Books, state *checkpoint.Topic) *ClosedMonth {
	return &ClosedMonth{Month: month, Closing: closing, Accounts: closing.Accounts, Books: closing.Books, Digests: map[string]string{}, books: books, state: state}
}

// Close closes the files. It may be called again.
func (m *ClosedMonth) Close() {
	for _, s := range m.sealed {
		s.Close()
	}
	m.sealed = nil
	if m.next != nil {
		m.next.Close()
	}
}

// readBilled reads what the month was billed by: its amendments and invoices so far.
func (m *ClosedMonth) readBilled(ctx context.Context) error {
	all, err := m.books.Amendments(ctx, m.Month)
	if err != nil {
		return ledgerFailed(err)
	}
	if m.Amended = len(all); m.Amended > 0 {
		newest := all[m.Amended-1]
		m.Accounts, m.Books = newest.Accounts, newest.Books
	}
	m.Issued, err = issued(ctx, m.books, m.Month)
	return err
}

// balancesBefore is what the month before left of packages.
func (m *ClosedMonth) balancesBefore(ctx context.Context) ([]rating.Balance, error) {
	if m.Closing.Previous == nil {
		return nil, nil
	}
	invoices, err := issued(ctx, m.books, m.Month-1)
	return rating.Balances(invoices), err
}

func (m *ClosedMonth) partition(p events.Partition) *checkpoint.Partition {
	return m.state.Partition(counter.Identity{Cluster: m.Closing.Cluster, TopicID: m.Closing.TopicID, Partition: p})
}

func (m *ClosedMonth) rules(ctx context.Context) (*events.MonthRules, error) {
	return rulesOf(ctx, m.state, m.template, m.Month)
}

// rulesOf returns a month's rules, fixing them where nobody has; without a template nothing is fixed.
func rulesOf(ctx context.Context, state *checkpoint.Topic, template *events.Template, m events.Month) (*events.MonthRules, error) {
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

// restorer puts back a partition's sealed month that is lost or damaged, as why says, or says why it cannot.
type restorer func(ctx context.Context, m *ClosedMonth, p events.Partition, why error) error

// notRestored is a restorer without a log.
func notRestored(_ context.Context, m *ClosedMonth, p events.Partition, why error) error {
	return &SealedMonthLostError{Partition: p, Month: m.Month, Err: why}
}

// open opens the sealed months of the closing's partitions. They are verified.
func (m *ClosedMonth) open(ctx context.Context, restore restorer) error {
	for _, p := range m.Closing.Partitions {
		s, err := m.openSealed(ctx, p, restore)
		if err != nil {
			return err
		}
		m.sealed = append(m.sealed, s)
	}
	return nil
}

func (m *ClosedMonth) openSealed(ctx context.Context, p events.Partition, restore restorer) (*checkpoint.SealedMonth, error) {
	sealed, err := m.partition(p).OpenSealed(ctx, m.Month)
	gone := errors.Is(err, checkpoint.ErrNotSealed) || errors.Is(err, checkpoint.ErrDamaged)
	if gone {
		if err := restore(ctx, m, p, err); err != nil {
			return nil, err
		}
		sealed, err = m.partition(p).OpenSealed(ctx, m.Month)
	}
	if err != nil {
		return nil, fmt.Errorf("partition %d: %w", p, err)
	}
	if sealed.Index.SealID != m.Closing.SealID {
		sealed.Close()
		return nil, &ForeignLedgerError{m.Month, fmt.Sprintf("partition %d has %s sealed by %s, but the ledger's closing is %s: state store and ledger do not belong together; restore the ledger from its backup", p, m.Month, sealed.Index.SealID, m.Closing.SealID)}
	}
	return sealed, nil
}

// onTime are the facts that the month was sealed with.
func (m *ClosedMonth) onTime() (readers []counter.RowReader) {
	for _, s := range m.sealed {
		readers = append(readers, s.OnTime())
	}
	return readers
}

// late are those that came after, where they are settled.
func (m *ClosedMonth) late() (readers []counter.RowReader) {
	if m.next == nil {
		return nil
	}
	for _, s := range m.next.sealed {
		readers = append(readers, s.Late())
	}
	return readers
}

// Usage returns the month's usage with the meters that a biller asks for: of what came on time, and with what came late too,
// where that is settled. It returns a *NotAsBilledError where the former is not what the close found.
func (m *ClosedMonth) Usage(ctx context.Context, bill usage.Biller) (onTime, all *usage.Document, err error) {
	again := fmt.Sprintf("unite %s again", m.Month)
	if onTime, err = m.unite(ctx, again, m.onTime(), bill); err != nil {
		return nil, nil, err
	}
	for _, u := range onTime.Usage {
		if was, ok := m.Digests[u.App]; ok && was != u.Digest {
			return nil, nil, &NotAsBilledError{m.Month, u.App, u.Digest, was}
		}
	}
	if m.next == nil {
		return onTime, onTime, nil
	}
	all, err = m.unite(ctx, again, append(m.onTime(), m.late()...), bill)
	return onTime, all, err
}

// unite makes usage of facts as if all had come on time, without alarms; what says of what, where that fails.
func (m *ClosedMonth) unite(ctx context.Context, what string, readers []counter.RowReader, bill usage.Biller) (*usage.Document, error) {
	rules, err := m.rules(ctx)
	if err != nil {
		return nil, err
	}
	doc := &usage.Document{Month: m.Month, TimeZone: m.Closing.Zone, Topic: m.Closing.Topic, Usage: []usage.App{}}
	if _, err := usage.Gather(doc, &usage.Facts{Rules: rules, OnTime: readers}, nil, bill, usage.NoSkewLimit); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return doc, nil
}

// issued returns a month's invoices so far, all revisions.
func issued(ctx context.Context, books Books, m events.Month) ([]rating.Invoice, error) {
	stored, err := books.Invoices(ctx, m)
	if err != nil {
		return nil, ledgerFailed(err)
	}
	return Decode(stored)
}
