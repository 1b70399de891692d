package chain

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// row is a row's cells in the order of its table's columns: nil, a string, an int64 or bytes; in a row that follows from an entry
// also content.
type row []any

// content stands for a document by its digest.
type content string

// is says whether a stored cell is what follows from the entry.
func is(stored, want any) bool {
	b, bytes := stored.([]byte)
	if c, ok := want.(content); ok {
		return bytes && digest(b) == string(c)
	}
	return !bytes && stored == want
}

// rows are rows by their tables' names.
type rows map[string][]row

// add adds the next row of an entry to a table.
func (r rows) add(t *table, e *entry, cells ...any) {
	r[t.name] = append(r[t.name], append(row{e.seq, int64(len(r[t.name]))}, cells...))
}

// invoiceDocument returns the document of an entry's invoice, from which its rows follow.
type invoiceDocument func(want content) ([]byte, error)

// rowsOf returns the rows that follow from an entry.
func rowsOf(e *entry, document invoiceDocument) (rows, error) {
	r := rows{}
	var err error
	switch e.kind {
	case "ledger":
		err = r.ledger(e)
	case "closing":
		err = r.closing(e)
	case "usage":
		err = r.usage(e)
	case "invoice":
		err = r.invoice(e, document)
	case "result":
		err = r.result(e)
	case "message":
		err = r.message(e)
	case "sent":
		err = r.sent(e)
	case "release":
		err = r.release(e)
	case "amendment":
		err = r.amendment(e)
	default:
		err = fmt.Errorf("unknown kind %q", e.kind)
	}
	return r, err
}

// open decodes the payload: members that are not known are refused, since their meaning is not checked.
func (e *entry) open(payload any) error {
	if err := json.Unmarshal([]byte(e.payload), payload, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("decode payload: %w", err)
	}
	return nil
}

func (r rows) ledger(e *entry) error {
	var p struct {
		Format int    `json:"format"`
		ID     string `json:"id"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	if p.Format != 1 {
		return fmt.Errorf("the ledger's format is %d, this program knows 1", p.Format)
	}
	return nil
}

func (r rows) closing(e *entry) error {
	var p struct {
		SealID     string             `json:"seal_id"`
		Cluster    string             `json:"cluster"`
		TopicID    string             `json:"topic_id"`
		Topic      string             `json:"topic"`
		Partitions jsontext.Value     `json:"partitions"`
		RulesHash  string             `json:"rules_hash"`
		Zone       string             `json:"zone"`
		Version    string             `json:"version"`
		At         string             `json:"at"`
		Previous   jsontext.Value     `json:"previous"`
		Accounts   content            `json:"accounts"`
		Books      map[string]content `json:"books"`
		Limits     jsontext.Value     `json:"limits"`
		Issuer     content            `json:"issuer"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	var previous, limits, issuer any
	if p.Previous.Kind() == '{' {
		previous = string(p.Previous)
	}
	if p.Limits != nil {
		limits = string(p.Limits)
	}
	if p.Issuer != "" {
		issuer = p.Issuer
	}
	r.add(closings, e, e.month, p.SealID, p.Cluster, p.TopicID, p.Topic, string(p.Partitions), p.RulesHash, p.Zone, p.Version, p.At, previous, p.Accounts, limits, issuer)
	for _, name := range slices.Sorted(maps.Keys(p.Books)) {
		r.add(books, e, e.month, name, p.Books[name])
	}
	return nil
}

func (r rows) usage(e *entry) error {
	var p struct {
		App      string  `json:"app"`
		Account  *string `json:"account"`
		Digest   string  `json:"digest"`
		Document content `json:"document"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	r.add(usage, e, e.month, p.App, orNull(p.Account), p.Digest, p.Document)
	return nil
}

func (r rows) result(e *entry) error {
	var p struct {
		SealID   string  `json:"seal_id"`
		Apps     int64   `json:"apps"`
		Invoices int64   `json:"invoices"`
		At       string  `json:"at"`
		Document content `json:"document"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	r.add(results, e, e.month, p.SealID, p.Apps, p.Invoices, p.At, p.Document)
	return nil
}

func (r rows) message(e *entry) error {
	var p struct {
		Message content `json:"message"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	r.add(outbox, e, e.month, p.Message)
	return nil
}

func (r rows) sent(e *entry) error {
	var p struct {
		Outbox int64  `json:"outbox"`
		At     string `json:"at"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	r.add(sent, e, p.Outbox, p.At)
	return nil
}

func (r rows) release(e *entry) error {
	var p struct {
		Account  string `json:"account"`
		Revision int64  `json:"revision"`
		Reason   string `json:"reason"`
		By       string `json:"by"`
		At       string `json:"at"`
		Numbered *given `json:"numbered"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	r.number(e, p.Numbered, e.month, p.Account, p.Revision)
	r.add(releases, e, e.month, p.Account, p.Revision, p.Reason, p.By, p.At)
	return nil
}

func (r rows) amendment(e *entry) error {
	var p struct {
		Number   int64   `json:"number"`
		Reason   string  `json:"reason"`
		By       string  `json:"by"`
		At       string  `json:"at"`
		Invoices int64   `json:"invoices"`
		Document content `json:"document"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	r.add(amendments, e, e.month, p.Number, p.Reason, p.By, p.At, p.Invoices, p.Document)
	return nil
}

// orNull is a cell that is NULL where there is nothing.
func orNull(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}
