package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/rollup/closed"
)

func monthsCommand(p *cli.Program) *cobra.Command {
	return &cobra.Command{
		Use: "months", Short: "list every month: open, closing, closed or held, its invoices and what they come to", Args: cli.NoArgs,
		Example: "  rollup months\n  rollup months --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			list, err := listMonths(cmd.Context(), p, c)
			if err != nil {
				return err
			}
			if p.JSON {
				return p.PrintJSON(map[string]any{"items": list})
			}
			return monthTable(p.Out, list, c.Zone())
		},
	}
}

// listMonths reads ledger and state store; the broker is not asked.
func listMonths(ctx context.Context, p *cli.Program, c *config.Config) ([]closed.Standing, error) {
	bucket, err := site.State(ctx, c)
	if err != nil {
		return nil, err
	}
	begun, err := checkpoint.Begun(ctx, bucket, c.Kafka.Topic)
	if err != nil {
		return nil, err
	}
	l, err := readLedger(ctx, p, c)
	if isOpen(err) {
		return closed.Months(ctx, nil, begun)
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return closed.Months(ctx, l, begun)
}

func monthTable(out io.Writer, list []closed.Standing, zone *time.Location) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "No month has events yet.")
		return err
	}
	t := table{columns: []string{"month", "state", "?closed", ">invoices", ">total", "currency", ">held", "held for", "?>amended"}}
	for _, s := range list {
		at := absent
		if s.Closed != nil {
			at = s.Closed.In(zone).Format(time.DateTime)
		}
		first := []string{s.Month.String(), string(s.State), at, fmt.Sprint(s.Invoices)}
		last := []string{or(strings.Join(s.Held, ", ")), fmt.Sprint(s.Amendments)}
		if s.Closed == nil {
			first[3], last[1] = absent, absent
		}
		if len(s.Totals) == 0 {
			t.add(append(append(first, absent, absent, absent), last...)...)
		}
		for i, total := range s.Totals {
			if i > 0 { // the month is named once
				first, last = make([]string, 4), make([]string, 2)
			}
			t.add(append(append(first[:4:4], total.Total, total.Currency, total.Held), last...)...)
		}
	}
	return t.print(out, "")
}
