package closing

import (
	"testing"

	"headcount/events"
	"headcount/internal/canonical"
	"headcount/rollup/usage"
)

func TestMarshalUsage(t *testing.T) {
	account := "acme & <sons>"
	app := usage.App{App: `"usage":[]`, Account: &account, Events: 7, Kinds: map[string]usage.Count{"open": {Exact: 3}}, Digest: "sha256:00"}
	for _, all := range [][]usage.App{{}, {app}, {app, {App: "other"}, app}} {
		doc := &usage.Document{Month: events.MonthOf(2026, 10), TimeZone: "UTC", Topic: `t","usage":[],"x\`, Sealed: []usage.Sealed{{Offset: 9}}, Usage: all, Rejected: 4}
		want, err := canonical.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		got, apps, err := marshalUsage(doc)
		if err != nil || string(got) != string(want) || len(apps) != len(all) {
			t.Fatalf("%v: got %d apps and\n%s, want %d and\n%s", err, len(apps), got, len(all), want)
		}
		for i := range all {
			if one, err := canonical.Marshal(all[i]); err != nil || string(apps[i]) != string(one) {
				t.Errorf("%v: app %d: got %s, want %s", err, i, apps[i], one)
			}
		}
	}
}
