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
		{[]string{"--months", "2026-10"}, events.MonthOf(2026, 10), true, ""},
		{[]string{"--months=2026-10..2026-10"}, events.MonthOf(2026, 10), false, ""},
		{[]string{"--months", "2026-10..2026-11"}, 0, false, "--month 2026-10..2026-11: want one month, as in 2026-10; `show` takes no range"},
	} {
		cmd := &cobra.Command{Use: "show"}
		read := MonthFlag(cmd, "the month")
		if c.required {
			cmd = &cobra.Command{Use: "show"}
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

func TestMonthsFlag(t *testing.T) {
	october := events.MonthOf(2026, 10)
	for _, c := range []struct {
		args        []string
		first, last events.Month
		fails       string
	}{
		{[]string{"--months", "2026-08..2026-10"}, october - 2, october, ""},
		{[]string{"--month", "2026-10"}, october, october, ""},
		{[]string{"--month=2026-08..2026-10"}, october - 2, october, ""},
		{nil, 0, 0, "--months is missing: name closed months as 2026-01..2026-10"},
		{[]string{"--months", "2026-10..2026-08"}, 0, 0, "--months 2026-10..2026-08: the first lies after the last"},
		{[]string{"--months", "2026-10.."}, 0, 0, `--months: month "": want the form 2026-10`},
	} {
		cmd := &cobra.Command{Use: "compare"}
		read := RequiredMonths(cmd, "the months")
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		first, last, err := read()
		if c.fails == "" && (err != nil || first != c.first || last != c.last) || c.fails != "" && (err == nil || err.Error() != c.fails || Code(err) != Usage) {
			t.Errorf("%v: got %v, %v, %v, want %v, %v, %s", c.args, first, last, err, c.first, c.last, c.fails)
		}
	}
}
