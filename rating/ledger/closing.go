package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headcount/internal/calendar"
	"headcount/internal/canonical"
	"headcount/internal/position"
	"headcount/rating"
)

// Month is a calendar month. It prints and parses as 2026-10.
type Month = calendar.Month

// Closing is that with which a month's close begins: what is to be sealed, and by which accounts and books it will be priced.
type Closing struct {
	Month      Month
	SealID     string
	Cluster    string
	TopicID    string
	Topic      string
	Partitions []position.Partition // sorted; all that are to be sealed
	RulesHash  string               // of the month's rules
	Zone       string               // IANA name
	Version    string               // of the program
	At         time.Time
	Previous   *Previous         // nil: the first closing, which opens the books
	Accounts   []byte            // the accounts file, as it was
	Books      map[string][]byte // price books by name, as they were
	Limits     json.RawMessage   // past what invoices are held, a compact JSON object; nil: a release that kept none began it
	Issuer     []byte            // who sends what it makes, and how that is numbered: rating.Issuer's document; nil: it is not numbered
}

// Previous names the closing before: its month, and what it sealed.
type Previous struct {
	Month      Month                `json:"month"`
	Partitions []position.Partition `json:"partitions"`
}

// Begin records the month's closing, or adopts the one that is recorded: a retry, or the second of two that close at once,
// gets the first one's closing and must go on with that.
//
// A month can only follow the last: ErrOrder where a later month has a closing, where the month before is not closed, where
// months were left out, or where Previous is not what the ledger has.
func (l *Ledger) Begin(ctx context.Context, c Closing) (stored Closing, adopted bool, err error) {
	defer func() { err = wrap(err, "begin closing of %s", c.Month) }()
	if c.At.IsZero() {
		c.At = l.now()
	}
	if err := c.validate(); err != nil {
		return Closing{}, false, err
	}
	err = l.write(ctx, func(a *appender) error {
		stored, err = readClosing(ctx, a.tx, c.Month)
		if err == nil {
			adopted = true
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := c.follows(ctx, a.tx); err != nil {
			return err
		}
		if _, err := a.add(c.Month.String(), newClosingRecord(c)); err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
		stored, err = readClosing(ctx, a.tx, c.Month)
		return err
	})
	if err != nil {
		return Closing{}, false, err
	}
	return stored, adopted, nil
}

func (c *Closing) validate() error {
	if c.Month <= 0 {
		return errors.New("closing without a month")
	}
	for _, f := range []struct{ name, value string }{{"seal id", c.SealID}, {"cluster", c.Cluster}, {"topic id", c.TopicID},
		{"topic", c.Topic}, {"rules hash", c.RulesHash}, {"time zone", c.Zone}} {
		if f.value == "" {
			return fmt.Errorf("closing without a %s", f.name)
		}
		if err := checkText(f.name, f.value); err != nil {
			return err
		}
	}
	if err := checkText("version", c.Version); err != nil {
		return err
	}
	for name := range c.Books {
		if err := checkText("name of a book", name); err != nil {
			return err
		}
	}
	if len(c.Partitions) == 0 {
		return errors.New("closing without partitions")
	}
	if len(c.Limits) > 0 {
		if err := canonical.Unmarshal(c.Limits, new(json.RawMessage)); err != nil || c.Limits[0] != '{' {
			return fmt.Errorf("limits %.200q: want a compact JSON object: %w", c.Limits, err)
		}
		if err := checkText("limits", string(c.Limits)); err != nil {
			return err
		}
	}
	if _, err := rating.ParseIssuer(c.Issuer); err != nil {
		return err
	}
	for i, p := range c.Partitions {
		if p < 0 || i > 0 && p <= c.Partitions[i-1] {
			return fmt.Errorf("partitions %v: want them sorted, each once", c.Partitions)
		}
	}
	return nil
}

// follows checks that c is the closing that comes next.
func (c *Closing) follows(ctx context.Context, tx *sql.Tx) error {
	var month Month
	var result sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT c.month, r.entry FROM closings c LEFT JOIN results r ON r.month = c.month
		ORDER BY c.month DESC LIMIT 1`).Scan(&month, &result)
	if errors.Is(err, sql.ErrNoRows) {
		if c.Previous != nil {
			return fmt.Errorf("%w: %s is named as the closing before, but the ledger has none: is it the right ledger?", ErrOrder, c.Previous.Month)
		}
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case c.Month <= month:
		return fmt.Errorf("%w: %s has a closing already, and months are closed oldest first", ErrOrder, month)
	case !result.Valid:
		return &UnclosedError{month, fmt.Sprintf("the closing of %s has begun and is not done: finish it first", month), ErrOrder}
	case c.Month != month+1:
		return fmt.Errorf("%w: the last closed month is %s: close %s first", ErrOrder, month, month+1)
	}
	before, err := readClosing(ctx, tx, month)
	if err != nil {
		return err
	}
	if c.Previous == nil || c.Previous.Month != month || !slices.Equal(c.Previous.Partitions, before.Partitions) {
		return fmt.Errorf("%w: the closing before is %s with partitions %v, but the new one names %s", ErrOrder, month, before.Partitions, c.Previous)
	}
	return nil
}

func (p *Previous) String() string {
	if p == nil {
		return "none"
	}
	return fmt.Sprintf("%s with partitions %v", p.Month, p.Partitions)
}

// Closing returns the closing of a month, done or not. ErrNotFound where it has not begun.
func (l *Ledger) Closing(ctx context.Context, month Month) (c Closing, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		c, err = readClosing(ctx, tx, month)
		return err
	})
	return c, err
}

func readClosing(ctx context.Context, tx *sql.Tx, month Month) (Closing, error) {
	c := Closing{Month: month, Books: map[string][]byte{}}
	var partitions, at string
	var previous, limits sql.NullString
	err := tx.QueryRowContext(ctx, `SELECT seal_id, cluster, topic_id, topic, partitions, rules_hash, zone, version, at, previous,
		accounts, limits, issuer FROM closings WHERE month = $1`, month).Scan(&c.SealID, &c.Cluster, &c.TopicID, &c.Topic, &partitions,
		&c.RulesHash, &c.Zone, &c.Version, &at, &previous, &c.Accounts, &limits, &c.Issuer)
	if errors.Is(err, sql.ErrNoRows) {
		return Closing{}, &UnclosedError{month, fmt.Sprintf("the closing of %s has not begun", month), ErrNotFound}
	}
	if err != nil {
		return Closing{}, fmt.Errorf("read closing of %s: %w", month, err)
	}
	if c.Accounts, err = unpack(c.Accounts); err != nil {
		return Closing{}, fmt.Errorf("closing of %s: accounts: %w", month, err)
	}
	c.Accounts = present(c.Accounts) // the drivers differ in what an empty blob is
	if err := json.Unmarshal([]byte(partitions), &c.Partitions); err != nil {
		return Closing{}, fmt.Errorf("closing of %s: partitions: %w", month, err)
	}
	if previous.Valid {
		if err := json.Unmarshal([]byte(previous.String), &c.Previous); err != nil {
			return Closing{}, fmt.Errorf("closing of %s: previous: %w", month, err)
		}
	}
	if limits.Valid {
		c.Limits = json.RawMessage(limits.String)
	}
	if c.At, err = parseTime(at); err != nil {
		return Closing{}, fmt.Errorf("closing of %s: %w", month, err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT name, document FROM books WHERE month = $1 ORDER BY name`, month)
	if err != nil {
		return Closing{}, fmt.Errorf("read books of %s: %w", month, err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var document []byte
		if err := rows.Scan(&name, &document); err != nil {
			return Closing{}, fmt.Errorf("read books of %s: %w", month, err)
		}
		c.Books[name] = present(document)
	}
	return c, rows.Err()
}

// closingRecord is a closing as the chain has it.
type closingRecord struct {
	SealID     string               `json:"seal_id"`
	Cluster    string               `json:"cluster"`
	TopicID    string               `json:"topic_id"`
	Topic      string               `json:"topic"`
	Partitions []position.Partition `json:"partitions"`
	RulesHash  string               `json:"rules_hash"`
	Zone       string               `json:"zone"`
	Version    string               `json:"version"`
	At         string               `json:"at"`
	Previous   *Previous            `json:"previous"`
	Accounts   string               `json:"accounts"` // digest
	Books      map[string]string    `json:"books"`    // digests
	Limits     json.RawMessage      `json:"limits,omitempty"`
	Issuer     string               `json:"issuer,omitempty"` // digest

	accounts []byte
	issuer   []byte   // nil: none
	books    [][]byte // in the order of their names
}

func newClosingRecord(c Closing) *closingRecord {
	r := &closingRecord{SealID: c.SealID, Cluster: c.Cluster, TopicID: c.TopicID, Topic: c.Topic, Partitions: c.Partitions,
		RulesHash: c.RulesHash, Zone: c.Zone, Version: c.Version, At: formatTime(c.At), Previous: c.Previous,
		Books: map[string]string{}, Limits: c.Limits, accounts: present(c.Accounts), issuer: c.Issuer}
	for _, name := range slices.Sorted(maps.Keys(c.Books)) {
		r.Books[name] = canonical.Hash(c.Books[name])
		r.books = append(r.books, present(c.Books[name]))
	}
	return r
}

func (*closingRecord) kind() string { return "closing" }

func (r *closingRecord) covered() []covered {
	if r.books == nil {
		r.books = make([][]byte, len(r.Books))
	}
	all := []covered{{closings, 0, "accounts", &r.Accounts, &r.accounts}}
	if r.Issuer != "" || r.issuer != nil {
		all = append(all, covered{closings, 0, "issuer", &r.Issuer, &r.issuer})
	}
	for i, name := range slices.Sorted(maps.Keys(r.Books)) {
		hash := r.Books[name]
		all = append(all, covered{books, i, "document", &hash, &r.books[i]})
	}
	return all
}

func (r *closingRecord) rows(month string) ([]row, error) {
	partitions, err := jsonText(r.Partitions)
	if err != nil {
		return nil, err
	}
	var previous, limits, issuer any
	if r.Previous != nil {
		if previous, err = jsonText(r.Previous); err != nil {
			return nil, err
		}
	}
	if r.Limits != nil {
		limits = string(r.Limits)
	}
	if r.issuer != nil {
		issuer = r.issuer
	}
	all := []row{{closings, []any{month, r.SealID, r.Cluster, r.TopicID, r.Topic, partitions, r.RulesHash, r.Zone, r.Version,
		r.At, previous, r.accounts, limits, issuer}}}
	for i, name := range slices.Sorted(maps.Keys(r.Books)) {
		all = append(all, row{books, []any{month, name, r.books[i]}})
	}
	return all, nil
}
