package endtoend

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

const quantityAccounts = `accounts:
  - id: chat
    apps: [c]
    plan: chat/standard
    from: 2025-01-01
    term: 12 months
    addons: [{item: push, from: 2025-02-01}]
  - id: paas
    apps: [p]
    plan: mpaas/standard
    from: 2025-01-01
    packages: [{item: gateway_calls, quantity: "20000", price: "10", bought: 2025-02-10}]
  - {id: talk, apps: [t], plan: im/pro, from: 2025-01-01}
`

// reported makes a usage.reported event. Without a day the value is the month's, revision 0 is left out.
func reported(app, meter, day, source, value string, revision int) record {
	more := ""
	if len(day) > len("2025-03") {
		more = `,"day":"` + day + `"`
	}
	if revision > 0 {
		more += fmt.Sprintf(`,"revision":%d`, revision)
	}
	at, err := time.Parse(time.DateOnly, day[:len("2025-03")]+"-28")
	if err != nil {
		panic(err)
	}
	r := record{partition: -1}
	r.Key, r.Timestamp = []byte(app+source), at.UnixMilli()
	r.Value = []byte(`{"specversion":"1.0","type":"usage.reported","source":"` + source + `","id":"1","superapp":"` + app + `","meter":"` + meter +
		`","month":"` + day[:len("2025-03")] + `","value":"` + value + `"` + more + `}`)
	return r
}

// inDisorder repeats each record one to three times and shuffles all.
func inDisorder(d *rand.Rand, records ...record) []record {
	var out []record
	for _, r := range records {
		out = append(out, slices.Repeat([]record{r}, 1+d.IntN(3))...)
	}
	d.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

type quantityInvoice struct {
	Account, Month, Total, Status, Reason string
	Revision                              int
	Lines                                 []struct{ App, Meter, Quantity, Amount string }
	Balances                              []struct{ Package, Drawn, Remaining string }
	Daily                                 []struct{ Day, Amount string }
}

// bill says what a test holds an invoice against: meter quantity amount, and what is left of packages.
func (v quantityInvoice) bill() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%d", v.Account, v.Revision)
	for _, l := range v.Lines {
		if l.Meter == "gateway_calls" || l.Meter == "push_calls" || l.Meter == "peak_groups" {
			fmt.Fprintf(&b, " %s %s = %s", l.Meter, l.Quantity, l.Amount)
		}
	}
	for _, k := range v.Balances {
		fmt.Fprintf(&b, ", %s left", k.Remaining)
	}
	return b.String()
}

func (s *site) bills(month string) []string {
	s.Helper()
	var out []string
	for _, v := range decode[struct{ Invoices []quantityInvoice }](s.T, s.ok("rollup", "invoices", "--month", month, "--json")).Invoices {
		if v.Status != "final" {
			s.Errorf("%s %s is %s: %s", v.Account, month, v.Status, v.Reason)
		}
		out = append(out, v.bill())
	}
	return out
}

type dayBills struct {
	Provisional bool
	Bills       []struct {
		Account, Amount string
		SoFar           string `json:"so_far"`
	}
}

func (s *site) billDay(day string) string {
	s.Helper()
	b := decode[dayBills](s.T, s.ok("rollup", "bill-day", "--date", day, "--json"))
	for _, a := range b.Bills {
		if a.Account == "paas" {
			return fmt.Sprintf("%v %s of %s", b.Provisional, a.Amount, a.SoFar)
		}
	}
	return "none"
}

// Counters and gauges by month and by day, repeated and out of order, from the log to the invoice; what is left of a package goes
// from close to close, and a late report draws on it too.
func TestQuantities(t *testing.T) { quantities(t, nil) }

// The same months in a ledger on a PostgreSQL server.
func TestQuantitiesOnPostgres(t *testing.T) {
	base := os.Getenv("HEADCOUNT_POSTGRES")
	if base == "" {
		t.Skip("HEADCOUNT_POSTGRES is not set: `make test-postgres` starts a server")
	}
	quantities(t, map[string]string{"ledger": fmt.Sprintf("%q", schemaOf(t, base, "quantities"))})
}

// schemaOf makes a schema of its own in a database, and returns the URL that leads there.
func schemaOf(t *testing.T, base, name string) *url.URL {
	t.Helper()
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("%s_%d", name, os.Getpid())
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Exec("DROP SCHEMA " + schema + " CASCADE")
		db.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u
}

func quantities(t *testing.T, fields map[string]string) {
	t.Parallel()
	number := *seed
	if number == 0 {
		number = rand.Uint64()
	}
	t.Logf("seed %d", number)
	d := rand.New(rand.NewPCG(number, 1))
	s := newSite(t, quantityAccounts, fields)
	run := func(month string, want []string, records ...record) {
		t.Helper()
		s.send(nil, inDisorder(d, records...))
		s.ok("ingest", "run", "--until-end")
		before := s.billDay(month + "-28")
		s.ok("rollup", "close", "--month", month)
		if got := s.bills(month); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", month, got, want)
		}
		if after := s.billDay(month + "-28"); "true"+strings.TrimPrefix(after, "false") != before {
			t.Errorf("%s: bill of the 28th %q before the close, %q after", month, before, after)
		}
		s.ok("rollup", "verify", "--month", month)
	}
	run("2025-03", []string{
		"chat/1 push_calls 244 = 40.00",
		"paas/1 gateway_calls 8000 = 0.00, 12000 left",
		"talk/1 peak_groups 150001 = 149.99",
	},
		reported("c", "push_calls", "2025-03-01", "s", "103", 0), reported("c", "push_calls", "2025-03-02", "s", "40", 0), reported("c", "push_calls", "2025-03-03", "s", "101", 0),
		reported("c", "push_calls", "2025-03-01", "s", "60", 0), // an earlier total of the same day
		reported("p", "gateway_calls", "2025-03-05", "gw-1", "3000", 0), reported("p", "gateway_calls", "2025-03-05", "gw-1", "6000", 0),
		reported("p", "gateway_calls", "2025-03-05", "gw-2", "900000", 0), reported("p", "gateway_calls", "2025-03-05", "gw-2", "2000", 1), // corrected
		reported("t", "peak_groups", "2025-03", "a", "90000", 0), reported("t", "peak_groups", "2025-03", "b", "150001", 0), reported("t", "peak_groups", "2025-03", "b", "120000", 0),
	)
	run("2025-04", []string{
		"chat/1 push_calls 0 = 0.00",
		"paas/1 gateway_calls 5000 = 0.00, 4000 left",
		"talk/1 peak_groups 100000 = 0.00",
	},
		reported("p", "gateway_calls", "2025-03-06", "gw-1", "3000", 0), // late: draws on March's package
		reported("p", "gateway_calls", "2025-04-09", "gw-1", "5000", 0),
		reported("t", "peak_groups", "2025-04", "a", "100000", 0),
	)
	if got := s.bills("2025-03"); !slices.ContainsFunc(got, func(b string) bool { return strings.HasPrefix(b, "paas/2") && strings.HasSuffix(b, ", 9000 left") }) {
		t.Errorf("March after the late report: %q, want a second revision of paas with 9000 left", got)
	}
	run("2025-05", []string{
		"chat/1 push_calls 0 = 0.00",
		"paas/1 gateway_calls 14001 = 0.30, 0 left",
		"talk/1 peak_groups 0 = 0.00",
	}, reported("p", "gateway_calls", "2025-05-20", "gw-1", "14001", 0))
	if got := s.billDay("2025-05-20"); got != "false 0.30 of 0.30" {
		t.Errorf("bill of 2025-05-20: %s", got)
	}
}

// What is left of packages comes from the month before: where that is not closed, status says so, and says nothing of packages that
// nobody has.
func TestPackagesOfAnUnclosedMonth(t *testing.T) {
	t.Parallel()
	const text = "what is left of packages is taken from the accounts file"
	s := newSite(t, quantityAccounts, nil)
	s.send(nil, []record{reported("p", "gateway_calls", "2025-03", "gw", "7", 0)})
	s.ok("ingest", "run", "--until-end")
	s.want(0, "rollup", "status", "--month", "2025-03").says(t, text)
	s.write("accounts.yaml", openAccount)
	if r := s.want(0, "rollup", "status", "--month", "2025-03"); strings.Contains(r.stderr, text) {
		t.Errorf("nobody has a package, and yet: %s", r.stderr)
	}
}
