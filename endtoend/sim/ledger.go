package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headcount/rating/ledger"
	"headcount/rollup/closing"
)

// books is a ledger in memory, by what package ledger promises, but that it does not read documents: check does.
type books struct {
	w        *World
	closings map[ledger.Month]ledger.Closing
	results  map[ledger.Month]ledger.Result
	invoices []ledger.Invoice
	outbox   []ledger.Message
	sent     map[int64]bool
	head     int
	numbers  int // given
}

func newBooks(w *World) *books {
	return &books{w: w, closings: map[ledger.Month]ledger.Closing{}, results: map[ledger.Month]ledger.Result{}, sent: map[int64]bool{}}
}

var _ closing.Ledger = (*books)(nil)

func (b *books) Close() error { return nil }

// Lacks knows a head by its number.
func (b *books) Lacks(_ context.Context, heads []string) (missing []string, err error) {
	for _, head := range heads {
		if head > fmt.Sprintf("%064x", b.head) {
			missing = append(missing, head)
		}
	}
	return missing, nil
}

func (b *books) LastClosed(context.Context) (ledger.Month, bool, error) {
	if len(b.results) == 0 {
		return 0, false, nil
	}
	return slices.Max(slices.Collect(maps.Keys(b.results))), true, nil
}

func (b *books) Closing(_ context.Context, month ledger.Month) (ledger.Closing, error) {
	c, ok := b.closings[month]
	if !ok {
		return c, fmt.Errorf("closing of %s: %w", month, ledger.ErrNotFound)
	}
	return c, nil
}

func (b *books) Begin(ctx context.Context, c ledger.Closing) (ledger.Closing, bool, error) {
	if have, ok := b.closings[c.Month]; ok {
		return have, true, nil
	}
	switch {
	case c.SealID == "" || c.Cluster == "" || c.TopicID == "" || c.Topic == "" || c.RulesHash == "" || c.Zone == "" || len(c.Partitions) == 0 || !slices.IsSorted(c.Partitions):
		return ledger.Closing{}, false, fmt.Errorf("closing is not whole: %+v", c)
	case len(b.closings) == 0 && c.Previous != nil || len(b.closings) > 0 && c.Previous == nil:
		return ledger.Closing{}, false, fmt.Errorf("%w: previous %v", ledger.ErrOrder, c.Previous)
	}
	if c.Previous != nil {
		last, _, _ := b.LastClosed(ctx)
		newest := slices.Max(slices.Collect(maps.Keys(b.closings)))
		if newest != last || c.Previous.Month != last || !slices.Equal(c.Previous.Partitions, b.closings[last].Partitions) || c.Month != last+1 {
			return ledger.Closing{}, false, fmt.Errorf("%w: %s after %s, of which the last closed is %s", ledger.ErrOrder, c.Month, newest, last)
		}
	}
	c.At = c.At.UTC().Truncate(time.Millisecond)
	c.Partitions = slices.Clone(c.Partitions)
	b.closings[c.Month] = c
	b.head++
	return c, false, nil
}

// revision is whose invoices are counted on.
type revision struct {
	month   ledger.Month
	account string
}

func (b *books) Commit(_ context.Context, r ledger.Result) (bool, error) {
	c, ok := b.closings[r.Month]
	if !ok {
		return false, fmt.Errorf("closing of %s: %w", r.Month, ledger.ErrNotFound)
	}
	if c.SealID != r.SealID {
		return false, errors.New("the result is of another seal")
	}
	if _, ok := b.results[r.Month]; ok {
		return true, nil
	}
	newest := map[revision]int{}
	for _, v := range b.invoices {
		newest[revision{v.Month, v.Account}] = v.Revision
	}
	invoices := slices.Clone(r.Invoices)
	for i := range invoices {
		v := &invoices[i]
		at := revision{v.Month, v.Account}
		if newest[at]++; v.Revision != newest[at] {
			return false, fmt.Errorf("%w: invoice of %s, %s: revision %d, next is %d", ledger.ErrOrder, v.Account, v.Month, v.Revision, newest[at])
		}
		v.Closing, v.Document = r.Month, bytes.Clone(v.Document)
		if v.Status == ledger.Final {
			b.numbers++
			v.Number = &ledger.Number{Number: fmt.Sprint(b.numbers)}
		}
	}
	b.head += len(r.Usage) + len(invoices) + 1
	messages := r.Outbox
	if r.Announce != nil {
		more, err := r.Announce(fmt.Sprintf("%064x", b.head))
		if err != nil {
			return false, err
		}
		messages = append(slices.Clip(messages), more...)
	}
	for _, m := range messages {
		b.head++
		b.outbox = append(b.outbox, ledger.Message{ID: int64(b.head), Month: r.Month, Value: m})
	}
	b.invoices = append(b.invoices, invoices...)
	r.Invoices, r.Announce = invoices, nil
	b.results[r.Month] = r
	return false, nil
}

func (b *books) Result(_ context.Context, month ledger.Month) (ledger.Result, error) {
	r, ok := b.results[month]
	if !ok {
		return r, fmt.Errorf("result of %s: %w", month, ledger.ErrNotFound)
	}
	return r, nil
}

func (b *books) Invoices(_ context.Context, month ledger.Month) ([]ledger.Invoice, error) {
	if _, ok := b.results[month]; !ok {
		return nil, fmt.Errorf("invoices of %s: %w", month, ledger.ErrNotFound)
	}
	all := []ledger.Invoice{}
	for _, v := range b.invoices {
		if v.Month == month {
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, func(a, b ledger.Invoice) int { return bytes.Compare([]byte(a.Account), []byte(b.Account)) })
	return all, nil
}

func (b *books) Outbox(context.Context) ([]ledger.Message, error) {
	var all []ledger.Message
	for _, m := range b.outbox {
		if !b.sent[m.ID] {
			all = append(all, m)
		}
	}
	return all, nil
}

func (b *books) MarkSent(_ context.Context, ids ...int64) error {
	for _, id := range ids {
		if !slices.ContainsFunc(b.outbox, func(m ledger.Message) bool { return m.ID == id }) {
			return fmt.Errorf("message %d: %w", id, ledger.ErrNotFound)
		}
		b.sent[id] = true
	}
	return nil
}

// Amendments implements closed.Books: nothing was amended.
func (b *books) Amendments(context.Context, ledger.Month) ([]ledger.Amendment, error) {
	return nil, nil
}
