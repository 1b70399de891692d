package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/rating"
)

func plansCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "plans", Short: "list the plans of all price books", Args: cli.NoArgs,
		Example: "  rollup plans\n  rollup plans show tcmpp/pro",
		RunE: func(cmd *cobra.Command, _ []string) error {
			catalog, err := catalogOf(cmd, p)
			if err != nil {
				return err
			}
			books := catalog.Describe()
			if p.JSON {
				return p.PrintJSON(map[string]any{"books": books})
			}
			return planList(p.Out, books)
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "show BOOK[/PLAN]", Short: "print a price book, or one of its plans, with its source and date",
		Example: "  rollup plans show mpaas\n  rollup plans show tcmpp/pro --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Fail(cli.Usage, "name one book or plan: `rollup plans` lists them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			catalog, err := catalogOf(cmd, p)
			if err != nil {
				return err
			}
			book, err := catalog.DescribeOne(args[0])
			if err != nil {
				return cli.Fail(cli.Usage, "%w: `rollup plans` lists them", err)
			}
			if p.JSON {
				return p.PrintJSON(book)
			}
			return bookTable(p.Out, book)
		},
	})
	return cmd
}

func catalogOf(cmd *cobra.Command, p *cli.Program) (*rating.Catalog, error) {
	c, err := rateConfig(cmd, p)
	if err != nil {
		return nil, err
	}
	return site.Catalog(c)
}

func planList(out io.Writer, books []rating.BookInfo) error {
	t := table{columns: []string{"plan", "?title", "fee", "?term", "meter", ">free", "price", "?book of"}}
	for _, b := range books {
		for _, plan := range b.Plans {
			first := []string{plan.Plan, plan.Title, or(plan.Fee), or(plan.Term)}
			if len(plan.Meters) == 0 {
				t.add(append(first, absent, absent, absent, b.Date)...)
			}
			for i, m := range plan.Meters {
				date := b.Date
				if i > 0 { // the plan is named once
					first, date = make([]string, 4), ""
				}
				t.add(append(first[:4:4], m.Meter, m.Free, m.Price, date)...)
			}
		}
	}
	return t.print(out, "")
}

// bookTable prints a book so that it can be held beside the vendor's page.
func bookTable(out io.Writer, b rating.BookInfo) error {
	fmt.Fprintf(out, "%s: %s\nSource: %s\nDate:   %s\nPrices: %s\n", b.Book, b.Title, b.Source, b.Date, b.Currency)
	for _, note := range b.Notes {
		fmt.Fprintf(out, "Note:   %s\n", note)
	}
	for _, plan := range b.Plans {
		fmt.Fprintf(out, "\n%s: %s\n", plan.Plan, plan.Title)
		if plan.Fee != "" {
			fmt.Fprintf(out, "  fee %s, paid %s\n", plan.Fee, plan.FeePaid)
		}
		if plan.Term != "" {
			fmt.Fprintf(out, "  term %s%s\n", plan.Term, bounds(plan))
		}
		if err := planTables(out, plan); err != nil {
			return err
		}
		if len(plan.Features) > 0 {
			fmt.Fprintf(out, "\n  features: %s\n", strings.Join(plan.Features, ", "))
		}
		for _, note := range plan.Notes {
			fmt.Fprintf(out, "  note: %s\n", note)
		}
		for _, i := range plan.Items {
			notesOf(out, i.Item, i.Notes)
		}
		for _, k := range plan.Packages {
			notesOf(out, k.Item, k.Notes)
		}
	}
	return nil
}

// bounds says between which terms a plan is sold.
func bounds(plan rating.PlanInfo) (text string) {
	if plan.MinTerm != "" {
		text += ", at least " + plan.MinTerm
	}
	if plan.MaxTerm != "" {
		text += ", at most " + plan.MaxTerm
	}
	return text
}

func notesOf(out io.Writer, name string, notes []string) {
	for _, note := range notes {
		fmt.Fprintf(out, "  note: %s: %s\n", name, note)
	}
}

func planTables(out io.Writer, plan rating.PlanInfo) error {
	meters := table{columns: []string{"meter", "counts", ">free", "price above", "of kinds"}}
	for _, m := range plan.Meters {
		meters.add(m.Meter, m.Title, m.Free, m.Price, or(strings.Join(m.Kinds, ", ")))
	}
	items := table{columns: []string{"item", "title", "price"}}
	for _, i := range plan.Items {
		items.add(i.Item, i.Title, i.Price)
		for _, m := range i.Meters {
			items.add("  "+m.Meter, m.Title, m.Free+" free, then "+m.Price)
		}
	}
	packages := table{columns: []string{"package", "title", "sold by", "term", "covers"}}
	for _, k := range plan.Packages {
		packages.add(k.Item, k.Title, k.Size, k.Term, strings.Join(k.Covers, ", "))
	}
	limits := table{columns: []string{"limit", ">value"}}
	for _, l := range plan.Limits {
		limits.add(l.Name, l.Value)
	}
	for _, t := range []table{meters, items, packages, limits} {
		if len(t.rows) == 0 {
			continue
		}
		fmt.Fprintln(out)
		if err := t.print(out, "  "); err != nil {
			return err
		}
	}
	return nil
}
