package rating_test

import (
	"fmt"
	"strings"
	"testing"

	"headcount/rating"
)

// However many apps nobody pays for, they are one line of warning.
func TestStraysAreOneWarning(t *testing.T) {
	s := open(t, "accounts: []\n")
	for n, want := range map[int]string{
		2:  "2 apps are in no account in force in 2026-03: reported, not charged: app-0, app-1",
		20: ", app-18, app-19",
		21: "21 apps are in no account in force in 2026-03: reported, not charged: app-0, app-1, ",
		99: ", app-19 and 79 more",
	} {
		var apps []rating.AppUsage
		for i := range n {
			apps = append(apps, useOf(fmt.Sprintf("app-%d", i), "mau", 5))
		}
		got, err := rating.Warnings(s.input("2026-03", apps...))
		if err != nil || len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%d apps: %q, %v; want one with %q", n, got, err, want)
		}
	}
}
