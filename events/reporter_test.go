package events

import (
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"app-1", "app-1", true}, {"app-1", "app-12", false}, {"app-*", "app-", true}, {"app-*", "app-1", true}, {"app-*", "xapp-1", false},
		{"*", "", true}, {"*", "a", true}, {"**", "a", true}, {"*-eu", "app-eu", true}, {"*-eu", "app-eu-1", false}, {"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "acb", false}, {"a*a", "a", false}, {"a*a", "aa", true}, {"*ab*ab", "abab", true}, {"*ab*ab", "ab", false},
		{"a?", "ab", false}, {"a?", "a?", true}, {"[a]", "a", false}, {"A*", "a", false},
	} {
		if got := matches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%s fits %q: %v", tt.pattern, tt.name, got)
		}
	}
}

// Reporters are part of the month's rules, whatever the order in which a configuration names them.
func TestReportersInRules(t *testing.T) {
	key := func(n byte) string {
		return base64.StdEncoding.EncodeToString(slices.Repeat([]byte{n}, ed25519.PublicKeySize))
	}
	with := func(reporters ...Reporter) *Template {
		t := plainTemplate()
		t.Reporters = reporters
		return t
	}
	month, err := with(Reporter{"gw", key(1), []string{"gateway_calls", "a"}, []string{"app-*"}}, Reporter{"a", key(2), []string{"*"}, []string{"*"}}).Month(MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	same, err := with(Reporter{"a", key(2), []string{"*", "*"}, []string{"*"}}, Reporter{"gw", key(1), []string{"a", "gateway_calls"}, []string{"app-*"}}).Month(MonthOf(2026, 10))
	if err != nil || same.Hash() != month.Hash() {
		t.Errorf("in another order: %s, %v", same.Canonical(), err)
	}
	again, err := ParseMonthRules(month.Canonical())
	if err != nil || again.Reporter("gw") == nil || !again.Reporter("gw").MayReport("gateway_calls") || again.Reporter("gw").MayReport("gateway") || !again.Reporter("gw").MayReportFor("app-1") ||
		again.Reporter("x") != nil {
		t.Fatalf("read back: %+v, %v", again, err)
	}
	if want := `"reporters":[{"id":"a","key":"` + key(2) + `","meters":["*"],"apps":["*"]},{"id":"gw","key":"` + key(1) + `","meters":["a","gateway_calls"],"apps":["app-*"]}]`; !strings.Contains(string(month.Canonical()), want) {
		t.Errorf("%s has no %s", month.Canonical(), want)
	}
	plain, err := plainTemplate().Month(MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	if got := plain.Diff(month); len(got) != 2 || !strings.HasPrefix(got[1], "reporters.gw is none, the configuration says key "+key(1)) {
		t.Errorf("differences: %q", got)
	}
	if got := month.Diff(same); len(got) != 0 {
		t.Errorf("differences: %q", got)
	}
	for name, wrong := range map[string][]Reporter{
		"no id":               {{"", key(1), []string{"m"}, []string{"a"}}},
		"a control character": {{"a\n", key(1), []string{"m"}, []string{"a"}}},
		"the same id twice":   {{"a", key(1), []string{"m"}, []string{"a"}}, {"a", key(2), []string{"m"}, []string{"a"}}},
		"no key":              {{"a", "", []string{"m"}, []string{"a"}}},
		"a short key":         {{"a", "AAAA", []string{"m"}, []string{"a"}}},
		"no meters":           {{"a", key(1), nil, []string{"a"}}},
		"no apps":             {{"a", key(1), []string{"m"}, nil}},
		"an empty app":        {{"a", key(1), []string{"m"}, []string{""}}},
		"a long meter":        {{"a", key(1), []string{strings.Repeat("m", 65)}, []string{"a"}}},
	} {
		if err := with(wrong...).Validate(); err == nil || !strings.Contains(err.Error(), "report") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
