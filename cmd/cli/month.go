package cli

import (
	"github.com/spf13/cobra"

	"headcount/cmd/config"
	"headcount/events"
)

// MonthFlag adds --month, and returns how to read it: 0 where it was not given.
func MonthFlag(cmd *cobra.Command, use string) func() (events.Month, error) {
	text := cmd.Flags().String("month", "", use)
	return func() (events.Month, error) {
		if *text == "" {
			return 0, nil
		}
		m, err := events.ParseMonth(*text)
		if err != nil {
			return 0, Fail(Usage, "--month: %w", err)
		}
		return m, nil
	}
}

// RequiredMonth adds --month, which must be given.
func RequiredMonth(cmd *cobra.Command, use string) func() (events.Month, error) {
	month := MonthFlag(cmd, use+" (`YYYY-MM`)")
	return func() (events.Month, error) {
		m, err := month()
		if err == nil && m == 0 {
			err = Fail(Usage, "--month is missing: name the month as 2026-10")
		}
		return m, err
	}
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
