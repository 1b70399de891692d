package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"headcount/internal/canonical"
)

// Amendment is the correction of a closed month: what it is priced by from now on, and why. What was there before stays; the
// difference is in further revisions of the invoices.
type Amendment struct {
	Month      Month
	Number     int // of the month, from 1
	Reason     string
	By         string
	At         time.Time         // set by Amend
	Accounts   []byte            // the accounts file
	Books      map[string][]byte // price books by name
	Usage      json.RawMessage   // that was rated, as printed
	Quantities json.RawMessage   // what should have been reported, in place of what was, canonical JSON; nil: what was
	Invoices   int               // further revisions that it made. Set by Amend

	// Announce, where it is set, makes records for the outbox, as that of a Result does.
	Announce func(head string) ([][]byte, error)
}

// amendmentDocument is an amendment's document.
type amendmentDocument struct {
	Accounts   string            `json:"accounts"`
	Books      map[string]string `json:"books"`
	Usage      json.RawMessage   `json:"usage"`
	Quantities json.RawMessage   `json:"quantities,omitempty"`
}

// Amend records an amendment of a closed month with the invoices that it makes. Where the same one is recorded already, Amend
// changes nothing and says so. Its number must be the next, and so must each invoice's revision.
func (l *Ledger) Amend(ctx context.Context, m Amendment, invoices []Invoice) (already bool, err error) {
	defer func() { err = wrap(err, "amend %s", m.Month) }()
	rec, err := newAmendmentRecord(&m, len(invoices))
	if err != nil {
		return false, err
	}
	err = l.write(ctx, func(a *appender) error {
		if err := isClosed(ctx, a.tx, m.Month); err != nil {
			return err
		}
		all, err := readAmendments(ctx, a.tx, m.Month)
		if err != nil {
			return err
		}
		if m.Number <= len(all) && m.Number > 0 {
			was := &all[m.Number-1]
			old, err := newAmendmentRecord(was, was.Invoices)
			if err != nil {
				return err
			}
			if already = was.Reason == m.Reason && was.By == m.By && bytes.Equal(old.document, rec.document); already {
				return nil
			}
		}
		if m.Number != len(all)+1 {
			return fmt.Errorf("%w: amendment %d, but the next of the month is %d", ErrOrder, m.Number, len(all)+1)
		}
		rec.At = a.now
		if _, err := a.add(m.Month.String(), rec); err != nil {
			return err
		}
		for _, v := range invoices {
			if v.Month != m.Month {
				return fmt.Errorf("invoice of %s is for %s", v.Account, v.Month)
			}
		}
		if err := a.invoices(m.Month, invoices); err != nil {
			return err
		}
		return a.messages(m.Month, nil, m.Announce)
	})
	return already && err == nil, err
}

// Amendments returns a month's amendments, the first first; none is no error.
func (l *Ledger) Amendments(ctx context.Context, month Month) (all []Amendment, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		all, err = readAmendments(ctx, tx, month)
		return err
	})
	return all, wrap(err, "amendments of %s", month)
}

func readAmendments(ctx context.Context, tx *sql.Tx, month Month) (all []Amendment, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT number, reason, amended_by, at, invoices, document FROM amendments WHERE month = $1 ORDER BY number`, month)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		m := Amendment{Month: month, Books: map[string][]byte{}}
		var at string
		var document []byte
		if err := rows.Scan(&m.Number, &m.Reason, &m.By, &at, &m.Invoices, &document); err != nil {
			return nil, err
		}
		if m.At, err = parseTime(at); err != nil {
			return nil, err
		}
		if document, err = unpack(document); err != nil {
			return nil, fmt.Errorf("amendment %d: %w", m.Number, err)
		}
		var d amendmentDocument
		if err := json.Unmarshal(document, &d); err != nil {
			return nil, fmt.Errorf("amendment %d: %w", m.Number, err)
		}
		m.Accounts, m.Usage, m.Quantities = []byte(d.Accounts), d.Usage, d.Quantities
		for name, text := range d.Books {
			m.Books[name] = []byte(text)
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// amendmentRecord is an amendment as the chain has it.
type amendmentRecord struct {
	Number   int    `json:"number"`
	Reason   string `json:"reason"`
	By       string `json:"by"`
	At       string `json:"at"`
	Invoices int    `json:"invoices"`
	Document string `json:"document"` // digest

	document []byte
}

func newAmendmentRecord(m *Amendment, invoices int) (*amendmentRecord, error) {
	if m.Reason == "" || m.By == "" {
		return nil, errors.New("an amendment needs a reason and who gives it")
	}
	if !json.Valid(m.Usage) {
		return nil, errors.New("its usage is not JSON")
	}
	if len(m.Quantities) > 0 && !json.Valid(m.Quantities) {
		return nil, errors.New("its quantities are not JSON")
	}
	d := amendmentDocument{Accounts: string(m.Accounts), Books: map[string]string{}, Usage: m.Usage, Quantities: m.Quantities}
	texts := map[string]string{"reason": m.Reason, "name": m.By, "accounts": d.Accounts}
	for name, text := range m.Books {
		d.Books[name] = string(text)
		texts["book "+name] = string(text)
	}
	for name, text := range texts {
		if err := checkText(name, text); err != nil {
			return nil, err
		}
	}
	document, err := canonical.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return &amendmentRecord{Number: m.Number, Reason: m.Reason, By: m.By, Invoices: invoices, document: document}, nil
}

func (*amendmentRecord) kind() string { return "amendment" }

func (r *amendmentRecord) covered() []covered {
	return []covered{{amendments, 0, "document", &r.Document, &r.document}}
}

func (r *amendmentRecord) rows(month string) ([]row, error) {
	return []row{{amendments, []any{month, int64(r.Number), r.Reason, r.By, r.At, int64(r.Invoices), r.document}}}, nil
}
