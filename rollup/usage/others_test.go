package usage

import (
	"fmt"
	"reflect"
	"testing"

	"headcount/events"
)

// Of many apps that nobody is billed for, those with the most events are listed, whatever order they come in; the rest is added up.
func TestAggregate(t *testing.T) {
	acme, october := "acme", events.MonthOf(2026, 10)
	app := func(i int) App {
		return App{App: fmt.Sprintf("app-%05d", i), Events: 5, Duplicates: 1, Skewed: 1, Expired: 2, Rejected: 3, Digest: fmt.Sprint("sha256:", i), Late: []Late{{october - 1, 1, 4}, {october, 2, 5}}}
	}
	doc := &Document{Usage: []App{{App: "aaa", Account: &acme, Events: 1}}}
	for i := range MostUnbilled + 3 {
		a := app(i)
		if i == MostUnbilled+1 {
			a.Events = 6
		}
		doc.Usage = append(doc.Usage, a)
	}
	if n := doc.Aggregate(); n != 3 || len(doc.Usage) != 1+MostUnbilled {
		t.Fatalf("%d others, %d listed", n, len(doc.Usage))
	}
	rest := map[string]string{}
	for _, i := range []int{MostUnbilled - 1, MostUnbilled, MostUnbilled + 2} { // the last but one has more events
		rest[app(i).App] = app(i).Digest
	}
	want := &Others{Apps: 3, Events: 15, Duplicates: 3, Skewed: 3, Expired: 6, Rejected: 9, Late: []Late{{october - 1, 3, 12}, {october, 6, 15}}, Digest: DigestOf(rest)}
	if !reflect.DeepEqual(doc.Others, want) {
		t.Errorf("got  %+v\nwant %+v", doc.Others, want)
	}
	if doc.Usage[0].App != "aaa" || doc.Usage[MostUnbilled].App != app(MostUnbilled+1).App {
		t.Errorf("listed are %s to %s", doc.Usage[0].App, doc.Usage[MostUnbilled].App)
	}
	if n := doc.Aggregate(); n != 0 {
		t.Errorf("again: %d", n)
	}
}
