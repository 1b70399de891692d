package closing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/shopspring/decimal"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/rollup/usage"
	"headcount/cmd/site"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating"
	"headcount/rating/ledger"
)

// Again reads the sealed facts of a closed month once more, to price them by other accounts or books. It needs neither the log
// nor a key.
type Again struct {
	Month   events.Month
	Closing ledger.Closing // as it was begun, but with accounts and books of its newest amendment
	Amended int            // amendments so far
	Issued  []rating.Invoice
	Digests map[string]string // of the facts, by app, as the close found them

	work
	books  *ledger.Ledger
	late   []*checkpoint.SealedMonth // of the month that was closed next
	months []*checkpoint.SealedMonth
}

// OpenAgain opens a closed month.
func OpenAgain(ctx context.Context, c *config.Config, l *ledger.Ledger, log *slog.Logger, m events.Month) (_ *Again, err error) {
	a := &Again{Month: m, Digests: map[string]string{}, books: l}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	stored, err := l.Result(ctx, m)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, cli.Fail(cli.CheckFailed, "month %s is not closed: `rollup close --month %s` closes it", m, m)
	}
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	for _, u := range stored.Usage {
		a.Digests[u.App] = u.Digest
	}
	bucket, err := site.State(ctx, c)
	if err != nil {
		return nil, err
	}
	a.work = work{Closer: &Closer{Config: c, Log: log}, month: m, bucket: bucket, ledger: l}
	if err := a.turnTo(ctx); err != nil {
		return nil, err
	}
	if a.months, err = a.openAll(ctx); err != nil {
		return nil, err
	}
	if a.Amended, err = a.amend(ctx); err != nil {
		return nil, err
	}
	a.Closing = a.closing
	if a.Issued, err = a.issued(ctx, m); err != nil {
		return nil, err
	}
	_, err = l.Result(ctx, m+1)
	if errors.Is(err, ledger.ErrNotFound) {
		return a, nil
	}
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	next := &work{Closer: a.Closer, month: m + 1, bucket: bucket, ledger: l}
	if err := next.turnTo(ctx); err != nil {
		return nil, err
	}
	a.late, err = next.openAll(ctx)
	return a, err
}

// Close closes the files.
func (a *Again) Close() {
	for _, s := range append(a.months, a.late...) {
		s.Close()
	}
}

// turnTo reads the month's closing, and takes topic and state from it.
func (w *work) turnTo(ctx context.Context) (err error) {
	if w.closing, err = w.ledger.Closing(ctx, w.month); err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	w.topic = &stream.Topic{Name: w.closing.Topic, ID: w.closing.TopicID, Cluster: w.closing.Cluster}
	w.state = checkpoint.OpenTopic(w.bucket, w.closing.Topic, w.closing.TopicID)
	return nil
}

func (w *work) openAll(ctx context.Context) (all []*checkpoint.SealedMonth, err error) {
	for _, p := range w.closing.Partitions {
		s, err := w.openSealed(ctx, w, p)
		if err != nil {
			for _, s := range all {
				s.Close()
			}
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// amend replaces accounts and books of the closing by those of its newest amendment, and returns how many there are.
func (w *work) amend(ctx context.Context) (int, error) {
	all, err := w.ledger.Amendments(ctx, w.month)
	if err != nil {
		return 0, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	if n := len(all); n > 0 {
		w.closing.Accounts, w.closing.Books = all[n-1].Accounts, all[n-1].Books
	}
	return len(all), nil
}

// Usage returns the month's usage with the meters that a biller asks for: of what came on time, and with what came late too,
// where that is settled.
func (a *Again) Usage(ctx context.Context, bill usage.Biller) (onTime, late *usage.Document, err error) {
	var readers []counter.RowReader
	for _, s := range a.late {
		readers = append(readers, s.Late())
	}
	if onTime, err = a.gatherAgain(ctx, nil, bill); err != nil {
		return nil, nil, err
	}
	for _, u := range onTime.Usage {
		if was, ok := a.Digests[u.App]; ok && was != u.Digest {
			return nil, nil, cli.Fail(cli.CheckFailed, "the sealed files of %s are not those that were billed: app %s has digest %s, the ledger %s; see `rollup verify --month %s`", a.Month, u.App, u.Digest, was, a.Month)
		}
	}
	if late = onTime; len(readers) > 0 {
		late, err = a.gatherAgain(ctx, readers, bill)
	}
	return onTime, late, err
}

func (a *Again) gatherAgain(ctx context.Context, late []counter.RowReader, bill usage.Biller) (*usage.Document, error) {
	rules, err := a.rules(ctx, a.month)
	if err != nil {
		return nil, err
	}
	facts := &usage.Facts{Rules: rules, OnTime: late}
	for _, s := range a.months {
		facts.OnTime = append(facts.OnTime, s.OnTime())
	}
	doc := &usage.Document{Month: a.month, TimeZone: a.closing.Zone, Topic: a.closing.Topic, Usage: []usage.App{}}
	if _, err := usage.Gather(doc, facts, nil, bill, usage.SkewLimit{Decimal: decimal.NewFromInt(1)}); err != nil {
		return nil, fmt.Errorf("unite %s again: %w", a.month, err)
	}
	return doc, nil
}

// Rated returns the usage of on time and late as rating reads it.
func Rated(onTime, late *usage.Document) (a, b rating.Usage, err error) {
	if a, err = onTime.Rating(); err == nil {
		b, err = late.Rating()
	}
	return a, b, err
}

// Before returns what the month before left of packages.
func (a *Again) Before(ctx context.Context) ([]rating.Balance, error) {
	if a.closing.Previous == nil {
		return nil, nil
	}
	issued, err := a.issued(ctx, a.month-1)
	return rating.Balances(issued), err
}
