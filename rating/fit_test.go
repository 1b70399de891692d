package rating_test

import (
	"errors"
	"strings"
	"testing"

	"headcount/rating"
)

// What one book calls mau is not what another does: three open, two only search, one only predownloads.
func TestFit(t *testing.T) {
	const (
		tcsas = `"meters":[{"meter":"mau","exact":3,"estimate":3,"bound":0.0463,"verdict":"agree"}]`
		kinds = `"kinds":{"open":{"exact":3,"estimate":3},"search":{"exact":2,"estimate":2},"predownload":{"exact":1,"estimate":1}},`
		daily = `"daily":[{"day":"2026-10-01","active":4,"new":4,"users":0},{"day":"2026-10-02","active":3,"new":2,"users":0}],`
		login = `"kinds":{"open":{"exact":0,"estimate":0},"login":{"exact":9,"estimate":9}},"daily":[{"day":"2026-10-01","users":7},{"day":"2026-10-02","users":9}],`
	)
	for _, c := range []struct{ name, plan, app, want string }{
		{"of its own book", "tcsas/professional", kinds + daily + tcsas, "3"},
		{"made of the kinds", "tcmpp/pro", kinds + daily + tcsas, "6"},
		{"kinds that do not say it", "tcmpp/pro", kinds + tcsas, `the usage has mau as tcsas counts it; tcmpp/pro is priced by mau (open, search, predownload), which cannot be made of it`},
		{"a device of another kind", "tcmpp/pro", strings.Replace(kinds, "}},", `},"push":{"exact":1}},`, 1) + daily + tcsas, "mau as tcsas counts it"},
		{"back again", "tcsas/professional", kinds + daily + strings.Replace(tcsas, `"exact":3`, `"exact":6`, 1), "3"},
		{"users are no devices", "chat/standard", kinds + daily + tcsas, "0"},
		{"from peak to month", "chat/standard", login + `"meters":[{"meter":"peak_dau","exact":9}]`, "9"},
		{"from month to peak", "im/pro", login + `"meters":[{"meter":"mau","exact":9}]`, "9"},
		{"of nobody", "tcmpp/pro", kinds + daily + `"meters":[]`, "6"},
		{"no kinds: at its word", "tcmpp/pro", tcsas, "3"},
		{"edited by hand: at its word", "tcmpp/pro", kinds + daily + strings.Replace(tcsas, `"exact":3`, `"exact":250000`, 1), "250000"},
		{"nothing but another book's", "chat/standard", `"meters":[{"meter":"peak_dau","exact":9}]`, "the usage has peak_dau of im; chat/standard is priced by mau (login)"},
		{"also another book's", "chat/standard", `"meters":[{"meter":"mau","exact":4},{"meter":"peak_dau","exact":9}]`, "4"},
		{"kinds that cannot be read are not there", "tcmpp/pro", `"kinds":5,` + tcsas, "3"},
	} {
		u, err := rating.ParseUsage([]byte(`{"month":"2026-10","usage":[{"app":"a",` + c.app + `}]}`))
		if err != nil {
			t.Fatal(c.name, err)
		}
		in, err := rating.PlanInput(builtin(t), c.plan, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		fitted, said, err := rating.Fit(in)
		if err != nil {
			if _, foreign := errors.AsType[*rating.ForeignMeterError](err); !foreign || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "line 1: app \"a\": ") {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
			continue
		}
		out, err := rating.Rate(fitted)
		if err != nil {
			t.Fatal(err)
		}
		if l := out[0].Lines[0]; l.Quantity != c.want {
			t.Errorf("%s: %s is %s, want %s", c.name, l.Meter, l.Quantity, c.want)
		}
		if changed := show(fitted.Usage.Apps[0].Meters) != show(in.Usage.Apps[0].Meters); changed && c.want != "0" && len(said) != 1 {
			t.Errorf("%s: said %q", c.name, said)
		}
	}
}
