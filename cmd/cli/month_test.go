package cli

import (
	"testing"

	"github.com/spf13/cobra"

	"headcount/events"
)

func TestMonthFlag(t *testing.T) {
	for _, c := range []struct {
		args     []string
		want     events.Month
		required bool
		fails    string
	}{
		{[]string{"--month", "2026-10"}, events.MonthOf(2026, 10), true, ""},
		{nil, 0, false, ""},
		{nil, 0, true, "--month is missing: name the month as 2026-10"},
		{[]string{"--month", ""}, 0, true, "--month is missing: name the month as 2026-10"},
		{[]string{"--month", "October"}, 0, false, `--month: month "October": want the form 2026-10`},
	} {
		cmd := &cobra.Command{}
		read := MonthFlag(cmd, "the month")
		if c.required {
			cmd = &cobra.Command{}
			read = RequiredMonth(cmd, "the month")
		}
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		got, err := read()
		if c.fails == "" && (err != nil || got != c.want) || c.fails != "" && (err == nil || err.Error() != c.fails || Code(err) != Usage) {
			t.Errorf("%v: got %v, %v, want %v, %s", c.args, got, err, c.want, c.fails)
		}
	}
}
