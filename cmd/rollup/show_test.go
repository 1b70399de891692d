package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/cmd/cli"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
	"headcount/rollup/status"
	"headcount/rollup/usage"
)

func pointer[T any](v T) *T { return &v }

// testUsage has an app with two meters, one without a sketch, and an app nobody is billed for.
func testUsage() *usage.Document {
	return &usage.Document{
		Month: events.MonthOf(2026, 10), TimeZone: "UTC", Topic: "sdk-events", Rejected: 7,
		Usage: []usage.App{
			{App: "app-001", Account: pointer("acme"), Events: 1200, Duplicates: 1010, Skewed: 3, Expired: 2, Rejected: 1, Digest: "sha256:ab", Meters: []usage.Meter{
				{Meter: "mau", Exact: 120, Estimate: pointer(uint64(121)), Verdict: usage.Agree}, {Meter: "push_calls", Exact: 5, Verdict: usage.None},
			}},
			{App: "ü", Events: 9, Digest: "sha256:cd"},
		},
	}
}

func printed(t *testing.T, show func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := show(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUsageTable(t *testing.T) {
	got := printed(t, func(b *bytes.Buffer) error { return usageTable(b, testUsage()) })
	same(t, got, `
Usage of 2026-10 (UTC), topic sdk-events, sealed

app      account  meter       exact  estimate  verdict  events  duplicates  skewed  expired  rejected
app-001  acme     mau           120       121  agree      1200        1010       3        2         1
                  push_calls      5         –  none
ü        –        –               –         –  –             9           0       0        0         0

Dead letters whose app cannot be read: 7
`)
	empty := &usage.Document{Month: events.MonthOf(2026, 10), TimeZone: "UTC", Topic: "t"}
	got = printed(t, func(b *bytes.Buffer) error { return usageTable(b, empty) })
	same(t, got, `
Usage of 2026-10 (UTC), topic t, sealed

No app has events of 2026-10.

Dead letters whose app cannot be read: 0
`)
}

func TestStatusTable(t *testing.T) {
	d := &status.Document{Document: *testUsage(), SealedPartitions: 1, Forecast: []status.Forecast{
		{App: "app-001", Meter: "mau", Exact: 120, Free: "400", Used: "0.3025", Forecast: 240, Low: 200, High: 300}, {App: "app-001", Meter: "push_calls", Exact: 5, Forecast: 10, Low: 10, High: 10},
	}}
	d.Partitions = []usage.Progress{{Partition: 0, Offset: 900, End: 1000, Lag: 100, Owner: "host-1"}, {Partition: 1, Offset: 5, End: 5}}
	usagePart := `
Usage of 2026-10 (UTC), topic sdk-events, so far, provisional

app      account  meter       exact  estimate  verdict  free     used       forecast  events  duplicates  skewed  expired  rejected
app-001  acme     mau           120       121  agree     400  30.25 %  240 (200–300)    1200        1010       3        2         1
                  push_calls      5         –  none        –        –             10
ü        –        –               –         –  –           –        –              –       9           0       0        0         0

Dead letters whose app cannot be read: 7

`
	got := printed(t, func(b *bytes.Buffer) error { return errors.Join(heading(b, d, nil, time.UTC), statusTable(b, d, true)) })
	same(t, got, usagePart+`partition  counted up to    of  to go  read by
        0            900  1000    100  host-1
        1              5     5      0  nobody

2026-10 is sealed in 1 of 2 partitions: `+"`rollup usage --month 2026-10` prints what is closed.\n")
	d.SealedPartitions = 0
	got = printed(t, func(b *bytes.Buffer) error {
		return errors.Join(heading(b, d, nil, time.UTC), statusTable(b, d, false))
	}) // without a group nobody knows who reads
	same(t, got, usagePart+`partition  counted up to    of  to go
        0            900  1000    100
        1              5     5      0
`)
}

func TestUsageCSV(t *testing.T) {
	text := printed(t, func(b *bytes.Buffer) error { return usageCSV(b, testUsage()) })
	got, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"month", "app", "account", "meter", "exact", "estimate", "verdict", "events", "duplicates", "skewed", "expired", "rejected", "digest"},
		{"2026-10", "app-001", "acme", "mau", "120", "121", "agree", "1200", "1010", "3", "2", "1", "sha256:ab"},
		{"2026-10", "app-001", "acme", "push_calls", "5", "", "none", "", "", "", "", "", ""},
		{"2026-10", "ü", "", "", "0", "", "none", "9", "0", "0", "0", "0", "sha256:cd"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// testInvoices are a held one with all there is, and one without lines.
func testInvoices() []rating.Invoice {
	return []rating.Invoice{
		{
			Account: `a<b>,"c"`, Plan: "tcmpp/pro", Month: events.MonthOf(2026, 10), Revision: 2, Currency: "USD", Status: rating.StatusHeld, Reason: "app x: 1 < 2", Total: "750.00",
			Lines: []rating.Line{
				{App: "app-001", Meter: "mau", Quantity: "250000", Free: "200000", Billable: "50000", UnitPrice: "0.015", Amount: "750.00", How: "(250000 − 200000) × 0.015",
					Source: &rating.Source{Book: "tcmpp", Version: "2024-11-22", Overrides: []string{"mau.free"}}},
				{Item: "fee", Quantity: "1", Free: "0", Billable: "1", UnitPrice: "0", Amount: "0.00", How: "nothing, yet"},
			},
			Prepaid:    []rating.Prepaid{{Date: "2026-10-01", Item: "pack", Quantity: "1", Amount: "399.00", How: "1 × 399"}, {Date: "2026-10-02", App: "x", Item: "pack", Quantity: "1", Amount: "-3.00", How: "back"}},
			Balances:   []rating.Balance{{Package: "pack/1", Remaining: "10", Quantity: "100", Until: "2027-01-01"}},
			DeductFrom: "2026-11-01", DeductUntil: "2026-11-03",
		},
		{Account: "idle", Plan: "tcsas/professional", Month: events.MonthOf(2026, 10), Revision: 1, Currency: "USD", Status: rating.StatusFinal, Total: "0.00"},
	}
}

func TestInvoices(t *testing.T) {
	got := printed(t, func(b *bytes.Buffer) error { return printInvoices(b, testInvoices(), view{}) })
	same(t, got, `
Invoice of a<b>,"c" for 2026-10, plan tcmpp/pro, revision 2: $750.00 USD, held
  held because: app x: 1 < 2
  app       meter or item  quantity     free  billable  unit price  amount  how                                                     price from
  app-001   mau             250,000  200,000    50,000       0.015  750.00  50,000 above the 200,000 that are free, at $0.015 each  tcmpp 2024-11-22, by contract mau.free
  all apps  fee                   1        0         1           0    0.00  nothing, yet                                            –
  paid ahead on 2026-10-01, not in the total: $399.00 for 1 pack (1 × 399)
  paid ahead on 2026-10-02, not in the total: -$3.00 for 1 pack of x (back)
  package pack/1: 10 of 100 left, until 2027-01-01
  deducted from 2026-11-01 until 2026-11-03

Invoice of idle for 2026-10, plan tcsas/professional, revision 1: $0.00 USD, final
`)
	got = printed(t, func(b *bytes.Buffer) error { return printInvoices(b, nil, view{}) })
	same(t, got, "No account is in force: no invoices.\n")
}

func TestInvoiceCSV(t *testing.T) {
	text := printed(t, func(b *bytes.Buffer) error { return invoiceCSV(b, testInvoices()) })
	got, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head := []string{`a<b>,"c"`, "tcmpp/pro", "2026-10", "2", "held", "USD"}
	none := []string{"", "", "", "", "", "", ""}
	row := func(cells []string, rest ...string) []string { return slices.Concat(head, cells, rest) }
	want := [][]string{
		{"account", "plan", "month", "revision", "status", "currency", "app", "meter", "item", "quantity", "free", "billable", "unit_price", "amount", "how",
			"row", "date", "from", "until", "remaining", "book", "version", "overrides"},
		row([]string{"app-001", "mau", "", "250000", "200000", "50000", "0.015", "750.00", "(250000 − 200000) × 0.015"}, "line", "", "", "", "", "tcmpp", "2024-11-22", "mau.free"),
		row([]string{"", "", "fee", "1", "0", "1", "0", "0.00", "nothing, yet", "line"}, none...),
		row([]string{"", "", "total", "", "", "", "", "750.00", "", "total"}, none...),
		row([]string{"", "", "pack", "1", "", "", "", "399.00", "1 × 399", "prepaid"}, "2026-10-01", "", "", "", "", "", ""),
		row([]string{"x", "", "pack", "1", "", "", "", "-3.00", "back", "prepaid"}, "2026-10-02", "", "", "", "", "", ""),
		row([]string{"", "", "pack/1", "100", "", "", "", "", "", "balance"}, "", "", "2027-01-01", "10", "", "", ""),
		slices.Concat([]string{"idle", "tcsas/professional", "2026-10", "1", "final", "USD", "", "", "total", "", "", "", "", "0.00", "", "total"}, none),
	}
	for i := range got { // what stands behind is TestPaperCSV's
		got[i] = got[i][:len(want[0])]
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What an event or an accounts file names is text in a spreadsheet; numbers stay numbers.
func TestCSVHasNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"=HYPERLINK(\"x\")": "'=HYPERLINK(\"x\")", "+1+1": "'+1+1", "-1+1": "'-1+1", "@SUM(A1)": "'@SUM(A1)", "-266.00": "-266.00", "-": "'-", "a=b": "a=b", "": "", "7": "7",
	} {
		if got := cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	evil := testInvoices()
	evil[0].Account, evil[0].Lines[0].App = "@a", "=b"
	doc := testUsage()
	doc.Usage[0].App = "=c"
	text := printed(t, func(b *bytes.Buffer) error { return invoiceCSV(b, evil) }) + printed(t, func(b *bytes.Buffer) error { return usageCSV(b, doc) })
	for _, want := range []string{"'@a,", ",'=b,", ",'=c,"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestInvoicePage(t *testing.T) {
	page := printed(t, func(b *bytes.Buffer) error { return invoicePage(b, testInvoices(), nil, view{}) })
	for _, want := range []string{
		"Invoice · a&lt;b&gt;,&#34;c&#34; · 2026-10", "held because: app x: 1 &lt; 2", "revision 2, held. Deducted from 2026-11-01 until 2026-11-03.",
		"<td>app-001<td>mau", "<td>all apps<td>fee", "50,000 above the 200,000 that are free, at $0.015 each", "<td class=\"n\">$750.00<td colspan=\"2\">USD", "tcmpp 2024-11-22, by contract mau.free", "$399.00 for 1 pack <small>", "1 pack of x",
		"Package pack/1: 10 of 100 left, until 2027-01-01", "Invoice · idle · 2026-10",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "a<b>") {
		t.Error("an account's id is not escaped")
	}
	if n := strings.Count(page, "<section>"); n != 2 {
		t.Errorf("%d sections, want 2", n)
	}
	if empty := printed(t, func(b *bytes.Buffer) error { return invoicePage(b, nil, nil, view{}) }); !strings.Contains(empty, "no invoices") {
		t.Error("a page without invoices does not say so")
	}
}

// The stored document is printed as it was stored, with the invoices at its end.
func TestClosedJSON(t *testing.T) {
	r := &closed.Result{Month: 2026*12 + 9, Document: json.RawMessage(`{"month":"2026-10","usage":[],"rejected":12345678901234567890}` + "\n"), Limits: usage.DefaultLimits()}
	for _, v := range []string{`{"account":"a","total":"1.00"}`, `{"account":"b","total":"2.00"}`} {
		r.Invoices = append(r.Invoices, ledger.Invoice{Document: json.RawMessage(v)})
	}
	got, err := withInvoices(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"month":"2026-10","usage":[],"rejected":12345678901234567890,"invoices":[{"account":"a","total":"1.00"},{"account":"b","total":"2.00"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.Invoices = nil
	if got, err = withInvoices(r); err != nil || !strings.HasSuffix(string(got), `,"invoices":[]}`) {
		t.Errorf("without invoices: %s, %v", got, err)
	}
}

func TestHeldError(t *testing.T) {
	r := &closed.Result{Month: 2026*12 + 9, Limits: usage.DefaultLimits()}
	if err := heldError(r); err != nil {
		t.Errorf("nothing is held, but %v", err)
	}
	for _, id := range []string{"a", "b", "b", "c", "d", "e", "f", "g"} {
		r.Invoices = append(r.Invoices, ledger.Invoice{Account: id, Status: ledger.Held})
	}
	r.Invoices[0].Status = ledger.Final
	err := heldError(r)
	if cli.Code(err) != cli.CheckFailed || !strings.Contains(err.Error(), "invoices of 2026-10 are held for b, c, d, e, f and 1 more: ") {
		t.Errorf("got %v", err)
	}
}

// What is refused is refused before anything is opened: these run where there is no configuration.
func TestRefusals(t *testing.T) {
	t.Chdir(t.TempDir())
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"usage --month 2026-10":                           {cli.Usage, "`ingest init`"},
		"usage --month 2026-10 --csv --json":              {cli.Usage, "either --json or --csv"},
		"invoices --month 2026-10 --csv --json":           {cli.Usage, "either --json or --csv"},
		"invoices --month 2026-10 --html=":                {cli.Usage, "--html is empty"},
		"rate --plan tcmpp/pro":                           {cli.Usage, "--usage FILE is missing"},
		"rate --usage nowhere.json":                       {cli.Usage, "either --plan BOOK/PLAN or --accounts FILE"},
		"rate --usage nowhere.json --plan a --accounts b": {cli.Usage, "either --plan BOOK/PLAN or --accounts FILE"},
		"rate --usage nowhere.json --plan tcmpp/pro":      {cli.Usage, "nowhere.json: no such file"},
		"close --timeout soon":                            {cli.Usage, "--timeout \"soon\": want a duration"},
		"status now":                                      {cli.Usage, "takes no argument"},
	} {
		var out, errs bytes.Buffer
		p := &cli.Program{Out: &out, Err: &errs}
		cmd := root(p)
		cmd.SetArgs(strings.Fields(args))
		code := cli.Execute(p, cmd)
		if code != want.code || !strings.Contains(errs.String(), want.text) || out.Len() > 0 || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s: code %d, stdout %q, stderr %q; want %d and one line with %q", args, code, out.String(), errs.String(), want.code, want.text)
		}
	}
}

// failing is an output that is full.
type failing struct{}

var errFull = errors.New("no space left")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestFullOutputIsAnError(t *testing.T) {
	for name, err := range map[string]error{
		"usage":       usageTable(failing{}, testUsage()),
		"status":      statusTable(failing{}, &status.Document{Document: *testUsage()}, true),
		"invoices":    printInvoices(failing{}, testInvoices(), view{}),
		"usage CSV":   usageCSV(failing{}, testUsage()),
		"invoice CSV": invoiceCSV(failing{}, testInvoices()),
		"page":        invoicePage(failing{}, testInvoices(), nil, view{}),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: error %v, want that of the output", name, err)
		}
	}
}
