package closing

import (
	"bytes"
	"encoding/json"

	"headcount/internal/canonical"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// result is what the ledger gets.
func (b *begun) result(doc *usage.Document, invoices []rating.Invoice) (none ledger.Result, _ error) {
	whole, apps, err := marshalUsage(doc)
	if err != nil {
		return none, err
	}
	r := ledger.Result{Month: b.month, SealID: b.this.Closing.SealID, Document: whole}
	digests := closed.DigestsOf(doc.Others)
	for i, a := range doc.Usage {
		digests[a.App] = a.Digest
		row := ledger.UsageRow{App: a.App, Digest: a.Digest, Document: apps[i]}
		if a.Account != nil {
			row.Account = *a.Account
		}
		r.Usage = append(r.Usage, row)
	}
	if r.Invoices, err = closed.Encode(invoices); err != nil {
		return none, err
	}
	r.Announce = func(head string) ([][]byte, error) { return b.this.Record(b.SealKey, digests, head), nil }
	return r, nil
}

// marshalUsage returns the text of a usage document, and those of its apps, which it is put together from: most of it is theirs.
func marshalUsage(doc *usage.Document) (whole json.RawMessage, apps []json.RawMessage, err error) {
	for _, a := range doc.Usage {
		text, err := canonical.Marshal(a)
		if err != nil {
			return nil, nil, err
		}
		apps = append(apps, text)
	}
	frame := *doc
	frame.Usage = []usage.App{}
	text, err := canonical.Marshal(frame)
	if err != nil {
		return nil, nil, err
	}
	// In a string the quotes would have a backslash before them.
	before, after, _ := bytes.Cut(text, []byte(`"usage":[]`))
	whole = append(before[:len(before):len(before)], `"usage":[`...)
	for i, text := range apps {
		if i > 0 {
			whole = append(whole, ',')
		}
		whole = append(whole, text...)
	}
	return append(append(whole, ']'), after...), apps, nil
}
