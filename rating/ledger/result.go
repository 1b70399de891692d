package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Result is that with which a month's close ends.
type Result struct {
	Month    Month
	SealID   string // of the closing it belongs to
	Usage    []UsageRow
	Document json.RawMessage // the whole printed usage, without invoices
	Invoices []Invoice       // of the month; and new revisions of earlier months, for what is settled late
	Outbox   [][]byte        // records that are to go to the log. Result adds those of the month's amendments and releases, in order

	// Announce, where it is set, makes further records for the outbox: it is given the ledger's head after all of the above,
	// so that what it makes vouches for them. It runs within the transaction and must not use the ledger. Commit only.
	Announce func(head string) ([][]byte, error)

	Head string    // of the ledger after usage, invoices and result. Set by Result
	At   time.Time // of the commit. Set by Result
}

// UsageRow is one app's sealed usage.
type UsageRow struct {
	App      string
	Account  string          // empty: nobody is billed
	Digest   string          // of the united facts
	Document json.RawMessage // the app's element of the printed usage
}

// Commit records the result of a month whose closing has begun: from here on the month is closed. Where it is closed already,
// Commit changes nothing and says so; what counts is what Result returns.
//
// The seal id must be the closing's. An invoice's revision must follow the one that is stored: 1 for the first.
func (l *Ledger) Commit(ctx context.Context, r Result) (already bool, err error) {
	defer func() { err = wrap(err, "commit the close of %s", r.Month) }()
	if err := r.validate(); err != nil {
		return false, err
	}
	err = l.write(ctx, func(a *appender) error {
		c, err := readClosing(ctx, a.tx, r.Month)
		if err != nil {
			return err
		}
		if c.SealID != r.SealID {
			return fmt.Errorf("the result is of seal %s, but the closing's is %s: run the close again, which adopts it", r.SealID, c.SealID)
		}
		if err := isClosed(ctx, a.tx, r.Month); !errors.Is(err, ErrNotFound) {
			already = err == nil
			return err
		}
		return r.append(a)
	})
	if err == nil && !already {
		l.settle(ctx)
	}
	return already && err == nil, err
}

func (r *Result) validate() error {
	if !json.Valid(r.Document) {
		return errors.New("the usage document is not JSON")
	}
	seen := make(map[string]bool, len(r.Usage))
	for _, u := range r.Usage {
		if seen[u.App] {
			return fmt.Errorf("usage of app %q is there twice", u.App)
		}
		seen[u.App] = true
		if u.App == "" || !json.Valid(u.Document) {
			return fmt.Errorf("usage of app %q: want an app and a JSON document", u.App)
		}
		for _, f := range []struct{ name, value string }{{"app", u.App}, {"account", u.Account}, {"digest", u.Digest}} {
			if err := checkText(f.name, f.value); err != nil {
				return fmt.Errorf("usage of app %q: %w", u.App, err)
			}
		}
	}
	for _, v := range r.Invoices {
		if v.Month > r.Month {
			return fmt.Errorf("invoice of %s is for %s, a month that is not closed", v.Account, v.Month)
		}
	}
	return nil
}

// append adds usage, invoices, the result and the messages, in this order.
func (r *Result) append(a *appender) error {
	for _, u := range r.Usage {
		rec := &usageRecord{App: u.App, Digest: u.Digest, document: u.Document}
		if u.Account != "" {
			rec.Account = &u.Account
		}
		if _, err := a.add(r.Month.String(), rec); err != nil {
			return err
		}
	}
	if err := a.invoices(r.Month, r.Invoices); err != nil {
		return err
	}
	rec := &resultRecord{SealID: r.SealID, Apps: len(r.Usage), Invoices: len(r.Invoices), At: a.now, document: r.Document}
	if _, err := a.add(r.Month.String(), rec); err != nil {
		return err
	}
	return a.messages(r.Month, r.Outbox, r.Announce)
}

// messages adds messages to the outbox, and those that announce, where it is set, makes of the ledger's head.
func (a *appender) messages(month Month, all [][]byte, announce func(head string) ([][]byte, error)) error {
	if announce != nil {
		more, err := announce(a.head)
		if err != nil {
			return fmt.Errorf("announce: %w", err)
		}
		all = append(all[:len(all):len(all)], more...)
	}
	for _, m := range all {
		if _, err := a.add(month.String(), &messageRecord{message: present(m)}); err != nil {
			return err
		}
	}
	return nil
}

// invoices adds invoices, each the next revision of its own, as rows of a month's close or amendment. Those that are final are numbered.
func (a *appender) invoices(closing Month, invoices []Invoice) error {
	revisions := map[revisionOf]int{}
	months := map[Month]bool{}
	for _, v := range invoices {
		if !months[v.Month] {
			months[v.Month] = true
			if err := readRevisions(a.ctx, a.tx, v.Month, revisions); err != nil {
				return err
			}
		}
		k := revisionOf{v.Month, v.Account}
		if revisions[k]++; v.Revision != revisions[k] {
			return fmt.Errorf("%w: invoice of %s, %s, has revision %d, but the next is %d", ErrOrder, v.Account, v.Month, v.Revision, revisions[k])
		}
		rec := &invoiceRecord{Month: v.Month, Account: v.Account, Revision: v.Revision, document: v.Document}
		if v.Status == Final {
			var err error
			if rec.Numbered, err = a.number(closing, &v); err != nil {
				return err
			}
		}
		if _, err := a.add(closing.String(), rec); err != nil {
			return err
		}
	}
	return nil
}

type revisionOf struct {
	month   Month
	account string
}

// readRevisions adds the newest revision of each account's invoice for a month.
func readRevisions(ctx context.Context, tx *sql.Tx, month Month, all map[revisionOf]int) error {
	rows, err := tx.QueryContext(ctx, `SELECT account, max(revision) FROM invoices WHERE month = $1 GROUP BY account`, month)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		var n int
		if err := rows.Scan(&account, &n); err != nil {
			return err
		}
		all[revisionOf{month, account}] = n
	}
	return rows.Err()
}

// Result returns what the close of a month stored, as it was stored: without releases and amendments. ErrNotFound where the month is
// not closed.
func (l *Ledger) Result(ctx context.Context, month Month) (r Result, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		if err := isClosed(ctx, tx, month); err != nil {
			return err
		}
		r, err = readResult(ctx, tx, month)
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("result of %s: %w", month, err)
	}
	return r, nil
}

func readResult(ctx context.Context, tx *sql.Tx, month Month) (Result, error) {
	r := Result{Month: month}
	var at string
	var document []byte
	err := tx.QueryRowContext(ctx, `SELECT r.seal_id, r.at, r.document, e.hash FROM results r JOIN entries e ON e.seq = r.entry
		WHERE r.month = $1`, month).Scan(&r.SealID, &at, &document, &r.Head)
	if err != nil {
		return Result{}, err
	}
	r.Document = document
	if r.At, err = parseTime(at); err != nil {
		return Result{}, err
	}
	if r.Usage, err = readUsage(ctx, tx, month); err != nil {
		return Result{}, err
	}
	if r.Invoices, err = readInvoices(ctx, tx, `i.closing = $1 AND i.entry < (SELECT entry FROM results WHERE month = $1)`, month); err != nil {
		return Result{}, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT message FROM outbox WHERE month = $1 ORDER BY entry`, month)
	if err != nil {
		return Result{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var m []byte
		if err := rows.Scan(&m); err != nil {
			return Result{}, err
		}
		r.Outbox = append(r.Outbox, present(m))
	}
	return r, rows.Err()
}

func readUsage(ctx context.Context, tx *sql.Tx, month Month) ([]UsageRow, error) {
	rows, err := tx.QueryContext(ctx, `SELECT app, account, digest, document FROM usage WHERE month = $1 ORDER BY app`, month)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []UsageRow{}
	for rows.Next() {
		var u UsageRow
		var account sql.NullString
		var document []byte
		if err := rows.Scan(&u.App, &account, &u.Digest, &document); err != nil {
			return nil, err
		}
		u.Account, u.Document = account.String, document
		all = append(all, u)
	}
	return all, rows.Err()
}

// isClosed returns ErrNotFound where the month has no result.
func isClosed(ctx context.Context, tx *sql.Tx, month Month) error {
	var n int64
	err := tx.QueryRowContext(ctx, `SELECT entry FROM results WHERE month = $1`, month).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return &UnclosedError{month, fmt.Sprintf("%s is not closed: close it first", month), ErrNotFound}
	}
	return err
}

// LastClosed returns the newest month that is closed; ok is false where none is.
func (l *Ledger) LastClosed(ctx context.Context) (month Month, ok bool, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT month FROM results ORDER BY month DESC LIMIT 1`).Scan(&month)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return month, ok, err
}

// MonthState says how far a month's close is.
type MonthState struct {
	Month  Month
	SealID string
	Begun  time.Time
	Closed time.Time // zero: its close has begun and is not done
}

// Months returns every month that has a closing, oldest first.
func (l *Ledger) Months(ctx context.Context) (all []MonthState, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT c.month, c.seal_id, c.at, r.at FROM closings c LEFT JOIN results r ON r.month = c.month
			ORDER BY c.month`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m MonthState
			var begun string
			var closed sql.NullString
			if err := rows.Scan(&m.Month, &m.SealID, &begun, &closed); err != nil {
				return err
			}
			if m.Begun, err = parseTime(begun); err != nil {
				return err
			}
			if closed.Valid {
				if m.Closed, err = parseTime(closed.String); err != nil {
					return err
				}
			}
			all = append(all, m)
		}
		return rows.Err()
	})
	return all, err
}

// Head returns the hash of the newest entry: it stands for all that the ledger holds.
func (l *Ledger) Head(ctx context.Context) (head string, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		_, head, err = readHead(ctx, tx)
		return err
	})
	return head, err
}

// Lacks returns those of some heads that no entry has: they were published by a ledger that knows more, or is another.
func (l *Ledger) Lacks(ctx context.Context, heads []string) (missing []string, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		for _, head := range heads {
			var seq int64
			err := tx.QueryRowContext(ctx, `SELECT seq FROM entries WHERE hash = $1`, head).Scan(&seq)
			if errors.Is(err, sql.ErrNoRows) {
				missing = append(missing, head)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return missing, err
}

// usageRecord is one app's usage as the chain has it.
type usageRecord struct {
	App      string  `json:"app"`
	Account  *string `json:"account"`
	Digest   string  `json:"digest"`   // of the facts
	Document string  `json:"document"` // digest

	document []byte
}

func (*usageRecord) kind() string { return "usage" }

func (r *usageRecord) covered() []covered {
	return []covered{{usage, 0, "document", &r.Document, &r.document}}
}

func (r *usageRecord) rows(month string) ([]row, error) {
	return []row{{usage, []any{month, r.App, text(r.Account), r.Digest, r.document}}}, nil
}

// resultRecord is a result as the chain has it.
type resultRecord struct {
	SealID   string `json:"seal_id"`
	Apps     int    `json:"apps"`     // usage entries
	Invoices int    `json:"invoices"` // invoice entries
	At       string `json:"at"`
	Document string `json:"document"` // digest

	document []byte
}

func (*resultRecord) kind() string { return "result" }

func (r *resultRecord) covered() []covered {
	return []covered{{results, 0, "document", &r.Document, &r.document}}
}

func (r *resultRecord) rows(month string) ([]row, error) {
	return []row{{results, []any{month, r.SealID, int64(r.Apps), int64(r.Invoices), r.At, r.document}}}, nil
}
