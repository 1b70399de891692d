package verify

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

// checkArchive compares what the archive has for people with the ledger in it.
func checkArchive(ctx context.Context, m *closedMonth, a *Archive, r *report.Report) error {
	a.addTo(r)
	invoices, err := m.ledger.Invoices(ctx, m.name)
	if err != nil {
		return inLedger(err)
	}
	want := copiesOf(m, invoices)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, err := a.read(name, mostDocument)
		if err != nil {
			r.Wrong("archive", a.path+": "+name, "a copy of what the ledger has", err.Error())
			continue
		}
		same := string(got) == want[name]
		if !same && strings.HasSuffix(name, ".json") { // written compact
			compact := jsontext.Value(bytes.Clone(got))
			same = compact.Compact() == nil && string(compact) == strings.TrimSuffix(want[name], "\n")
		}
		if !same {
			r.Wrong("archive", a.path+": "+name, hashOf([]byte(want[name]))+", as the ledger in it has it", hashOf(got))
		}
		r.Count("archive", 1)
	}
	return nil
}

// copiesOf returns the files of an archive that the ledger has too, as it has them.
func copiesOf(m *closedMonth, invoices []chain.Invoice) map[string]string {
	var list []string
	for _, x := range invoices {
		list = append(list, string(x.Document))
	}
	want := map[string]string{
		"closing/accounts.yaml": string(m.subject.Closing.Accounts),
		"usage.json":            string(m.stored.Document) + "\n",
		"invoices.json":         `{"invoices":[` + strings.Join(list, ",") + "]}\n",
	}
	for name, book := range m.subject.Closing.Books {
		want["closing/books/"+escapeWord(strings.TrimSuffix(name, ".yaml"))+".yaml"] = string(book)
	}
	for i, message := range m.stored.Outbox {
		name := "closed/" + m.name + ".json"
		if i > 0 { // an amendment's or a release's
			name = fmt.Sprintf("closed/%s.%d.json", m.name, i+1)
		}
		want[name] = string(message.Value)
	}
	return want
}

// escapeWord writes a book's name as the archive does.
func escapeWord(word string) string { return strings.ReplaceAll(recount.Escape(word), ".", "%2E") }
