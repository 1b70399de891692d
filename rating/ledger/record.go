package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// table is a table of rows that belong to entries. Its columns come after entry and n, but in entries, which has neither.
type table struct {
	name    string
	columns []string
	key     []string // of the columns: what names a row in a message
}

var (
	entriesTable = &table{"entries", []string{"seq", "kind", "month", "at", "payload", "previous", "hash"}, nil}

	closings = &table{"closings", []string{"month", "seal_id", "cluster", "topic_id", "topic", "partitions", "rules_hash", "zone",
		"version", "at", "previous", "accounts", "limits", "issuer"}, []string{"month"}}
	books    = &table{"books", []string{"month", "name", "document"}, []string{"month", "name"}}
	usage    = &table{"usage", []string{"month", "app", "account", "digest", "document"}, []string{"month", "app"}}
	invoices = &table{"invoices", []string{"closing", "month", "account", "revision", "plan", "currency", "total", "status",
		"reason", "document"}, []string{"month", "account", "revision"}}
	lines = &table{"lines", []string{"month", "account", "revision", "line", "app", "meter", "item", "quantity", "free",
		"billable", "unit_price", "amount", "how"}, []string{"month", "account", "revision", "line"}}
	results = &table{"results", []string{"month", "seal_id", "apps", "invoices", "at", "document"}, []string{"month"}}
	outbox  = &table{"outbox", []string{"month", "message"}, []string{"month"}}
	sent    = &table{"sent", []string{"outbox", "at"}, []string{"outbox"}}
	release = &table{"releases", []string{"month", "account", "revision", "reason", "released_by", "at"},
		[]string{"month", "account", "revision"}}
	amendments = &table{"amendments", []string{"month", "number", "reason", "amended_by", "at", "invoices", "document"},
		[]string{"month", "number"}}

	numbers = &table{"numbers", []string{"series", "serial", "number", "month", "account", "revision", "issued", "due"},
		[]string{"series", "serial", "month", "account", "revision"}}

	tables = []*table{closings, books, usage, invoices, lines, results, outbox, sent, release, amendments, numbers}
)

func (t *table) insertion(rows int) string {
	columns := t.columns
	if t != entriesTable {
		columns = append([]string{"entry", "n"}, columns...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", t.name, strings.Join(columns, ", "))
	p := 0
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		for j := range columns {
			p++
			b.WriteByte("(,"[min(j, 1)])
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(p))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// describe names a row by its key.
func (t *table) describe(values []any) string {
	var s []string
	for _, k := range t.key {
		for i, c := range t.columns {
			if c == k {
				s = append(s, fmt.Sprintf("%s=%v", k, values[i]))
			}
		}
	}
	return strings.Join(s, " ")
}

// row is a row of a table, as its columns' values: string, int64, []byte or nil.
type row struct {
	table  *table
	values []any
}

// cells are the row's values as the database has them.
func (r row) cells() []any {
	cells := slices.Clone(r.values)
	for i, c := range r.table.columns {
		if content, is := cells[i].([]byte); is && r.table.packs(c) {
			cells[i] = pack(content)
		}
	}
	return cells
}

// record is an entry's content. Marshaled, it is the payload; what is too large for the chain it covers with a digest.
type record interface {
	kind() string
	// covered lists the documents that the payload has digests of, and the cells they are kept in.
	covered() []covered
	// rows are the rows of the entry, a function of the payload and the covered documents.
	rows(month string) ([]row, error)
}

// covered is a document that lies in a table, in the n-th row of its entry.
type covered struct {
	table  *table
	n      int
	column string
	hash   *string
	data   *[]byte
}

// newRecord returns an empty record of a kind, to decode a payload into.
func newRecord(kind string) (record, error) {
	switch kind {
	case "ledger":
		return &ledgerRecord{}, nil
	case "closing":
		return &closingRecord{}, nil
	case "usage":
		return &usageRecord{}, nil
	case "invoice":
		return &invoiceRecord{}, nil
	case "result":
		return &resultRecord{}, nil
	case "message":
		return &messageRecord{}, nil
	case "sent":
		return &sentRecord{}, nil
	case "release":
		return &releaseRecord{}, nil
	case "amendment":
		return &amendmentRecord{}, nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

func decodeRecord(kind, payload string) (record, error) {
	r, err := newRecord(kind)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("decode payload: %w", err)
	}
	return r, nil
}

// ledgerRecord is the first entry: it tells two ledgers apart that are otherwise alike.
type ledgerRecord struct {
	Format int    `json:"format"`
	ID     string `json:"id"` // random, 32 hex digits
}

func (*ledgerRecord) kind() string               { return "ledger" }
func (*ledgerRecord) covered() []covered         { return nil }
func (*ledgerRecord) rows(string) ([]row, error) { return nil, nil }
