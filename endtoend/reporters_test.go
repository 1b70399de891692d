package endtoend

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/endtoend/reporter"
)

// deadReasons reads the reasons of so many dead letters, by what they hold.
func (s *site) deadReasons(n int) map[string]string {
	s.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.addr), kgo.ConsumeTopics(s.topic+".dead"))
	if err != nil {
		s.Fatal(err)
	}
	defer client.Close()
	reasons := map[string]string{}
	for len(reasons) < n {
		fetches := client.PollFetches(s.Context())
		if err := fetches.Err(); err != nil {
			s.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			for _, h := range r.Headers {
				if h.Key == "reason" {
					reasons[string(r.Value)] = string(h.Value)
				}
			}
		})
	}
	return reasons
}

// Who may produce records may not set quantities: one forged record made an invoice of 60 trillion final, another, with the honest
// source's name and the highest revision there is, one of 0.00 for good. Now they are dead letters that say why, and the bill is the honest
// one.
func TestForgedQuantities(t *testing.T) {
	t.Parallel()
	s := newSite(t, quantityAccounts, nil)
	s.reporters("gw-1", "narrow")
	s.config["reporters"] = strings.Replace(s.config["reporters"], `key_file: "narrow.pub", meters: ["*"], apps: ["*"]`, `key_file: "narrow.pub", meters: [push_calls], apps: ["c*"]`, 1)
	s.configure()
	honest := s.reported("p", "gateway_calls", "2025-03", "gw-1", "30000", 1)
	forged := func(source, value, more string) []byte {
		return fmt.Appendf(nil, `{"type":"usage.reported","source":%q,"superapp":"p","meter":"gateway_calls","month":"2025-03","value":%q%s}`, source, value, more)
	}
	want := map[string]string{
		string(forged("gw-1", "60000000000000", "")):                                  "not signed",
		string(forged("gw-1", "0", `,"revision":9223372036854775807`)):                "revision",
		string(forged("gw-1", "0", `,"revision":2147483647`)):                         "not signed",
		string(reporter.Sign(forged("gw-9", "60000000000000", ""), s.sealKey())):      "no reporter",
		string(reporter.Sign(forged("narrow", "60000000000000", ""), s.sealKey())):    "meter is not one that its reporter may report",
		strings.Replace(string(honest.Value), `"30000"`, `"60000000000000"`, 1):       "signature",
		strings.Replace(string(honest.Value), `"revision":1`, `"revision":999`, 1):    "signature",
		string(reporter.Sign(forged("gw-1", "5", ""), reporter.Public("a stranger"))): "signature",
		string(s.reported("p", "push_calls", "2025-03", "narrow", "5", 0).Value):      "superapp is not one",
		string(s.reported("p", "gateway_calls", "2025-03-04", "gw-1", "5", 9).Value):  "reported days",
	}
	records := []record{honest}
	for value := range want {
		r := honest
		r.Value = []byte(value)
		records = append(records, r, honest)
	}
	s.send(nil, records)
	s.ok("ingest", "run", "--until-end")
	got := s.deadReasons(len(want))
	for value, text := range want {
		if !strings.Contains(got[value], text) {
			t.Errorf("%s\n got %q\nwant %q", value, got[value], text)
		}
	}
	s.ok("rollup", "close", "--month", "2025-03")
	if bills := s.bills("2025-03"); bills[1] != "paas/1 gateway_calls 30000 = 0.15, 0 left" {
		t.Errorf("billed: %q", bills)
	}
	s.ok("rollup", "verify", "--month", "2025-03")
}

// A quantity is reported by a command; what the rules would not take is refused before it is sent. One signed wrongly is set right by a
// higher revision before the close, and by an amendment after it; one that the month before makes implausible is held.
func TestReport(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	month, before := now.AddDate(0, 0, 1-now.Day()), now.AddDate(0, 0, -now.Day())
	last, this := before.Format("2006-01"), month.Format("2006-01")
	s := newSite(t, strings.ReplaceAll(quantityAccounts, "bought: 2025-02-10", "bought: 2024-02-10, term: 1 month"), map[string]string{"billing": "{grace: 0s}"})
	s.config["reporters"] = `[{id: gateway, key_file: keys/gateway.pub, meters: [gateway_calls], apps: ["p*"]}]`
	s.configure()
	s.want(2, "ingest", "report", "--reporter", "gateway", "--app", "p", "--meter", "gateway_calls", "--month", last, "--value", "1").says(t, "keys/gateway.key", "ingest init")
	if made := s.ok("ingest", "init"); !strings.Contains(made, "keys/gateway.pub") || !strings.Contains(made, "keys/gateway.key") {
		t.Errorf("init: %s", made)
	}
	report := func(code int, says string, args ...string) {
		t.Helper()
		s.want(code, append([]string{"ingest", "report", "--reporter", "gateway", "--app", "p", "--meter", "gateway_calls"}, args...)...).says(t, says)
	}
	report(0, "", "--month", last, "--value", "40000")
	report(0, "", "--month", last, "--value", "60000000000000", "--revision", "1")
	report(0, "", "--month", last, "--value", "50000", "--revision", "2")
	for _, tt := range []struct {
		says string
		args []string
	}{
		{"--value", []string{"--month", last}},
		{"one of the two", []string{"--month", last, "--day", last + "-03", "--value", "1"}},
		{"one of the two", []string{"--value", "1"}},
		{"--value \"-1\"", []string{"--month", last, "--value=-1"}},
		{"--revision", []string{"--month", last, "--value", "1", "--revision", "2147483648"}},
		{"after that of the record", []string{"--month", now.AddDate(0, 2, 0).Format("2006-01"), "--value", "1"}},
		{"meter is not one that its reporter may report", []string{"--meter", "push_calls", "--month", last, "--value", "1"}},
		{"superapp is not one that its reporter may report for", []string{"--app", "c", "--month", last, "--value", "1"}},
		{"names gateway", []string{"--reporter", "gatewax", "--month", last, "--value", "1"}},
		{"nowhere.key", []string{"--key", "nowhere.key", "--month", last, "--value", "1"}},
		{"does not belong to the public key", []string{"--key", "data/seal.key", "--month", last, "--value", "1"}},
	} {
		report(2, tt.says, tt.args...)
	}
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", last)
	if bills := s.bills(last); bills[0] != "paas/1 gateway_calls 50000 = 0.75" {
		t.Errorf("billed: %q", bills)
	}
	s.ok("rollup", "verify", "--month", last)

	amended := decode[struct{ Invoices []quantityInvoice }](t, s.ok("rollup", "amend", "--json", "--month", last, "--app", "p", "--meter", "gateway_calls", "--reporter", "gateway", "--value", "20000", "--reason", "counted twice"))
	if len(amended.Invoices) != 1 || amended.Invoices[0].Total != "-0.45" || amended.Invoices[0].Reason != "amended: counted twice" {
		t.Errorf("amended: %+v", amended)
	}
	s.want(2, "rollup", "amend", "--month", last, "--app", "p", "--meter", "gateway_calls", "--reporter", "gateway", "--value", "20000", "--reason", "again").says(t, "nothing to amend")
	s.want(2, "rollup", "amend", "--month", last, "--app", "p", "--meter", "gateway_calls", "--reporter", "gatewax", "--value", "1", "--reason", "x").says(t, "gatewax was no reporter")
	s.want(2, "rollup", "amend", "--month", last, "--app", "p", "--meter", "gateway_calls", "--reporter", "gateway", "--day", this+"-01", "--value", "1", "--reason", "x").says(t, "a day of "+last)
	s.want(2, "rollup", "amend", "--month", last, "--app", "p", "--meter", "push", "--reporter", "gateway", "--value", "1", "--reason", "x").says(t, "meter push is no quantity")
	if v := s.verify(0, "--month", last); !v.OK {
		t.Errorf("%+v", v.Differences)
	}
	s.ok("rollup", "export", "--month", last, "--out", "archive.tar")
	s.ok("rollup", "verify", "--month", last, "--from", "archive.tar")
	report(0, "", "--day", this+"-01", "--value", "250000")
	s.ok("ingest", "run", "--until-end")
}

// A quantity of more than ten times the month before's is held, and says why, until it is released.
func TestImplausibleQuantity(t *testing.T) {
	t.Parallel()
	s := newSite(t, quantityAccounts, nil)
	s.reporters("gw-1")
	s.send(nil, []record{s.reported("p", "gateway_calls", "2025-03", "gw-1", "30000", 0)})
	s.ok("rollup", "close", "--month", "2025-03")
	s.send(nil, []record{s.reported("p", "gateway_calls", "2025-04", "gw-1", "300001", 0)})
	s.ok("ingest", "run", "--until-end")
	if r := s.run("rollup", "status", "--month", "2025-04"); !strings.Contains(r.stdout+r.stderr, "300001 is more than 10 times the 30000") {
		t.Errorf("status does not say that the invoice would be held:\n%s\n%s", r.stdout, r.stderr)
	}
	s.want(1, "rollup", "close", "--month", "2025-04")
	for _, v := range decode[struct{ Invoices []quantityInvoice }](t, s.run("rollup", "invoices", "--month", "2025-04", "--json").stdout).Invoices {
		held := v.Status == "held" && v.Reason == "app p: quantities: meter gateway_calls: 300001 is more than 10 times the 30000 of the month before"
		if held != (v.Account == "paas") {
			t.Errorf("%s is %s: %s", v.Account, v.Status, v.Reason)
		}
	}
	s.ok("rollup", "verify", "--month", "2025-04")
	s.ok("rollup", "release", "--month", "2025-04", "--account", "paas", "--reason", "a campaign")

	// Under a limit of its own, which the closing keeps.
	s.config["billing"] = "{quantity_jump: 100}"
	s.configure()
	s.send(nil, []record{s.reported("p", "gateway_calls", "2025-05", "gw-1", "5000000", 0)})
	s.ok("rollup", "close", "--month", "2025-05")
	s.ok("rollup", "verify", "--month", "2025-05")
}
