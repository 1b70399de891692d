package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/events"
	"headcount/rollup/usage"
)

// correctedQuantity is a quantity of an amendment as it is typed.
type correctedQuantity struct{ app, meter, reporter, day, value string }

func (q *correctedQuantity) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&q.app, "app", "", "the `APP` of which a quantity was wrong")
	cmd.Flags().StringVar(&q.meter, "meter", "", "the `METER` that it was of")
	cmd.Flags().StringVar(&q.reporter, "reporter", "", "the `ID` of who reported it")
	cmd.Flags().StringVar(&q.day, "day", "", "the `DAY` that it was of, as in 2026-10-03 (default: of the month)")
	cmd.Flags().StringVar(&q.value, "value", "", "the right `NUMBER`, a whole one")
}

// corrections reads what was typed; nil: nothing.
func (q *correctedQuantity) corrections(m events.Month) ([]usage.Correction, error) {
	if *q == (correctedQuantity{}) {
		return nil, nil
	}
	for _, needed := range []struct{ flag, value string }{{"--app", q.app}, {"--meter", q.meter}, {"--reporter", q.reporter}, {"--value", q.value}} {
		if needed.value == "" {
			return nil, cli.Fail(cli.Usage, "%s is missing: a quantity is named by --app, --meter and --reporter, and set right by --value", needed.flag)
		}
	}
	c := usage.Correction{App: q.app, Meter: q.meter, Source: q.reporter}
	var err error
	if c.Value, err = strconv.ParseInt(q.value, 10, 64); err != nil || c.Value < 0 {
		return nil, cli.Fail(cli.Usage, "--value %q: a whole number from 0 to 9223372036854775807", q.value)
	}
	if q.day != "" {
		number, ok := strings.CutPrefix(q.day, m.String()+"-")
		day, err := strconv.Atoi(number)
		if !ok || len(number) != 2 || err != nil || day < 1 || day > m.Days() {
			return nil, cli.Fail(cli.Usage, "--day %q: write a day of %s, as in %s-03", q.day, m, m)
		}
		c.Day = events.Day(day)
	}
	return []usage.Correction{c}, nil
}
