package decode

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"headcount/endtoend/reporter"
	"headcount/events"
	"headcount/events/signed"
)

const testReport = `{"type":"usage.reported","superapp":"app-1","meter":"gateway_calls","month":"2026-10","day":"2026-10-03","source":"gw-1","revision":3,"value":"12"}`

// TestWhoMayReport: who may produce records may not set quantities. What is not signed, or not by a reporter of the month's rules, or
// beyond its meters and apps, is a dead letter that says so, and fixes no rules.
func TestWhoMayReport(t *testing.T) {
	seal := testTemplate().SealKey
	genuine := string(reporter.Sign([]byte(testReport), seal))
	signature := genuine[strings.Index(genuine, `"signature":"`)+len(`"signature":"`) : len(genuine)-2]
	changed := func(old, new string) string {
		if !strings.Contains(genuine, old) {
			t.Fatalf("%s is not in %s", old, genuine)
		}
		return strings.Replace(genuine, old, new, 1)
	}
	again := func(old, new string) string { // changed and signed by who is named as its source
		return string(reporter.Sign([]byte(strings.Replace(testReport, old, new, 1)), seal))
	}
	report := signed.Report{App: "app-1", Meter: "gateway_calls", Month: "2026-10", Day: "2026-10-03", Source: "gw-1", Value: "12", Revision: "3"}
	stranger := base64.StdEncoding.EncodeToString(report.Sign(base64.StdEncoding.EncodeToString(seal), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))))
	theirs := string(reporter.Sign([]byte(testReport), ed25519.PublicKey(bytes.Repeat([]byte{5}, 32))))
	for _, tt := range []struct {
		name, value string
		want        events.Reason // empty: it is taken
	}{
		{"as signed", genuine, ""},
		{"not signed", testReport, events.Unsigned},
		{"an empty signature", changed(signature, ""), events.Unsigned},
		{"null for a signature", changed(`"`+signature+`"`, "null"), events.Unsigned},
		{"a number for a signature", changed(`"`+signature+`"`, "1"), events.NotString},
		{"two signatures", changed(`"signature"`, `"signature":"`+signature+`","signature"`), events.DuplicateName},
		{"a signature cut off", changed(signature, signature[:80]), events.BadSignature},
		{"no padding", changed(signature, strings.TrimRight(signature, "=")), events.BadSignature},
		{"lines in the base64", changed(signature, signature[:40]+`\n`+signature[40:]), events.BadSignature},
		{"no base64", changed(signature, strings.Repeat("!", 88)), events.BadSignature},
		{"zeros", changed(signature, strings.Repeat("A", 86)+"=="), events.WrongSignature},
		{"another key", changed(signature, stranger), events.WrongSignature},
		{"to another installation", theirs, events.WrongSignature},
		{"another value", changed(`"value":"12"`, `"value":"60000000000000"`), events.WrongSignature},
		{"the same value, written otherwise", changed(`"value":"12"`, `"value":"012"`), events.WrongSignature},
		{"a higher revision", changed(`"revision":3`, `"revision":2147483647`), events.WrongSignature},
		{"no revision", changed(`"revision":3,`, ``), events.WrongSignature},
		{"the revision as text", changed(`"revision":3`, `"revision":"3"`), ""},
		{"another app", changed(`"superapp":"app-1"`, `"superapp":"app-2"`), events.WrongSignature},
		{"another meter", changed(`"meter":"gateway_calls"`, `"meter":"push_calls"`), events.WrongSignature},
		{"another month", strings.Replace(changed(`"month":"2026-10"`, `"month":"2026-09"`), "2026-10-03", "2026-09-03", 1), events.WrongSignature},
		{"another day", changed("2026-10-03", "2026-10-04"), events.WrongSignature},
		{"the day as a number", changed("2026-10-03", "3"), events.WrongSignature},
		{"of the month", changed(`"day":"2026-10-03",`, ``), events.WrongSignature},
		{"another reporter", changed("gw-1", "narrow"), events.WrongSignature},
		{"no reporter", again("gw-1", "gw-9"), events.UnknownReporter},
		{"a reporter's name and a space", again("gw-1", "gw-1 "), events.UnknownReporter},
		{"within a pattern", again("gw-1", "narrow"), ""},
		{"a meter that is not its own", string(reporter.Sign([]byte(strings.NewReplacer("gw-1", "narrow", "gateway_calls", "push_calls").Replace(testReport)), seal)), events.NotItsMeter},
		{"an app that is not its own", string(reporter.Sign([]byte(strings.NewReplacer("gw-1", "narrow", "app-1", "app1").Replace(testReport)), seal)), events.NotItsApp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, b := newTestDecoder(t, func(t *events.Template) {
				narrow := reporter.All("narrow")[0]
				narrow.Meters, narrow.Apps = []string{"gateway_*"}, []string{"app-*", "b"}
				t.Reporters = append(t.Reporters, narrow)
			})
			e := decode(t, d, record(t, tt.value))
			if e.Reason != tt.want || (e.Outcome == events.Reported) != (tt.want == "") {
				t.Errorf("%s\n got %s, want reason %q", tt.value, verdict(e), tt.want)
			}
			if fixed := len(b.months) > 0; fixed != (tt.want == "") {
				t.Errorf("rules are fixed: %v", fixed)
			}
		})
	}
}

// TestReporterOfItsMonth: a report is checked by the rules of the month that it names, not of the one it comes in.
func TestReporterOfItsMonth(t *testing.T) {
	d, b := newTestDecoder(t, nil)
	former := testTemplate()
	former.Reporters, former.SealKey = reporter.All("former"), bytes.Repeat([]byte{3}, 32)
	september, err := former.Month(events.MonthOf(2026, 9))
	if err != nil {
		t.Fatal(err)
	}
	b.months[september.Month] = september
	report := func(source, month string, seal ed25519.PublicKey) string {
		return string(reporter.Sign([]byte(`{"type":"usage.reported","superapp":"a","meter":"m","month":"`+month+`","source":"`+source+`","value":"1"}`), seal))
	}
	for _, tt := range []struct{ value, want string }{
		{report("former", "2026-09", former.SealKey), "reported 2026-09 day 0 a m former 0/1"},
		{report("former", "2026-09", testTemplate().SealKey), "rejected [a] " + string(events.WrongSignature)},
		{report("former", "2026-10", testTemplate().SealKey), "rejected [a] " + string(events.UnknownReporter)},
		{report("s", "2026-09", former.SealKey), "rejected [a] " + string(events.UnknownReporter)},
		{report("s", "2026-10", testTemplate().SealKey), "reported 2026-10 day 0 a m s 0/1"},
		{report("s", "2026-08", testTemplate().SealKey), "reported 2026-08 day 0 a m s 0/1"},
	} {
		if got := verdict(decode(t, d, record(t, tt.value))); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.value, got, tt.want)
		}
	}
}

// TestFixedJustNow: another process fixes the month's rules between the look at those foreseen and fixing them: its rules count.
func TestFixedJustNow(t *testing.T) {
	d, b := newTestDecoder(t, nil)
	other := testTemplate()
	other.Reporters = nil
	rules, err := other.Month(events.MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	d.book = faster{b, rules}
	if e := decode(t, d, record(t, string(reporter.Sign([]byte(testReport), testTemplate().SealKey)))); e.Reason != events.UnknownReporter {
		t.Errorf("got %s", verdict(e))
	}
}

// faster is a book in which others fix rules first.
type faster struct {
	*book
	rules *events.MonthRules
}

func (f faster) MonthRules(events.Month) (*events.MonthRules, error) { return f.rules, nil }
