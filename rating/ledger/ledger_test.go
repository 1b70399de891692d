package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"headcount/internal/calendar"
	"headcount/internal/position"
	"headcount/rating"
)

// TestMain lets the test binary stand in for another process: see child.
func TestMain(m *testing.M) {
	if f := os.Getenv("LEDGER_TEST_CHILD"); f != "" {
		os.Exit(runChild(f))
	}
	os.Exit(m.Run())
}

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
	name := fmt.Sprintf("ledger_%d_%d", os.Getpid(), schemas.Add(1))
	execute(t, base, "CREATE SCHEMA "+name)
	t.Cleanup(func() { execute(t, base, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// execute runs statements on one connection, beside the ledger.
func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	c := rawConn(t, url)
	defer c.Close()
	for _, s := range statements {
		if _, err := c.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// raw is a connection that knows nothing of ledgers, with its pool.
type raw struct {
	*sql.Conn
	db *sql.DB
}

func (r raw) Close() { r.Conn.Close(); r.db.Close() }

func rawConn(t *testing.T, url string) raw {
	t.Helper()
	var db *sql.DB
	var err error
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		db, err = sqliteDB(path, time.Second, "mode=rwc")
	} else {
		db, err = sql.Open("pgx", url)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return raw{c, db}
}

// start makes a ledger with a clock in a zone far from UTC.
func start(t *testing.T, url string) *Ledger {
	t.Helper()
	l, err := Create(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.now = testClock
	l.UseZones(testZones)
	return l
}

func testZones(name string) (*time.Location, error) {
	if name != "Asia/Shanghai" {
		return nil, fmt.Errorf("zone %s", name)
	}
	return time.FixedZone(name, 8*60*60), nil
}

var testIssuer = (&rating.Issuer{Name: "Issuer <&> Co", Invoice: rating.DefaultInvoiceNumbers, Credit: rating.DefaultCreditNumbers, Logo: "data:image/png;base64,"}).Document()

func testClock() time.Time {
	return time.Date(2026, 11, 2, 1, 30, 0, 123456789, time.FixedZone("Kathmandu", 20700))
}

// Months that tests close.
const (
	september = calendar.Month(2026*12 + 8)
	october   = september + 1
	november  = october + 1
	december  = november + 1
	january   = december + 1
)

func testClosing(month calendar.Month, previous *Previous) Closing {
	return Closing{Month: month, SealID: "seal-" + month.String(), Cluster: "c1", TopicID: "t1", Topic: "sdk-events", Partitions: []position.Partition{0, 1, 3},
		RulesHash: "sha256:aa", Zone: "UTC", Version: "1.2.3", At: testClock(), Previous: previous,
		Accounts: []byte("accounts:\n  - id: acme\r\n"), Books: map[string][]byte{"tcmpp.yaml": []byte("book: \xff"), "im.yaml": {}},
		Limits: json.RawMessage(`{"hold_least":20,"skew_limit":"1"}`), Issuer: testIssuer}
}

const heldInvoice = `{"account":"acme", "plan":"tcmpp/pro","month":%q,"revision":%d,"currency":"USD","status":"held","reason":"sketch differs <by> 9%%",` +
	`"lines":[{"app":"app-001","meter":"mau","quantity":"250000","free":"200000","billable":"50000","unit_price":"0.015","amount":"750.00","how":"(250000 − 200000) × 0.015"},{"app":"","item":"rooms","amount":"0.00"}],` +
	`"total":"750.00","prepaid":[],"deduct_from":"2026-11-01"}`

const finalInvoice = `{"account":"zeta","plan":"im/pro","month":%q,"revision":%d,"currency":"USD","status":"final","lines":[],"total":"0.00","prepaid":[]}`

func invoice(t *testing.T, form string, month calendar.Month, revision int) Invoice {
	t.Helper()
	v, err := NewInvoice(fmt.Appendf(nil, form, month, revision))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testResult(t *testing.T, month calendar.Month) Result {
	return Result{Month: month, SealID: "seal-" + month.String(), Document: json.RawMessage(`{"month": "` + month.String() + `",  "usage":[]}`),
		Usage: []UsageRow{{App: "app-001", Account: "acme", Digest: "sha256:01", Document: json.RawMessage(`{"app":"app-001"}`)},
			{App: "app-002 & \u2028", Digest: "sha256:02", Document: json.RawMessage(`{"app":"app-002"}`)}},
		Invoices: []Invoice{invoice(t, heldInvoice, month, 1), invoice(t, finalInvoice, month, 1)},
		Outbox:   [][]byte{[]byte("closed " + month.String()), {}}}
}

// closeMonth runs a whole close.
func closeMonth(t *testing.T, l *Ledger, month calendar.Month, previous *Previous) {
	t.Helper()
	if _, _, err := l.Begin(t.Context(), testClosing(month, previous)); err != nil {
		t.Fatal(err)
	}
	if already, err := l.Commit(t.Context(), testResult(t, month)); err != nil || already {
		t.Fatalf("already %v, %v", already, err)
	}
}

func previous(month calendar.Month) *Previous { return &Previous{month, []position.Partition{0, 1, 3}} }

func verified(t *testing.T, l *Ledger, heads ...string) Report {
	t.Helper()
	r, err := l.Verify(t.Context(), heads...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClose(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		ctx := t.Context()
		l := start(t, url)
		if _, ok, err := l.LastClosed(ctx); ok || err != nil {
			t.Fatal(ok, err)
		}
		want := testClosing(october, nil)
		got, adopted, err := l.Begin(ctx, want)
		if err != nil || adopted {
			t.Fatal(adopted, err)
		}
		want.At = time.Date(2026, 11, 1, 19, 45, 0, 123e6, time.UTC)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		second := testClosing(october, nil)
		second.SealID, second.Accounts, second.Partitions = "another", nil, []position.Partition{7}
		if got, adopted, err = l.Begin(ctx, second); err != nil || !adopted || !reflect.DeepEqual(got, want) {
			t.Errorf("adopted %v, %v: %+v", adopted, err, got)
		}
		if _, err := l.Result(ctx, october); !errors.Is(err, ErrNotFound) {
			t.Errorf("result of a month that is not closed: %v", err)
		}
		var announced string
		r := testResult(t, october)
		r.Announce = func(head string) ([][]byte, error) {
			announced = head
			return [][]byte{[]byte("head " + head)}, nil
		}
		if already, err := l.Commit(ctx, r); err != nil || already {
			t.Fatal(already, err)
		}
		head, _ := l.Head(ctx)
		if already, err := l.Commit(ctx, testResult(t, october)); err != nil || !already {
			t.Fatal(already, err)
		}
		if again, _ := l.Head(ctx); again != head {
			t.Error("a second commit changed the ledger")
		}

		stored, err := l.Result(ctx, october)
		if err != nil {
			t.Fatal(err)
		}
		r.Outbox, r.Announce = append(r.Outbox, []byte("head "+announced)), nil
		r.Head, r.At = announced, want.At
		for i := range r.Invoices {
			r.Invoices[i].Closing = october
		}
		if !reflect.DeepEqual(stored, r) {
			t.Errorf("got  %+v\nwant %+v", stored, r)
		}
		if month, ok, err := l.LastClosed(ctx); month != october || !ok || err != nil {
			t.Error(month, ok, err)
		}
		months, err := l.Months(ctx)
		if err != nil || len(months) != 1 || months[0].Closed != want.At || months[0].Begun != want.At {
			t.Error(months, err)
		}
		report := verified(t, l, announced, head)
		// ledger, closing, 2 usage, 2 invoices, result, 3 messages; closing 1 + 2 books, 2, 2 + 2 lines + 1 number, 1, 3
		if report.Entries != 10 || report.Rows != 14 || report.Head != head {
			t.Errorf("%+v", report)
		}
	})
}

func TestOrder(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		ctx := t.Context()
		l := start(t, url)
		begin := func(month calendar.Month, p *Previous) error {
			_, _, err := l.Begin(ctx, testClosing(month, p))
			return err
		}
		refused := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, ErrOrder) {
				t.Errorf("%s: got %v", what, err)
			}
		}
		refused("previous without one", begin(november, previous(october)))
		if err := begin(november, nil); err != nil {
			t.Fatal(err)
		}
		refused("the one before is not done", begin(december, previous(november)))
		r := testResult(t, november)
		r.Invoices = []Invoice{invoice(t, finalInvoice, november, 2)}
		_, err := l.Commit(ctx, r)
		refused("revision 2 first", err)
		r = testResult(t, november)
		r.SealID = "another"
		if _, err := l.Commit(ctx, r); err == nil || !strings.Contains(err.Error(), "seal-2026-11") {
			t.Errorf("another seal: %v", err)
		}
		if _, err := l.Commit(ctx, testResult(t, october)); !errors.Is(err, ErrNotFound) {
			t.Errorf("a month that has not begun: %v", err)
		}
		if _, err := l.Commit(ctx, testResult(t, november)); err != nil {
			t.Fatal(err)
		}
		refused("an older month", begin(october, previous(november)))
		refused("a month left out", begin(january, previous(november)))
		refused("no previous", begin(december, nil))
		refused("other partitions", begin(december, &Previous{november, []position.Partition{0, 1}}))
		if err := begin(december, previous(november)); err != nil {
			t.Error(err)
		}
		verified(t, l)
	})
}

func TestRevisionsAndReleases(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		ctx := t.Context()
		l := start(t, url)
		closeMonth(t, l, october, nil)
		if _, _, err := l.Begin(ctx, testClosing(november, previous(october))); err != nil {
			t.Fatal(err)
		}
		r := testResult(t, november)
		r.Invoices = append(r.Invoices, invoice(t, heldInvoice, october, 2))
		if err := l.Release(ctx, october, "acme", "sketch <re>counted", "ann", nil); err != nil {
			t.Fatal(err)
		}
		if err := l.Release(ctx, october, "acme", "sketch <re>counted", "ann", nil); err != nil {
			t.Errorf("the same release again: %v", err)
		}
		if err := l.Release(ctx, october, "acme", "other", "bob", nil); !errors.Is(err, ErrNotHeld) || !strings.Contains(err.Error(), "ann") {
			t.Errorf("another release: %v", err)
		}
		if err := l.Release(ctx, october, "zeta", "r", "ann", nil); !errors.Is(err, ErrNotHeld) {
			t.Errorf("of a final invoice: %v", err)
		}
		if err := l.Release(ctx, october, "nobody", "r", "ann", nil); !errors.Is(err, ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		if err := l.Release(ctx, november, "acme", "r", "ann", nil); !errors.Is(err, ErrNotFound) {
			t.Errorf("before the close: %v", err)
		}
		if _, err := l.Commit(ctx, r); err != nil {
			t.Fatal(err)
		}
		all, err := l.Invoices(ctx, october)
		if err != nil || len(all) != 3 {
			t.Fatalf("%d invoices, %v", len(all), err)
		}
		original := fmt.Sprintf(heldInvoice, october, 1)
		wantDocument := strings.Replace(original, `"status":"held"`, `"status":"final","released":{"reason":"sketch <re>counted","by":"ann","at":"2026-11-01T19:45:00.123Z"},"number":"INV-2026-10-000002","issued":"2026-11-01"`, 1)
		if v := all[0]; v.Status != Final || v.Release == nil || v.Release.By != "ann" || v.Reason != "sketch differs <by> 9%" || string(v.Document) != wantDocument {
			t.Errorf("released: %+v\n%s", v, v.Document)
		}
		if v := all[1]; v.Account != "acme" || v.Revision != 2 || v.Status != Held || v.Release != nil || v.Closing != november {
			t.Errorf("a new revision is held by itself: %+v", v)
		}
		if v := all[2]; v.Account != "zeta" || string(v.Document) != strings.Replace(fmt.Sprintf(finalInvoice, october, 1), `"final"`, `"final","number":"INV-2026-10-000001","issued":"2026-11-01"`, 1) {
			t.Errorf("untouched: %+v", v)
		}
		stored, err := l.Result(ctx, october)
		if err != nil || string(stored.Invoices[0].Document) != original {
			t.Errorf("the stored document is not the original: %v", err)
		}
		verified(t, l)
	})
}

func TestOutbox(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		ctx := t.Context()
		l := start(t, url)
		closeMonth(t, l, october, nil)
		all, err := l.Outbox(ctx)
		if err != nil || len(all) != 2 || string(all[0].Value) != "closed 2026-10" || all[0].Month != october || len(all[1].Value) != 0 {
			t.Fatal(all, err)
		}
		for range 2 {
			if err := l.MarkSent(ctx, all[0].ID, all[0].ID); err != nil {
				t.Fatal(err)
			}
		}
		left, err := l.Outbox(ctx)
		if err != nil || len(left) != 1 || left[0].ID != all[1].ID {
			t.Fatal(left, err)
		}
		if err := l.MarkSent(ctx, all[1].ID, 1); !errors.Is(err, ErrNotFound) {
			t.Errorf("mark of what is no message: %v", err)
		}
		if left, _ := l.Outbox(ctx); len(left) != 1 {
			t.Error("half of a refused call was kept")
		}
		verified(t, l)
	})
}

// TestConcurrent uses one ledger from many goroutines.
func TestConcurrent(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := start(t, url)
		r := testResult(t, october)
		var wait sync.WaitGroup
		var began, committed atomic.Int64
		for i := range 8 {
			wait.Go(func() {
				c := testClosing(october, nil)
				c.Version = fmt.Sprint(i)
				_, adopted, err := l.Begin(t.Context(), c)
				if err != nil {
					t.Error(err)
				}
				if !adopted {
					began.Add(1)
				}
				already, err := l.Commit(t.Context(), r)
				if err != nil {
					t.Error(err)
				}
				if !already {
					committed.Add(1)
				}
				if all, err := l.Invoices(t.Context(), october); err != nil || len(all) != 2 {
					t.Error(all, err)
				}
				if err := l.Release(t.Context(), october, "acme", "checked", "ann", nil); err != nil {
					t.Error(err)
				}
				if _, err := l.Verify(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if began.Load() != 1 || committed.Load() != 1 {
			t.Errorf("%d began, %d committed", began.Load(), committed.Load())
		}
		if r := verified(t, l); r.Entries != 10 {
			t.Errorf("%d entries, want 10", r.Entries)
		}
	})
}

// TestRefused gives what must not be recorded: nothing is.
func TestRefused(t *testing.T) {
	l := start(t, "sqlite://"+filepath.Join(t.TempDir(), "l.db"))
	for name, spoil := range map[string]func(*Closing){
		"month": func(c *Closing) { c.Month = 0 }, "seal id": func(c *Closing) { c.SealID = "" }, "partitions": func(c *Closing) { c.Partitions = nil },
		"sorted": func(c *Closing) { c.Partitions = []position.Partition{1, 0} }, "UTF-8": func(c *Closing) { c.Topic = "\xff" }, "book": func(c *Closing) { c.Books = map[string][]byte{"\x00": nil} },
	} {
		c := testClosing(october, nil)
		spoil(&c)
		_, _, err := l.Begin(t.Context(), c)
		refusal(t, name, err, nil, name)
	}
	if _, _, err := l.Begin(t.Context(), testClosing(october, nil)); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Result){
		"not JSON": func(r *Result) { r.Document = []byte("{") }, "app": func(r *Result) { r.Usage[0].App = "" }, "JSON document": func(r *Result) { r.Usage[1].Document = nil },
		"twice": func(r *Result) { r.Usage[1].App = r.Usage[0].App }, "not closed": func(r *Result) { r.Invoices[0].Month = november },
		"its document says": func(r *Result) { r.Invoices[0].Account = "zeta"; r.Invoices[1].Revision = 2 }, "next is 2": func(r *Result) { r.Invoices[1] = r.Invoices[0] },
		"announce": func(r *Result) { r.Announce = func(string) ([][]byte, error) { return nil, errors.New("no key") } },
	} {
		r := testResult(t, october)
		spoil(&r)
		_, err := l.Commit(t.Context(), r)
		refusal(t, name, err, nil, name)
	}
	for _, document := range []string{``, `{}`, `[]`, `{"account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":0.5,"status":"final"}`,
		`{"account":"a","month":"2026-10","revision":0,"plan":"p","currency":"USD","total":"0.50","status":"final"}`,
		`{"account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":"0.50","status":"paid"}`,
		`{"account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":"0.50","status":"held"}`,
		`{"account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":"0.50","status":"held","status":"held","reason":"r"}`,
		`{"account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":"0.50","status":"held","reason":"r","released":null}`,
		`{"account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":"0.50","status":"final","lines":[{"app":"x"}]}`,
		`{"account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":"0.50","status":"final","lines":[{"amount":1}]}`} {
		if v, err := NewInvoice([]byte(document)); err == nil {
			t.Errorf("%s: got %+v", document, v)
		}
	}
	if r := verified(t, l); r.Entries != 2 {
		t.Errorf("%d entries: something refused was recorded", r.Entries)
	}
}
