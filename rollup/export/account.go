package export

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	yaml "github.com/goccy/go-yaml"

	"headcount/counter"
	"headcount/events/signed"
	"headcount/internal/canonical"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// What an export for one account has, in place of what Prepare gathers: nothing of it names another account or its apps, or tells how much
// there is of them. A sealed file, the closed record and the ledger's chain cannot be cut to one account and keep their proof; what takes
// their place is signed by the same key.
//
//	manifest.json          as in the other, with the account's id
//	seal.pub               the seals' public key
//	statement.json         signed: SHA-256 of all below, digests of the facts, the ledger's head (signed.Statement)
//	account.yaml           the account's own entry of the accounts file, newest amendment, without comments
//	books/NAME.yaml        the price books that it names
//	usage.json             the usage of its apps, as the close recorded it
//	invoices.json          its invoices, all revisions
//	facts/N.facts          of its Nth app in usage.json: what the digest is the SHA-256 of (counter/digest.go)

// NoAccountError says that an account has nothing in a month.
type NoAccountError struct {
	Month   ledger.Month
	Account string
}

func (e *NoAccountError) Error() string {
	return fmt.Sprintf("no account %q in the accounts that %s was priced by", e.Account, e.Month)
}

// PrepareAccount gathers and hashes what one account may see of a month. It fails as Prepare does, or with a *NoAccountError.
func PrepareAccount(ctx context.Context, s Source, account string, key ed25519.PrivateKey) (*Archive, error) {
	a := &Archive{manifest: manifest{Version: Version, Month: s.Month, Account: account, Files: []item{}}}
	err := a.gatherAccount(ctx, s, account, key)
	if err == nil {
		return a, nil
	}
	a.Close()
	_, none := errors.AsType[*NoAccountError](err)
	_, open := errors.AsType[*closed.NotClosedError](err)
	_, gone := errors.AsType[*closed.UnreachableError](err)
	switch {
	case none, open, gone:
		return nil, err
	case errors.Is(err, ledger.ErrUnreachable):
		return nil, &closed.UnreachableError{Err: err}
	}
	return nil, &IncompleteError{s.Month, err}
}

func (a *Archive) gatherAccount(ctx context.Context, s Source, account string, key ed25519.PrivateKey) error {
	m, err := closed.Open(ctx, s.Ledger, s.Bucket, s.Month)
	if err != nil {
		return err
	}
	defer m.Close()
	stored, err := s.Ledger.Result(ctx, s.Month)
	if err != nil {
		return err
	}
	contract, books, err := contractOf(m, account)
	if err != nil {
		return err
	}
	if contract == nil {
		return &NoAccountError{s.Month, account}
	}
	accounts, err := rating.ParseAccounts("account.yaml", contract)
	if err != nil {
		return fmt.Errorf("account %s: %w", account, err)
	}
	apps := accounts.AppsOf(account)
	a.addBytes("account.yaml", contract)
	for name, text := range books {
		a.addBytes("books/"+plain(name)+".yaml", text)
	}
	shown, digests, err := a.addUsage(ctx, m, stored, account, apps)
	if err != nil {
		return err
	}
	if err := a.addFacts(ctx, m, shown, digests); err != nil {
		return err
	}
	if err := a.addInvoices(ctx, s, account); err != nil {
		return err
	}
	a.sort()
	statement := signed.Statement{
		Cluster: m.Closing.Cluster, TopicID: m.Closing.TopicID, Month: s.Month, SealID: m.Closing.SealID, Account: account,
		Usage: digests, Documents: map[string]string{}, LedgerHead: stored.Head,
	}
	for i := range a.manifest.Files {
		f := &a.manifest.Files[i]
		if err := f.sum(); err != nil {
			return err
		}
		statement.Documents[f.Name] = "sha256:" + f.SHA256
	}
	a.addBytes("seal.pub", s.PublicKey)
	a.addBytes("statement.json", statement.Sign(key))
	a.sort()
	return a.finish()
}

// contractOf returns an accounts file of one account alone, and the price books that it names, by the books' names. nil: there is no such
// account. Comments are left out: they may be of others.
func contractOf(m *closed.Month, account string) (contract []byte, books map[string][]byte, err error) {
	contract, err = rating.AccountDocument("accounts of "+m.Month.String(), m.Accounts, account)
	if contract == nil || err != nil {
		return nil, nil, err
	}
	books = map[string][]byte{}
	for name, text := range m.Books {
		var b struct{ Book string }
		if err := yaml.Unmarshal(text, &b); err != nil {
			return nil, nil, fmt.Errorf("price book %s: %w", name, err)
		}
		if strings.Contains(string(contract), b.Book+"/") {
			books[b.Book] = text
		}
	}
	return contract, books, nil
}

// addUsage adds the usage of apps, and returns which of them have any, and their digests.
func (a *Archive) addUsage(ctx context.Context, m *closed.Month, stored ledger.Result, account string, apps []string) (shown []string, digests map[string]string, err error) {
	rules, err := m.Rules(ctx)
	if err != nil {
		return nil, nil, err
	}
	digests = map[string]string{}
	documents := []json.RawMessage{}
	for _, u := range stored.Usage {
		if !slices.Contains(apps, u.App) {
			continue
		}
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(u.Document, &doc); err != nil {
			return nil, nil, fmt.Errorf("usage of %q: %w", u.App, err)
		}
		if u.Account != account { // it was another's at the month's end
			doc["account"] = json.RawMessage("null")
		}
		text, err := json.Marshal(doc)
		if err != nil {
			return nil, nil, err
		}
		documents = append(documents, text)
		shown, digests[u.App] = append(shown, u.App), u.Digest
	}
	text, err := canonical.Marshal(map[string]any{"month": m.Month, "time_zone": m.Closing.Zone, "kinds": rules.Kinds, "usage": documents})
	if err != nil {
		return nil, nil, err
	}
	a.addBytes("usage.json", append(text, '\n'))
	return shown, digests, nil
}

// addFacts unites the sealed facts and adds those of the account's apps.
func (a *Archive) addFacts(ctx context.Context, m *closed.Month, apps []string, digests map[string]string) error {
	rules, err := m.Rules(ctx)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp("", "headcount-export-")
	if err != nil {
		return err
	}
	a.temp = temp
	_ = os.Remove(temp.Name()) // it lives as long as it is open
	out := bufio.NewWriterSize(temp, 1<<16)
	counted := &counted{w: out}
	begins := map[string]int64{}
	ends := map[string]int64{}
	cfg := counter.UnionConfig{Month: m.Month, Precision: rules.Precision, Text: func(app string) io.Writer {
		if _, wanted := digests[app]; !wanted {
			return nil
		}
		begins[app] = counted.n
		return counted
	}}
	err = counter.Unite(cfg, m.OnTime(), nil, func(u *counter.AppUnion) error {
		if _, wanted := digests[u.App]; wanted {
			ends[u.App] = counted.n
		}
		return ctx.Err()
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	for i, app := range apps {
		from, size := begins[app], ends[app]-begins[app]
		if _, there := ends[app]; !there { // of late devices alone
			text := counter.NoFacts(m.Month, app)
			a.addBytes(factsFile(i), text)
			continue
		}
		f := item{Name: factsFile(i), open: func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(temp, from, size)), nil }}
		if err := f.sum(); err != nil {
			return err
		}
		if "sha256:"+f.SHA256 != digests[app] {
			return &closed.NotAsBilledError{Month: m.Month, App: app, Digest: "sha256:" + f.SHA256, Billed: digests[app]}
		}
		a.manifest.Files = append(a.manifest.Files, f)
	}
	return nil
}

func factsFile(i int) string { return fmt.Sprintf("facts/%d.facts", i+1) }

// FileName writes an account's id so that it can stand in a file's name.
func FileName(account string) string { return plain(account) }
