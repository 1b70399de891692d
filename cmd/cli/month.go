package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headcount/cmd/config"
	"headcount/events"
)

// MonthFlag adds --month, and returns how to read it: 0 where it was not given. --months is the same flag.
func MonthFlag(cmd *cobra.Command, use string) func() (events.Month, error) {
	flags := cmd.Flags()
	text := flags.String("month", "", use)
	alias(flags, "months", "month")
	return func() (events.Month, error) {
		if *text == "" {
			return 0, nil
		}
		if from, to, ok := strings.Cut(*text, ".."); ok && from != to {
			return 0, Fail(Usage, "--month %s: want one month, as in 2026-10; `%s` takes no range", *text, cmd.CommandPath())
		} else if ok {
			*text = from
		}
		m, err := events.ParseMonth(*text)
		if err != nil {
			return 0, Fail(Usage, "--month: %w", err)
		}
		return m, nil
	}
}

// RequiredMonth adds --month, which must be given, or one of the flags others in its place.
func RequiredMonth(cmd *cobra.Command, use string, others ...string) func() (events.Month, error) {
	month := MonthFlag(cmd, use+", a `MONTH` as in 2026-10")
	if len(others) == 0 {
		Required(cmd, "month")
	} else {
		RequiredUnless(cmd, "month", others...)
	}
	return func() (events.Month, error) {
		m, err := month()
		if err == nil && m == 0 {
			err = Fail(Usage, "--month is missing: name the month as 2026-10")
		}
		return m, err
	}
}

// RequiredMonths adds --months, which must be given: a range, or one month. --month is the same flag.
func RequiredMonths(cmd *cobra.Command, use string) func() (first, last events.Month, err error) {
	flags := cmd.Flags()
	text := flags.String("months", "", use+", `FROM..TO` as in 2026-01..2026-10, or one")
	alias(flags, "month", "months")
	Required(cmd, "months")
	return func() (first, last events.Month, err error) {
		from, to, isRange := strings.Cut(*text, "..")
		if !isRange {
			to = from
		}
		if *text == "" {
			return 0, 0, Fail(Usage, "--months is missing: name closed months as 2026-01..2026-10")
		}
		if first, err = events.ParseMonth(from); err == nil {
			last, err = events.ParseMonth(to)
		}
		switch {
		case err != nil:
			err = Fail(Usage, "--months: %w", err)
		case last < first:
			err = Fail(Usage, "--months %s: the first lies after the last", *text)
		}
		return first, last, err
	}
}

// alias has a flag known by another name too.
func alias(flags *pflag.FlagSet, other, name string) {
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, said string) pflag.NormalizedName {
		if said == other {
			said = name
		}
		return pflag.NormalizedName(said)
	})
}

// ConfigAndMonth reads the configuration, then the month that a command is about.
func (p *Program) ConfigAndMonth(month func() (events.Month, error)) (*config.Config, events.Month, error) {
	c, err := p.Config()
	if err != nil {
		return nil, 0, err
	}
	m, err := month()
	return c, m, err
}
