package closing

import (
	"cmp"
	"context"
	"errors"
	"io"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating/ledger"
)

var errFault = errors.New("it broke")

// faults breaks one call of the ports, or all from it on.
type faults struct {
	at      int               // the call that breaks, from 1; 0: none
	name    string            // or the first call of that name; empty: none
	err     error             // it breaks with; nil: errFault
	applied bool              // that call does its work, and fails all the same
	killed  bool              // no call after it does anything
	before  func(what string) // is called before each call; nil: nothing
	calls   int
	hit     string // what broke; empty: nothing did
}

func (f *faults) do(what string, work func() error) error {
	f.calls++
	if f.before != nil {
		f.before(what)
	}
	switch {
	case f.hit != "" && f.killed:
		return errFault
	case f.hit != "" || f.calls != f.at && what != f.name:
		return work()
	}
	f.hit = what
	if f.applied {
		if err := work(); err != nil {
			return err
		}
	}
	return cmp.Or(f.err, errFault)
}

// mend lets all further calls work again.
func (f *faults) mend() { f.killed = false }

// testLedger is the real ledger, whose calls may break, and which the site closes.
type testLedger struct {
	*ledger.Ledger
	f *faults
}

func (testLedger) Close() error { return nil }

func (l testLedger) LastClosed(ctx context.Context) (month events.Month, ok bool, err error) {
	err = l.f.do("LastClosed", func() (err error) {
		month, ok, err = l.Ledger.LastClosed(ctx)
		return err
	})
	return month, ok, err
}

func (l testLedger) Closing(ctx context.Context, month events.Month) (c ledger.Closing, err error) {
	err = l.f.do("Closing", func() (err error) {
		c, err = l.Ledger.Closing(ctx, month)
		return err
	})
	return c, err
}

func (l testLedger) Result(ctx context.Context, month events.Month) (r ledger.Result, err error) {
	err = l.f.do("Result", func() (err error) {
		r, err = l.Ledger.Result(ctx, month)
		return err
	})
	return r, err
}

func (l testLedger) Invoices(ctx context.Context, month events.Month) (all []ledger.Invoice, err error) {
	err = l.f.do("Invoices", func() (err error) {
		all, err = l.Ledger.Invoices(ctx, month)
		return err
	})
	return all, err
}

func (l testLedger) Amendments(ctx context.Context, month events.Month) (all []ledger.Amendment, err error) {
	err = l.f.do("Amendments", func() (err error) {
		all, err = l.Ledger.Amendments(ctx, month)
		return err
	})
	return all, err
}

func (l testLedger) Begin(ctx context.Context, c ledger.Closing) (stored ledger.Closing, adopted bool, err error) {
	err = l.f.do("Begin", func() (err error) {
		stored, adopted, err = l.Ledger.Begin(ctx, c)
		return err
	})
	return stored, adopted, err
}

func (l testLedger) Commit(ctx context.Context, r ledger.Result) (already bool, err error) {
	err = l.f.do("Commit", func() (err error) {
		already, err = l.Ledger.Commit(ctx, r)
		return err
	})
	return already, err
}

func (l testLedger) Outbox(ctx context.Context) (all []ledger.Message, err error) {
	err = l.f.do("Outbox", func() (err error) {
		all, err = l.Ledger.Outbox(ctx)
		return err
	})
	return all, err
}

func (l testLedger) MarkSent(ctx context.Context, ids ...int64) error {
	return l.f.do("MarkSent", func() error { return l.Ledger.MarkSent(ctx, ids...) })
}

// faultyBucket is a state store whose calls may break.
type faultyBucket struct {
	memory
	f *faults
}

func (b faultyBucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	return b.f.do("Create "+name, func() error { return b.memory.Create(ctx, name, write) })
}

func (b faultyBucket) Open(ctx context.Context, name string) (file checkpoint.File, err error) {
	err = b.f.do("Open "+name, func() (err error) {
		file, err = b.memory.Open(ctx, name)
		return err
	})
	return file, err
}

func (b faultyBucket) List(ctx context.Context, prefix string) (names []string, err error) {
	err = b.f.do("List "+prefix, func() (err error) {
		names, err = b.memory.List(ctx, prefix)
		return err
	})
	return names, err
}

func (b faultyBucket) Delete(ctx context.Context, name string) error {
	return b.f.do("Delete "+name, func() error { return b.memory.Delete(ctx, name) })
}
