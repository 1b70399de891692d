package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"headcount/internal/calendar"
	"headcount/rating"
)

// Zones finds a time zone by its IANA name. A ledger needs it to date what it numbers: UseZones.
type Zones func(name string) (*time.Location, error)

// UseZones says where time zones are found. Without it, months whose closing has an issuer cannot be written unless their zone is UTC.
func (l *Ledger) UseZones(z Zones) { l.zones = z }

func (l *Ledger) zone(name string) (*time.Location, error) {
	switch {
	case name == "UTC":
		return time.UTC, nil
	case l.zones == nil:
		return nil, fmt.Errorf("time zone %s: the ledger was opened without time zones", name)
	}
	return l.zones(name)
}

// numbered is the number of a revision that is final, as the chain has it: given with the entry by which it became so. Numbers of a series
// go up by one, in the order of the entries.
type numbered struct {
	Series string `json:"series"` // what the number begins with
	Serial int64  `json:"serial"` // from 1
	Number string `json:"number"`
	Issued string `json:"issued"`        // the entry's day, in the closing's zone
	Due    string `json:"due,omitempty"` // empty: no terms
}

// row is a row of the table numbers, for a revision.
func (n *numbered) row(month, account string, revision int) row {
	var due any
	if n.Due != "" {
		due = n.Due
	}
	return row{numbers, []any{n.Series, n.Serial, n.Number, month, account, int64(revision), n.Issued, due}}
}

// numbering numbers what one closing made.
type numbering struct {
	issuer *rating.Issuer
	issued calendar.Date
}

// numbering reads how what a closing made is numbered now; nil: it has no issuer.
func (a *appender) numbering(closing Month) (*numbering, error) {
	if n, ok := a.numberings[closing]; ok {
		return n, nil
	}
	var zoneName string
	var document []byte
	err := a.tx.QueryRowContext(a.ctx, `SELECT zone, issuer FROM closings WHERE month = $1`, closing).Scan(&zoneName, &document)
	if err != nil {
		return nil, fmt.Errorf("issuer of the closing of %s: %w", closing, err)
	}
	issuer, err := rating.ParseIssuer(document)
	if err != nil {
		return nil, fmt.Errorf("closing of %s: %w", closing, err)
	}
	var n *numbering
	if issuer != nil {
		zone, err := a.zone(zoneName)
		if err != nil {
			return nil, err
		}
		at, err := parseTime(a.now)
		if err != nil {
			return nil, err
		}
		n = &numbering{issuer, calendar.DateOf(at.In(zone))}
	}
	a.numberings[closing] = n
	return n, nil
}

// number gives an invoice that is final its number: the next of its series. Nil: the closing that made it has no issuer.
func (a *appender) number(closing Month, v *Invoice) (*numbered, error) {
	by, err := a.numbering(closing)
	if by == nil || err != nil {
		return nil, err
	}
	pattern := by.issuer.Invoice
	if v.Form == rating.DocumentCredit {
		pattern = by.issuer.Credit
	}
	n := &numbered{Series: pattern.Series(v.Month), Issued: by.issued.String()}
	last, known := a.serials[n.Series]
	if !known {
		err := a.tx.QueryRowContext(a.ctx, `SELECT serial FROM numbers WHERE series = $1 ORDER BY serial DESC LIMIT 1`, n.Series).Scan(&last)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("the last number of %s: %w", n.Series, err)
		}
	}
	n.Serial = last + 1
	a.serials[n.Series] = n.Serial
	n.Number = pattern.Number(v.Month, n.Serial)
	if v.Terms != "" {
		terms, err := rating.ParseTerms(v.Terms)
		if err != nil {
			return nil, fmt.Errorf("invoice of %s for %s: %w", v.Account, v.Month, err)
		}
		n.Due = by.issued.AddDays(terms.Days).String()
	}
	return n, nil
}

// revisionKey names a revision within a month.
type revisionKey struct {
	account  string
	revision int
}

// readNumbers tells a month's invoices their numbers.
func readNumbers(ctx context.Context, tx *sql.Tx, month Month, all []Invoice) error {
	rows, err := tx.QueryContext(ctx, `SELECT account, revision, number, issued, coalesce(due, '') FROM numbers WHERE month = $1`, month)
	if err != nil {
		return err
	}
	defer rows.Close()
	given := map[revisionKey]Number{}
	for rows.Next() {
		var account string
		var revision int
		var n Number
		if err := rows.Scan(&account, &revision, &n.Number, &n.Issued, &n.Due); err != nil {
			return err
		}
		given[revisionKey{account, revision}] = n
	}
	for i := range all {
		v := &all[i]
		if n, ok := given[revisionKey{v.Account, v.Revision}]; ok {
			if v.Revision > 1 {
				n.Corrects = given[revisionKey{v.Account, 1}].Number
			}
			v.Number = &n
		}
	}
	return rows.Err()
}

// readAmended tells a month's invoices which amendment made them.
func readAmended(ctx context.Context, tx *sql.Tx, month Month, all []Invoice) error {
	rows, err := tx.QueryContext(ctx, `SELECT i.account, i.revision, a.reason, a.amended_by, a.at FROM invoices i JOIN amendments a ON a.month = i.month
		WHERE i.month = $1 AND i.closing = $1 AND a.entry = (SELECT max(b.entry) FROM amendments b WHERE b.month = $1 AND b.entry < i.entry)`, month)
	if err != nil {
		return err
	}
	defer rows.Close()
	by := map[revisionKey]*Act{}
	for rows.Next() {
		var k revisionKey
		var at string
		x := &Act{}
		if err := rows.Scan(&k.account, &k.revision, &x.Reason, &x.By, &at); err != nil {
			return err
		}
		if x.At, err = parseTime(at); err != nil {
			return err
		}
		by[k] = x
	}
	for i := range all {
		all[i].Amended = by[revisionKey{all[i].Account, all[i].Revision}]
	}
	return rows.Err()
}
