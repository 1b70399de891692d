package chain

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"headcount/internal/calendar"
	"headcount/internal/position"
	"headcount/rating"
	"headcount/rating/ledger"
)

// databases runs a test on SQLite, and on PostgreSQL where HEADCOUNT_POSTGRES has the URL of a database in which the test may
// make schemas.
func databases(t *testing.T, f func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, "sqlite://"+filepath.Join(t.TempDir(), "a #ledger%41.db")) })
	t.Run("postgres", func(t *testing.T) { f(t, postgresURL(t)) })
}

var schemas atomic.Int64

func postgresURL(t *testing.T) string {
	t.Helper()
	base := os.Getenv("HEADCOUNT_POSTGRES")
	if base == "" {
		t.Skip("HEADCOUNT_POSTGRES is not set: give it the URL of a database, such as postgres://user@localhost/test")
	}
	name := fmt.Sprintf("chain_%d_%d", os.Getpid(), schemas.Add(1))
	on := func(statement string) {
		db, err := sql.Open("pgx", base)
		if err == nil {
			_, err = db.ExecContext(context.Background(), statement)
			db.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	on("CREATE SCHEMA " + name)
	t.Cleanup(func() { on("DROP SCHEMA " + name + " CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

var october = calendar.MonthOf(2026, 10)

const (
	heldInvoice = `{"account":"acme", "plan":"tcmpp/pro","month":%q,"revision":%d,"currency":"USD","status":"held","reason":"sketch differs <by> 9%%",` +
		`"lines":[{"app":"app-001","meter":"mau","quantity":"250000","free":"200000","billable":"50000","unit_price":"0.015","amount":"750.00","how":"(250000 − 200000) × 0.015"},{"app":"","item":"rooms","amount":"0.00"}],` +
		`"total":"750.00","prepaid":[],"deduct_from":"2026-11-01"}`
	finalInvoice = `{"account":"zeta","plan":"im/pro","month":%q,"revision":%d,"currency":"USD","status":"final","lines":[],"total":"0.00","prepaid":[]}`
)

func invoice(t *testing.T, form, month string, revision int) ledger.Invoice {
	t.Helper()
	x, err := ledger.NewInvoice(fmt.Appendf(nil, form, month, revision))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// longAccounts are so long that the ledger packs them.
func longAccounts() []byte {
	text := []byte("accounts:\n")
	for i := range 60 {
		text = fmt.Appendf(text, "- {\"id\": \"customer-%d\", \"apps\": [\"app-%d\"], \"plan\": \"p/q\", \"from\": \"2026-01-01\"}\n", i, i)
	}
	return text
}

// closeMonth has the product close a month.
func closeMonth(t *testing.T, l *ledger.Ledger, of ledger.Month, previous *ledger.Previous) {
	t.Helper()
	month := of.String()
	c := ledger.Closing{Month: of, SealID: "seal-" + month, Cluster: "c1", TopicID: "t1", Topic: "sdk-events", Partitions: []position.Partition{0, 1, 3},
		RulesHash: "sha256:aa", Zone: "Asia/Shanghai", Version: "1.2.3", At: time.Date(2026, 11, 2, 1, 30, 0, 123456789, time.UTC), Previous: previous,
		Accounts: []byte("accounts:\n  - id: acme\r\n"), Books: map[string][]byte{"tcmpp.yaml": []byte("book: \xff"), "im.yaml": {}}}
	if previous != nil { // the closings of older releases have none
		c.Limits = json.RawMessage(`{"hold_least":20,"skew_limit":"1"}`)
		c.Accounts = longAccounts()
		c.Issuer = (&rating.Issuer{Name: "Issuer <&> Co", Invoice: rating.DefaultInvoiceNumbers, Credit: rating.DefaultCreditNumbers}).Document()
		l.UseZones(func(string) (*time.Location, error) { return time.UTC, nil })
	}
	if _, _, err := l.Begin(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	r := ledger.Result{Month: of, SealID: "seal-" + month, Document: json.RawMessage(`{"month": "` + month + `",  "usage":[]}`),
		Usage: []ledger.UsageRow{{App: "app-001", Account: "acme", Digest: "sha256:01", Document: json.RawMessage(`{"app":"app-001"}`)},
			{App: "app-002 & \u2028", Digest: "sha256:02", Document: json.RawMessage(`{"app":"app-002"}`)}},
		Invoices: []ledger.Invoice{invoice(t, heldInvoice, month, 1), invoice(t, finalInvoice, month, 1)},
		Outbox:   [][]byte{[]byte("closed " + month), {}}}
	if already, err := l.Commit(t.Context(), r); err != nil || already {
		t.Fatalf("already %v, %v", already, err)
	}
}

// full has the product make a ledger with rows in every table, and opens it by this package too.
func full(t *testing.T, at string) (*ledger.Ledger, *Ledger) {
	t.Helper()
	l, err := ledger.Create(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	closeMonth(t, l, october, nil)
	if err := l.Release(t.Context(), october, "acme", "checked\u2028", "ann & <bob>", nil); err != nil {
		t.Fatal(err)
	}
	out, err := l.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.MarkSent(t.Context(), out[0].ID); err != nil {
		t.Fatal(err)
	}
	amendment := ledger.Amendment{Month: october, Number: 1, Reason: "quota of the contract <forgotten>", By: "ann", Accounts: []byte("accounts: []\n"),
		Books: map[string][]byte{"im.yaml": []byte("book: im\n")}, Usage: json.RawMessage(`{"month": "2026-11"}`),
		Quantities: json.RawMessage(`[{"app":"app-001","meter":"calls","source":"gateway <1>","day":3,"value":9223372036854775807}]`)}
	if already, err := l.Amend(t.Context(), amendment, []ledger.Invoice{invoice(t, finalInvoice, "2026-10", 2)}); err != nil || already {
		t.Fatalf("already %v, %v", already, err)
	}
	closeMonth(t, l, october+1, &ledger.Previous{Month: october, Partitions: []position.Partition{0, 1, 3}})
	mine, err := Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mine.Close() })
	return l, mine
}

func walked(t *testing.T, l *Ledger, heads ...string) Walked {
	t.Helper()
	w, err := l.Walk(t.Context(), heads...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestBothRead has both read the same ledger: an honest chain, and everything in it.
func TestBothRead(t *testing.T) {
	databases(t, func(t *testing.T, at string) {
		ctx := t.Context()
		theirs, mine := full(t, at)
		report, err := theirs.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if w := walked(t, mine, report.Head); w != (Walked{report.Entries, report.Rows, report.Head}) {
			t.Errorf("got %+v, want %+v", w, report)
		}
		same := func(what string, got any, err error, want any, other error) {
			t.Helper()
			if err != nil || other != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got  %+v, %v\nwant %+v, %v", what, got, err, want, other)
			}
		}
		months, err := mine.Months(ctx)
		stored, other := theirs.Months(ctx)
		same("months", len(months), err, len(stored), other)
		for i, m := range stored {
			same("month", months[i], nil, MonthState{m.Month.String(), m.Closed}, nil)
			for _, month := range []string{m.Month.String()} {
				c, err := mine.Closing(ctx, month)
				w, other := theirs.Closing(ctx, m.Month)
				want := Closing{w.Month.String(), w.SealID, w.Cluster, w.TopicID, w.Topic, partitionNumbers(w.Partitions), w.RulesHash, w.Zone, w.At, previousOf(w.Previous), w.Accounts, w.Books, string(w.Limits), w.Issuer}
				if c.Books["im.yaml"] == nil {
					c.Books["im.yaml"] = []byte{}
				}
				same("closing", c, err, want, other)

				r, err := mine.Result(ctx, month)
				x, other := theirs.Result(ctx, m.Month)
				same("result", []any{r.Month, r.Head, r.At, string(r.Document)}, err, []any{x.Month.String(), x.Head, x.At, string(x.Document)}, other)
				for i, u := range x.Usage {
					same("usage", []string{r.Usage[i].App, r.Usage[i].Digest, string(r.Usage[i].Document)}, nil, []string{u.App, u.Digest, string(u.Document)}, nil)
				}
				same("invoices of the result", invoiceTexts(r.Invoices), nil, theirTexts(x.Invoices), nil)
				var messages [][]byte
				sent := 0
				for _, message := range r.Outbox {
					messages = append(messages, message.Value)
					if message.Sent {
						sent++
					}
				}
				same("outbox", fmt.Sprintf("%q", messages), nil, fmt.Sprintf("%q", x.Outbox), nil)
				if want := map[bool]int{true: 1, false: 0}[m.Month == october]; sent != want {
					t.Errorf("%s: %d messages are marked as sent, want %d", m.Month, sent, want)
				}

				invoices, err := mine.Invoices(ctx, month)
				y, other := theirs.Invoices(ctx, m.Month)
				same("invoices", invoiceTexts(invoices), err, theirTexts(y), other)

				amendments, err := mine.Amendments(ctx, month)
				z, other := theirs.Amendments(ctx, m.Month)
				same("amendments", len(amendments), err, len(z), other)
				for i, a := range z {
					var quantities []Quantity
					if len(a.Quantities) > 0 {
						if err := json.Unmarshal(a.Quantities, &quantities); err != nil {
							t.Fatal(err)
						}
					}
					same("amendment", amendments[i], nil, Amendment{a.Month.String(), a.Number, a.At, a.Accounts, a.Books, quantities, a.Usage}, nil)
				}
			}
		}
		for _, month := range []string{"2026-09", "2026-12"} {
			for what, err := range map[string]error{"closing": second(mine.Closing(ctx, month)), "result": second(mine.Result(ctx, month)), "invoices": second(mine.Invoices(ctx, month))} {
				if err == nil || !strings.Contains(err.Error(), ErrNotFound.Error()) {
					t.Errorf("%s of %s: %v", what, month, err)
				}
			}
		}
	})
}

// TestKnowsEveryTable has the product make a ledger and looks for tables that no walk reads: a migration that adds one is to be
// followed here. What keeps the migrations' version and SQLite's own tables are not the ledger's.
func TestKnowsEveryTable(t *testing.T) {
	databases(t, func(t *testing.T, at string) {
		_, l := full(t, at)
		query := `SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`
		if l.postgres {
			query = `SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = current_schema()`
		}
		got := map[string]string{}
		if err := l.read(t.Context(), func(tx *sql.Tx) (err error) {
			got, err = readObjects(t.Context(), tx, query)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		want := []string{"adjustments", "ledger_schema"}
		for _, x := range append([]*table{entries}, tables...) {
			want = append(want, x.name)
		}
		slices.Sort(want)
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
			t.Errorf("the product's ledger has the tables and views\n%q, the walk knows\n%q", names, want)
		}
	})
}

// previousOf is a closing's predecessor as this package has it.
func previousOf(p *ledger.Previous) *Previous {
	if p == nil {
		return nil
	}
	return &Previous{p.Month.String(), partitionNumbers(p.Partitions)}
}

func second[T any](_ T, err error) error { return err }

func invoiceTexts(all []Invoice) (texts []string) {
	for _, x := range all {
		texts = append(texts, fmt.Sprintf("%s %s %s %d %s", x.Closing, x.Month, x.Account, x.Revision, x.Document))
	}
	return texts
}

func theirTexts(all []ledger.Invoice) (texts []string) {
	for _, x := range all {
		texts = append(texts, fmt.Sprintf("%s %s %s %d %s", x.Closing, x.Month, x.Account, x.Revision, x.Document))
	}
	return texts
}

// TestReadsBesideWriter opens a ledger that nobody writes, and sees what is written since.
func TestReadsBesideWriter(t *testing.T) {
	at := "sqlite://" + filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Create(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(strings.TrimPrefix(at, "sqlite://") + suffix)
	}
	mine, err := Open(t.Context(), at+"?busy_timeout=5s")
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	if w := walked(t, mine); w.Entries != 1 {
		t.Fatalf("%+v", w)
	}
	if names, _ := filepath.Glob(strings.TrimPrefix(at, "sqlite://") + "-*"); len(names) > 0 {
		t.Errorf("reading made %v", names)
	}
	if l, err = ledger.Open(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closeMonth(t, l, october, nil)
	if w := walked(t, mine); w.Entries == 1 {
		t.Errorf("%+v", w)
	}
}

// TestOpenRefuses sees what is no ledger refused.
func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "noise"), []byte(strings.Repeat("noise ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, words := range map[string]string{
		"mysql://x": "want sqlite://path", "sqlite://" + folder + "/none": "none", "sqlite://" + folder + "/noise": "damaged", "sqlite://x?busy_timeout=soon": "busy_timeout",
		"postgres://u@127.0.0.1:1/x?connect_timeout=2": ErrUnreachable.Error(),
	} {
		l, err := Open(t.Context(), at)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func partitionNumbers(partitions []position.Partition) []int32 {
	var n []int32
	for _, p := range partitions {
		n = append(n, int32(p))
	}
	return n
}
