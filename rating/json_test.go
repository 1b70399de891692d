package rating_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

const printedInvoice = `{"account":"acme","plan":"tcmpp/pro","month":"2026-10","revision":1,"currency":"USD","status":"final",` +
	`"lines":[{"app":"app-001","meter":"mau","quantity":"250000","free":"200000","billable":"50000","unit_price":"0.015","amount":"750.00","how":"(250000 − 200000) × 0.015","source":{"book":"tcmpp","version":"2024-11-22"}}],` +
	`"total":"750.00","prepaid":[],"deduct_from":"2026-11-01","deduct_until":"2026-11-03","document":"invoice","tax":"0.00","payable":"750.00"}`

// The document as the close prints it, of which rating reads month and meters.
const printedUsage = `{"month":"2026-10","time_zone":"UTC","topic":"sdk-events",
 "sealed":[{"partition":0,"offset":12345}],
 "usage":[{"app":"app-001","account":"acme","events":1200,"duplicates":1010,"skewed":0,"expired":0,"rejected":0,
   "kinds":{"open":{"exact":100,"estimate":101}},
   "meters":[{"meter":"mau","exact":250000,"estimate":250121,"bound":0.0463,"verdict":"agree"}],
   "daily":[{"day":"2026-10-01","active":17,"new":17,"users":0}],
   "late":[{"month":"2026-09","devices":3}],"digest":"sha256:00"}],
 "rejected":0,"invoices":[]}`

func TestInvoiceAsPrinted(t *testing.T) {
	u, err := rating.ParseUsage([]byte(printedUsage))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, account("apps: [app-001, app-002]", "plan: tcmpp/pro", "from: 2026-01-01"))
	v := s.one("2026-10", u.Apps...)
	if len(v.Lines) != 2 || v.Lines[1].App != "app-002" || v.Lines[1].Quantity != "0" || v.Lines[1].Amount != "0.00" {
		t.Errorf("the app without usage: %s", show(v.Lines))
	}
	v.Lines = v.Lines[:1]
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(b.String()); got != printedInvoice {
		t.Errorf("got  %s\nwant %s", got, printedInvoice)
	}
}

func TestPlanInput(t *testing.T) {
	u, err := rating.ParseUsage([]byte(printedUsage))
	if err != nil {
		t.Fatal(err)
	}
	for plan, want := range map[string]string{
		"tcmpp/pro": "750.00", "tcmpp/enterprise": "0.00", "tcmpp/poc-pro": "0.00", "tcsas/enterprise": "2500.00", "chat/standard": "3600.00",
	} {
		in, err := rating.PlanInput(builtin(t), plan, u, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		out, err := rating.Rate(in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != 1 || out[0].Account != "what-if" || out[0].Plan != plan || out[0].Total != want {
			t.Errorf("%s: %s, want %s", plan, show(out), want)
		}
	}
	for plan, want := range map[string]string{
		"tcmpp/prp": `did you mean "tcmpp/pro"?`, "tcmp/pro": `did you mean "tcmpp/pro"?`, "tcmpp/gold": "did you mean one of tcmpp/pro, tcmpp/enterprise, tcmpp/poc-pro, tcmpp/poc-enterprise?",
		"": "want book/plan", "chat": "did you mean one of chat/trial, chat/standard, chat/premium?",
	} {
		if _, err := rating.PlanInput(builtin(t), plan, u, time.UTC); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", plan, err, want)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{", "line 1: is not JSON"},
		{"{\n\"month\":\"2026-10\",\n\"usage\":[}", "line 3: is not JSON"},
		{`{"usage":[]}`, "misses the field month"},
		{`{"month":"2026-10"}`, "misses the field usage"},
		{`{"month":"2026-13","usage":[]}`, `month "2026-13"`},
		{`{"month":"2026-10","month":"2026-11","usage":[]}`, "line 1: month: is there twice"},
		{"{\"month\":\"2026-10\",\"usage\":[{\"app\":\"a\",\"meters\":[{\"meter\":\"push\",\"exact\":1,\n\"day\":[]}]}]}", "line 2: usage[0].meters[0].day: unknown field"},
		{`{"month":"2026-10","usage":[{"app":"a","meters":[{"meter":"push","exact":1,"days":[{"day":"2026-10-01","value":1,"new":1}]}]}]}`, "usage[0].meters[0].days[0].new: unknown field"},
		{"[]", "line 1: the document: an array, want an object"},
		{`{"month":"2026-10","usage":[{"app":"a"}]}`, "line 1: usage[0]: misses"},
		{"{\"month\":\"2026-10\",\"usage\":[\n{\"app\":\"a\",\"meters\":[]},\n{\"app\":\"a\",\"meters\":[]}]}", `line 3: usage[1].app: "a" is there twice`},
		{`{"month":"2026-10","usage":[{"app":"a","meters":[{"meter":"mau"}]}]}`, "usage[0].meters[0]: misses"},
		{`{"month":"2026-10","usage":[{"app":"a","meters":[{"meter":"mau","exact":-1}]}]}`, "exact -1 is negative"},
		{"{\"month\":\"2026-10\",\"usage\":[{\"app\":\"a\",\"meters\":[{\"meter\":\"mau\",\n\"exact\":1.5}]}]}", "line 2: usage[0].meters[0].exact: 1.5, want an integer"},
		{`{"month":"2026-10","usage":[{"app":"a","meters":[{"meter":"mau","exact":"1"}]}]}`, "string, want an integer"},
		{`{"month":"2026-10","usage":[{"app":"a","meters":[{"meter":"mau","exact":1},{"meter":"mau","exact":1}]}]}`, "meters[1].meter"},
		{`{"month":"2026-10","usage":[{"app":"a","meters":[{"meter":"mau","exact":1,"days":[{"day":"2026-11-01","value":1}]}]}]}`, "2026-11-01"},
		{`{"month":"2026-10","usage":[{"app":"a\u0000","meters":[]}]}`, "control characters"},
	} {
		if _, err := rating.ParseUsage([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
	s := open(t, account("plan: tcmpp/pro", "from: 2026-01-01"))
	u, err := rating.ParseUsage([]byte("{\"month\":\"2026-10\",\"usage\":[{\"app\":\"a\",\"meters\":[\n{\"meter\":\"muu\",\"exact\":1}]}]}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rating.Rate(s.input("2026-10", u.Apps...)); err == nil || !strings.Contains(err.Error(), `line 2: usage[0].meters[0].meter: no book has a meter "muu"; did you mean "mau"?`) {
		t.Errorf("unknown meter: %v", err)
	}
	in := s.input("2026-10", u.Apps...)
	in.Usage.File = "usage.json"
	if _, err := rating.Rate(in); err == nil || !strings.HasPrefix(err.Error(), "usage.json: line 2: usage[0]") {
		t.Errorf("unknown meter in a file: %v", err)
	}
	over := daily("gateway_calls", "2026-10-01", 5)
	over.Meters[0].Exact = 4
	if _, err := rating.Rate(s.input("2026-10", over)); err != nil {
		t.Errorf("a meter that is not charged is not looked at: %v", err)
	}
	m := open(t, account("plan: mpaas/standard", "from: 2026-01-01"))
	if _, err := rating.Rate(m.input("2026-10", over)); err == nil || !strings.Contains(err.Error(), "days: they sum up to 5, more than the month's 4") {
		t.Errorf("days over the month: %v", err)
	}
}
