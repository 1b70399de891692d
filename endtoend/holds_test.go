package endtoend

import (
	"strings"
	"testing"
)

// astray makes an event of each device from..to−1 of a1 whose clock is an hour ahead of the record's timestamp.
func astray(at string, from, to int) []record {
	all := opens("a1", at, from, to)
	for i := range all {
		all[i].Timestamp -= 3600_000
	}
	return all
}

// nameless makes records of a1 that cannot be counted.
func nameless(at string, n int) []record {
	all := opens("a1", at, 0, n)
	for i := range all {
		all[i].Value = []byte(strings.Replace(string(all[i].Value), `"subject":`, `"nobody":`, 1))
	}
	return all
}

// A handful of forged records holds no invoice; what honest events could not be holds it. Who lets it through by a limit of one close is
// in the closing, in what is printed, and in what verify says, which goes by the closing and not by what is configured then.
func TestHoldsNeedAShareAndEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	reason := func(month string, code int) string {
		t.Helper()
		all := decode[struct{ Invoices []invoice }](t, s.want(code, "rollup", "invoices", "--json", "--month", month).stdout).Invoices
		if len(all) == 0 {
			t.Fatalf("no invoice of %s", month)
		}
		if (all[0].Status == "held") != (code == 1) {
			t.Errorf("%s: %s", month, all[0].Status)
		}
		return all[0].Reason
	}

	s.send(nil, opens("a1", "2025-03-10T10:00:00Z", 0, 100))
	s.send(nil, astray("2025-03-10T10:00:00Z", 100, 119))
	s.send(nil, nameless("2025-03-10T10:00:00Z", 19))
	s.ok("rollup", "close", "--month", "2025-03")
	reason("2025-03", 0)
	s.verify(0, "--month", "2025-03")

	s.send(nil, opens("a1", "2025-04-10T10:00:00Z", 0, 100))
	s.send(nil, nameless("2025-04-10T10:00:00Z", 20))
	s.want(1, "rollup", "close", "--month", "2025-04")
	if got := reason("2025-04", 1); !strings.Contains(got, "20 records were rejected as dead letters, more than 0.01 of 120") {
		t.Errorf("reason: %s", got)
	}
	s.verify(0, "--month", "2025-04")

	s.send(nil, opens("a1", "2025-05-10T10:00:00Z", 0, 100))
	s.send(nil, astray("2025-05-10T10:00:00Z", 100, 130))
	s.config["billing"] = `{skew_limit: "1"}`
	s.configure()
	s.want(0, "rollup", "close", "--month", "2025-05").says(t, "skew_limit is 1, not 0.01")
	delete(s.config, "billing")
	s.configure()
	reason("2025-05", 0)
	for _, args := range [][]string{{"close"}, {"invoices"}} {
		if text := s.ok(append([]string{"rollup", args[0], "--month", "2025-05"}, args[1:]...)...); !strings.Contains(text, "skew_limit is 1, not 0.01") {
			t.Errorf("%s does not say by which limit:\n%s", args[0], text)
		}
	}
	type byLimits struct {
		Limits struct {
			Skew string `json:"skew_limit"`
		}
	}
	for _, command := range []string{"usage", "close", "invoices"} {
		if x := decode[byLimits](t, s.ok("rollup", command, "--json", "--month", "2025-05")); x.Limits.Skew != "1" {
			t.Errorf("%s --json: %+v", command, x)
		}
	}
	if text := s.ok("rollup", "verify", "--month", "2025-05"); !strings.Contains(text, "skew_limit 1, not 0.01") {
		t.Errorf("verify does not say it:\n%s", text)
	}
}
