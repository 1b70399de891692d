package ledger

import (
	"context"
	"errors"
	"fmt"
)

// Release lifts the hold of a month's invoice, on the record: every revision of it that is held and not released yet becomes
// final, and has its number. The same release again changes nothing. ErrNotFound where the account has no invoice for the month, ErrNotHeld where
// none is held. announce, where it is not nil, makes records for the outbox of what is released, as that of a Result does.
func (l *Ledger) Release(ctx context.Context, month Month, account, reason, by string, announce func(head string) ([][]byte, error)) (err error) {
	defer func() { err = wrap(err, "release the invoice of %s for %s", account, month) }()
	if reason == "" || by == "" {
		return errors.New("a release needs a reason and who gives it")
	}
	for _, s := range []string{reason, by} {
		if err := checkText("reason", s); err != nil {
			return err
		}
	}
	return l.write(ctx, func(a *appender) error {
		if err := isClosed(ctx, a.tx, month); err != nil {
			return err
		}
		all, err := readInvoices(ctx, a.tx, `i.month = $1 AND i.account = $2`, month, account)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return &NoInvoiceError{month, account}
		}
		if err := readReleases(ctx, a.tx, month, all); err != nil {
			return err
		}
		var last *Act
		for _, v := range all {
			if v.Release != nil {
				last = v.Release
			}
			if v.Status != Held {
				continue
			}
			whole, err := NewInvoice(v.Document) // its form and terms are no columns
			if err != nil {
				return err
			}
			rec := &releaseRecord{Account: account, Revision: v.Revision, Reason: reason, By: by, At: a.now}
			if rec.Numbered, err = a.number(v.Closing, &whole); err != nil {
				return err
			}
			if _, err := a.add(month.String(), rec); err != nil {
				return err
			}
		}
		switch {
		case a.dirty:
			return a.messages(month, nil, announce)
		case last != nil && last.Reason == reason && last.By == by:
			return nil
		case last != nil:
			return fmt.Errorf("%w: %s released it on %s: %s", ErrNotHeld, last.By, formatTime(last.At), last.Reason)
		}
		return ErrNotHeld
	})
}

// releaseRecord is the release of one revision as the chain has it.
type releaseRecord struct {
	Account  string `json:"account"`
	Revision int    `json:"revision"`
	Reason   string `json:"reason"`
	By       string `json:"by"`
	At       string `json:"at"`

	Numbered *numbered `json:"numbered,omitempty"` // nil: the closing that made it has no issuer
}

func (*releaseRecord) kind() string       { return "release" }
func (*releaseRecord) covered() []covered { return nil }

func (r *releaseRecord) rows(month string) ([]row, error) {
	all := []row{{release, []any{month, r.Account, int64(r.Revision), r.Reason, r.By, r.At}}}
	if r.Numbered != nil {
		all = append(all, r.Numbered.row(month, r.Account, r.Revision))
	}
	return all, nil
}
