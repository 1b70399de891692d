package closing

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"headcount/cmd/cli"
	"headcount/cmd/rollup/usage"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating"
	"headcount/rating/ledger"
)

// opened are the sealed months of a closing's partitions, and of the month before where they have one.
type opened struct {
	months  []*checkpoint.SealedMonth // as the closing's partitions
	earlier []*checkpoint.SealedMonth // of the closing before
}

func (o *opened) close() {
	for _, s := range append(o.months, o.earlier...) {
		s.Close()
	}
}

// before returns the facts of the month before: what its seals hold, and what came late.
func (o *opened) before() (onTime, late []counter.RowReader) {
	for _, s := range o.earlier {
		onTime = append(onTime, s.OnTime())
	}
	for _, s := range o.months {
		late = append(late, s.Late())
	}
	return onTime, late
}

// open opens the sealed files that a close reads. They are verified.
func (w *work) open(ctx context.Context) (_ *opened, err error) {
	o := &opened{}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	for _, p := range w.closing.Partitions {
		sealed, err := w.openSealed(ctx, w, p)
		if err != nil {
			return nil, err
		}
		o.months = append(o.months, sealed)
	}
	if w.closing.Previous == nil {
		return o, nil
	}
	former, err := w.former(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range former.closing.Partitions {
		earlier, err := w.openSealed(ctx, former, p)
		if err != nil {
			return nil, err
		}
		o.earlier = append(o.earlier, earlier)
	}
	return o, nil
}

// openSealed opens a partition's sealed month of this close, or of the former one. What is lost or damaged is counted again from
// the log and put back, where the topic is still the same.
func (w *work) openSealed(ctx context.Context, of *work, p int32) (*checkpoint.SealedMonth, error) {
	sealed, err := of.partition(p).OpenSealed(ctx, of.month)
	gone := errors.Is(err, checkpoint.ErrNotSealed) || errors.Is(err, checkpoint.ErrDamaged)
	if gone && w.conn == nil {
		return nil, cli.Fail(cli.CheckFailed, "partition %d, sealed month %s: %w: `rollup verify --month %s` says what is wrong with it; restore it from the state store's backup", p, of.month, err, of.month)
	}
	if gone && of.closing.TopicID == w.topic.ID {
		w.Log.Warn("sealed month cannot be read", "partition", p, "month", of.month, "error", err)
		if err := w.remake(ctx, p, of.month); err != nil {
			return nil, err
		}
		sealed, err = of.partition(p).OpenSealed(ctx, of.month)
	} else if gone {
		return nil, cli.Fail(cli.CheckFailed, "partition %d of the former topic %s: %w: its log is gone; restore the state store from its backup", p, of.closing.TopicID, err)
	}
	if err != nil {
		return nil, fmt.Errorf("partition %d: %w", p, err)
	}
	if sealed.Index.SealID != of.closing.SealID {
		sealed.Close()
		return nil, cli.Fail(cli.CheckFailed, "partition %d has %s sealed by %s, but the ledger's closing is %s: state store and ledger do not belong together; restore the ledger from its backup", p, of.month, sealed.Index.SealID, of.closing.SealID)
	}
	return sealed, nil
}

// former is the close of the month before, with the state that it sealed: another than this one's where the topic was made
// again since.
func (w *work) former(ctx context.Context) (*work, error) {
	if w.before != nil {
		return w.before, nil
	}
	month := w.closing.Previous.Month
	closing, err := w.ledger.Closing(ctx, month)
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	state := w.state
	if closing.TopicID != w.closing.TopicID {
		state = checkpoint.OpenTopic(w.bucket, closing.Topic, closing.TopicID)
	}
	topic := &stream.Topic{Name: closing.Topic, ID: closing.TopicID, Cluster: closing.Cluster}
	w.before = &work{Closer: w.Closer, month: month, template: w.template, bucket: w.bucket, topic: topic, state: state, ledger: w.ledger, closing: closing}
	return w.before, nil
}

// settleLate prices what came late of the month before, by the accounts and books of its own closing, or of its newest amendment:
// further revisions of its invoices. It also returns what that month left of packages.
func (w *work) settleLate(ctx context.Context, sealed *opened) ([]rating.Invoice, []rating.Balance, error) {
	if w.closing.Previous == nil {
		return nil, nil, nil
	}
	before, err := w.former(ctx)
	if err != nil {
		return nil, nil, err
	}
	former := *before // an amendment changes the prices of this one alone
	if _, err := former.amend(ctx); err != nil {
		return nil, nil, err
	}
	month, closing := former.month, former.closing
	issued, err := w.issued(ctx, month)
	if err != nil {
		return nil, nil, err
	}
	catalog, accounts, err := former.prices()
	if err != nil {
		return nil, nil, err
	}
	doc, err := former.withLate(ctx, sealed, Biller(catalog, accounts, month, closing.Zone))
	if err != nil {
		return nil, nil, err
	}
	input, err := doc.Rating()
	if err != nil {
		return nil, nil, err
	}
	zone, err := events.LoadZone(closing.Zone)
	if err != nil {
		return nil, nil, err
	}
	in := rating.Input{Month: month, Zone: zone, Usage: input, Accounts: accounts, Catalog: catalog}
	if closing.Previous != nil {
		earlier, err := w.issued(ctx, month-1)
		if err != nil {
			return nil, nil, err
		}
		in.Balances = rating.Balances(earlier)
	}
	late, err := rating.RateLate(in, issued, w.month)
	if err != nil {
		return nil, nil, fmt.Errorf("settle what came late of %s: %w", month, err)
	}
	return late, rating.Balances(append(issued, late...)), nil
}

// issued returns a month's invoices so far, all revisions.
func (w *work) issued(ctx context.Context, m events.Month) ([]rating.Invoice, error) {
	stored, err := w.ledger.Invoices(ctx, m)
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return Decode(stored)
}

// Decode reads the documents of stored invoices.
func Decode(stored []ledger.Invoice) ([]rating.Invoice, error) {
	invoices := make([]rating.Invoice, len(stored))
	for i, v := range stored {
		if err := json.Unmarshal(v.Document, &invoices[i]); err != nil {
			return nil, fmt.Errorf("invoice of %s for %s: %w", v.Account, v.Month, err)
		}
	}
	return invoices, nil
}

// withLate is the month's usage with what came late of it; sealed are the files of the close that follows.
func (w *work) withLate(ctx context.Context, sealed *opened, bill usage.Biller) (*usage.Document, error) {
	rules, err := w.rules(ctx, w.month)
	if err != nil {
		return nil, err
	}
	onTime, late := sealed.before()
	doc := &usage.Document{Month: w.month, TimeZone: w.closing.Zone, Topic: w.closing.Topic, Usage: []usage.App{}}
	facts := &usage.Facts{Rules: rules, OnTime: append(onTime, late...)}
	if _, err := usage.Gather(doc, facts, nil, bill, usage.SkewLimit{Decimal: decimal.NewFromInt(1)}); err != nil {
		return nil, fmt.Errorf("what came late of %s: %w", w.month, err)
	}
	return doc, nil
}
