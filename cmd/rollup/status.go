package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/rating"
	"headcount/rollup/status"
)

func statusCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "month to date: exact (provisional), estimate, quota used, forecast, lag", Args: cli.NoArgs,
		Example: "  rollup status\n  rollup status --month 2026-10 -o wide"}
	month := cli.MonthFlag(cmd, "the `MONTH` to show, as in 2026-10 (default: the present one, before its first event the newest that has any)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		return showStatus(cmd.Context(), p, c, m)
	}
	return cmd
}

func showStatus(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) error {
	doc, err := readStatus(ctx, p, c, m, time.Now())
	if err != nil {
		return err
	}
	was, err := recordedMonth(ctx, p, c, doc.Month)
	if err != nil {
		return err
	}
	closed := !was.closedAt().IsZero()
	var invoices []rating.Invoice
	if closed {
		invoices, doc.Alarms = was.invoices, nil // what is held was decided
		for i := range doc.NotBilled {
			doc.NotBilled[i].Held = false
		}
	} else {
		invoices, err = rateSoFar(ctx, p, c, doc)
	}
	if cli.Code(site.FailureOf(err)) == cli.Unreachable {
		p.Log.Warn("what the month comes to so far cannot be said", "error", err)
		err = nil
	}
	if err != nil {
		return err
	}
	if p.JSON {
		return p.PrintJSON(struct {
			*status.Document
			Recorded *recorded        `json:"recorded,omitempty"` // by the ledger: where its close stands
			Invoices []rating.Invoice `json:"invoices"`           // what the month would come to if it ended now; of a closed one, as recorded
		}{doc, was, append([]rating.Invoice{}, invoices...)})
	}
	if err := heading(p.Out, doc, was, c.Zone()); err != nil {
		return err
	}
	if err := statusTable(p.Out, doc, c.Kafka.Group != ""); err != nil {
		return err
	}
	if err := notBilled(p.Out, &doc.Document, !closed); err != nil {
		return err
	}
	printTotals(p.Out, invoices, closed)
	return nil
}

// statusTable prints the month so far: what each meter has used of its quota, and how far the partitions are counted.
func statusTable(out io.Writer, d *status.Document, group bool) error {
	forecasts := map[[2]string]status.Forecast{}
	for _, f := range d.Forecast {
		forecasts[[2]string{f.App, f.Meter}] = f
	}
	err := usageRows(out, &d.Document, []string{">free", ">used", ">forecast"}, func(app, meter string) []string {
		f, ok := forecasts[[2]string{app, meter}]
		if !ok {
			return []string{absent, absent, absent}
		}
		return []string{or(f.Free), percent(f.Used), outlook(f)}
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	t := table{columns: []string{">partition", ">counted up to", ">of", ">to go"}}
	if group {
		t.columns = append(t.columns, "read by")
	}
	for _, p := range d.Partitions {
		cells := []string{fmt.Sprint(p.Partition), fmt.Sprint(p.Offset), fmt.Sprint(p.End), fmt.Sprint(p.Lag)}
		if group {
			owner := p.Owner
			if owner == "" {
				owner = "nobody"
			}
			cells = append(cells, owner)
		}
		t.add(cells...)
	}
	if err := t.print(out, ""); err != nil {
		return err
	}
	for i, text := range d.Alarms {
		if i == 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "As it stands, an invoice will be held: %s\n", text)
	}
	if d.SealedPartitions > 0 {
		_, err = fmt.Fprintf(out, "\n%s is sealed in %d of %d partitions: `rollup usage --month %s` prints what is closed.\n", d.Month, d.SealedPartitions, len(d.Partitions), d.Month)
	}
	return err
}

func or(text string) string {
	if text == "" {
		return absent
	}
	return text
}

// outlook prints a forecast with the interval in which it will lie, in four of five cases.
func outlook(f status.Forecast) string {
	if f.Low == f.High {
		return number(f.Forecast)
	}
	return fmt.Sprintf("%d (%d–%d)", f.Forecast, f.Low, f.High)
}

// percent prints a share such as 0.2512 as 25.12 %.
func percent(share string) string {
	v, err := decimal.NewFromString(share)
	if err != nil {
		return absent
	}
	return v.Shift(2).String() + " %"
}
