package chain

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MonthState says how far a month's close is.
type MonthState struct {
	Month  string
	Closed time.Time // zero: its close has begun and is not done
}

// Closing is that with which a month's close begins.
type Closing struct {
	Month      string
	SealID     string
	Cluster    string
	TopicID    string
	Topic      string
	Partitions []int32
	RulesHash  string
	Zone       string
	At         time.Time
	Previous   *Previous         // nil: the first closing
	Accounts   []byte            // the accounts file, as it was
	Books      map[string][]byte // price books by name, as they were
	Limits     string            // past what invoices are held, JSON; empty: a release that kept none began it
	Issuer     []byte            // who sends what it makes, and how that is numbered, JSON; nil: it is not numbered
}

// Previous names the closing before: its month, and what it sealed.
type Previous struct {
	Month      string  `json:"month"`
	Partitions []int32 `json:"partitions"`
}

// Months returns every month that has a closing, oldest first.
func (l *Ledger) Months(ctx context.Context) (all []MonthState, err error) {
	err = l.each(ctx, `SELECT c.month, coalesce(r.at, '') FROM closings c LEFT JOIN results r ON r.month = c.month ORDER BY c.month`, nil,
		func(scan func(...any) error) error {
			var m MonthState
			var closed string
			if err := scan(&m.Month, &closed); err != nil {
				return err
			}
			var err error
			if closed != "" {
				m.Closed, err = parseInstant(closed)
			}
			all = append(all, m)
			return err
		})
	return all, named(err, "months")
}

// Closing returns the closing of a month, done or not. ErrNotFound where it has not begun.
func (l *Ledger) Closing(ctx context.Context, month string) (c Closing, err error) {
	c = Closing{Month: month, Books: map[string][]byte{}}
	var partitions, previous, at string
	err = l.one(ctx, `SELECT seal_id, cluster, topic_id, topic, partitions, rules_hash, zone, at, coalesce(previous, 'null'), accounts, coalesce(limits, ''), issuer FROM closings WHERE month = $1`, month,
		&c.SealID, &c.Cluster, &c.TopicID, &c.Topic, &partitions, &c.RulesHash, &c.Zone, &at, &previous, &c.Accounts, &c.Limits, &c.Issuer)
	if err == nil {
		c.Accounts, err = document(c.Accounts)
	}
	if err == nil {
		err = errors.Join(json.Unmarshal([]byte(partitions), &c.Partitions), json.Unmarshal([]byte(previous), &c.Previous))
	}
	if err == nil {
		c.At, err = parseInstant(at)
	}
	if err == nil {
		err = l.each(ctx, `SELECT name, document FROM books WHERE month = $1`, []any{month}, func(scan func(...any) error) error {
			var name string
			var document []byte
			err := scan(&name, &document)
			c.Books[name] = document
			return err
		})
	}
	if err != nil {
		return Closing{}, fmt.Errorf("closing of %s: %w", month, err)
	}
	return c, nil
}

// Result is that with which a month's close ended, as it was stored: without releases and amendments.
type Result struct {
	Month    string
	Head     string // the chain's, when it was done
	At       time.Time
	Document []byte // the whole printed usage
	Usage    []Usage
	Invoices []Invoice // of the month, and new revisions of earlier months
	Outbox   []Message // records for the log, also those of amendments
}

// Message is a record for the log.
type Message struct {
	Value []byte
	Sent  bool // it is on record that the log took it; else it may have
}

// Usage is one app's sealed usage.
type Usage struct {
	App      string
	Digest   string // of the united facts
	Document []byte
}

// Result returns what the close of a month stored. ErrNotFound where the month is not closed.
func (l *Ledger) Result(ctx context.Context, month string) (r Result, err error) {
	r.Month = month
	var at string
	var seq int64
	err = l.one(ctx, `SELECT r.entry, r.at, r.document, e.hash FROM results r JOIN entries e ON e.seq = r.entry WHERE r.month = $1`, month, &seq, &at, &r.Document, &r.Head)
	if err == nil {
		r.At, err = parseInstant(at)
	}
	if err == nil {
		err = l.each(ctx, `SELECT app, digest, document FROM usage WHERE month = $1 ORDER BY app`, []any{month}, func(scan func(...any) error) error {
			var u Usage
			err := scan(&u.App, &u.Digest, &u.Document)
			r.Usage = append(r.Usage, u)
			return err
		})
	}
	if err == nil {
		r.Invoices, err = l.invoices(ctx, `closing = $1 AND entry < $2`, month, seq)
	}
	if err == nil {
		err = l.each(ctx, `SELECT o.message, EXISTS (SELECT 1 FROM sent s WHERE s.outbox = o.entry) FROM outbox o WHERE o.month = $1 ORDER BY o.entry`, []any{month}, func(scan func(...any) error) error {
			var m Message
			err := scan(&m.Value, &m.Sent)
			r.Outbox = append(r.Outbox, m)
			return err
		})
	}
	if err != nil {
		return Result{}, fmt.Errorf("result of %s: %w", month, err)
	}
	return r, nil
}

// Amendment is a correction of a closed month: what it is priced by from then on.
type Amendment struct {
	Month      string
	Number     int // of the month, from 1
	At         time.Time
	Accounts   []byte
	Books      map[string][]byte
	Quantities []Quantity // what should have been reported
	Usage      []byte     // that it priced
}

// Quantity is what a source should have reported of a meter of an app.
type Quantity struct {
	App    string `json:"app"`
	Meter  string `json:"meter"`
	Source string `json:"source"`
	Day    int    `json:"day"` // 0: of the month
	Value  int64  `json:"value"`
}

// Amendments returns a month's amendments, the first first; none is no error.
func (l *Ledger) Amendments(ctx context.Context, month string) (all []Amendment, err error) {
	err = l.each(ctx, `SELECT number, at, document FROM amendments WHERE month = $1 ORDER BY number`, []any{month}, func(scan func(...any) error) error {
		a := Amendment{Month: month, Books: map[string][]byte{}}
		var at string
		var text []byte
		err := scan(&a.Number, &at, &text)
		if err == nil {
			text, err = document(text)
		}
		if err != nil {
			return err
		}
		var d struct {
			Accounts   string            `json:"accounts"`
			Books      map[string]string `json:"books"`
			Usage      jsontext.Value    `json:"usage"`
			Quantities []Quantity        `json:"quantities"`
		}
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("amendment %d: %w", a.Number, err)
		}
		for _, q := range d.Quantities {
			if q.Day < 0 || q.Day > 31 || q.Value < 0 {
				return fmt.Errorf("amendment %d: day %d or value %d of a quantity cannot be", a.Number, q.Day, q.Value)
			}
		}
		a.Accounts, a.Quantities, a.Usage = []byte(d.Accounts), d.Quantities, d.Usage
		for name, text := range d.Books {
			a.Books[name] = []byte(text)
		}
		a.At, err = parseInstant(at)
		all = append(all, a)
		return err
	})
	return all, named(err, "amendments of "+month)
}

// one reads one row by its month; ErrNotFound where there is none.
func (l *Ledger) one(ctx context.Context, query, month string, into ...any) error {
	return l.read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, query, month).Scan(into...)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		return err
	})
}

// each reads rows and has do scan each.
func (l *Ledger) each(ctx context.Context, query string, args []any, do func(scan func(...any) error) error) error {
	return l.read(ctx, func(tx *sql.Tx) error {
		found, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			if err := do(found.Scan); err != nil {
				return err
			}
		}
		return found.Err()
	})
}

func named(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
