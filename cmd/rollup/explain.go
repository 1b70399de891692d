package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/verify"
	"headcount/verify/recount"
)

func explainCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{Use: "explain", Short: "say whether and how a device was counted in a closed month", Args: cli.NoArgs,
		Example: "  rollup explain --month 2026-10 --app app-001 --guid 6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"}
	month := cli.RequiredMonth(cmd, "the month to look into")
	app := cmd.Flags().String("app", "", "the `APP`")
	guid := cmd.Flags().String("guid", "", "the `GUID`, in any spelling, or a user id")
	cli.Required(cmd, "app", "guid")
	find := cmd.Flags().Bool("find", false, "also look for its first record in the log")
	all := cmd.Flags().Bool("all", false, "with --find: read the log from its beginning, not from an earlier month's seal on")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *app == "" || *guid == "" || len(*guid) > 128 {
			return cli.Fail(cli.Usage, "--app and --guid are needed: name an app and a GUID of 1 to 128 bytes")
		}
		v, done, err := verification(cmd.Context(), p, month, !*find)
		if err != nil {
			return err
		}
		defer done()
		if c, err := p.Config(); err != nil {
			return err
		} else if _, err := site.Keys(c); err != nil { // without one no device can be looked up
			return err
		}
		v.All = *all
		e, err := verify.Explain(cmd.Context(), v, *app, *guid)
		if err != nil {
			return verifyFailure(err)
		}
		if p.JSON {
			return p.PrintJSON(e)
		}
		return printExplanation(p.Out, e, *find)
	}
	return cmd
}

func printExplanation(out io.Writer, e *verify.Explanation, find bool) error {
	verdict := "was not counted on time"
	if e.Counted {
		verdict = "was counted"
	}
	fmt.Fprintf(out, "%s, app %s: it %s\n", e.Month, e.App, verdict)
	did := func(list []recount.Did, when string) {
		for _, d := range list {
			who := ""
			if d.User {
				who = " by a user of that id"
			}
			fmt.Fprintf(out, "  %s%s%s in partition %d on %s\n", d.Kind, who, when, d.Partition, strings.Join(d.Days, ", "))
		}
	}
	did(e.Did, "")
	did(e.Late, ", late,")
	if len(e.Meters) > 0 {
		fmt.Fprintf(out, "  counts for %s of account %s\n", strings.Join(e.Meters, ", "), e.Account)
	}
	for _, l := range e.Lines {
		fmt.Fprintln(out, "  "+l)
	}
	if e.SettledBy != "" {
		fmt.Fprintf(out, "  what was late was settled by the close of %s\n", e.SettledBy)
	}
	for _, l := range e.LateLines {
		fmt.Fprintln(out, "  "+l)
	}
	switch {
	case e.First != nil:
		late := ""
		if e.First.Late {
			late = ", late"
		}
		fmt.Fprintf(out, "  first record%s: partition %d, offset %d, at %s\n", late, e.First.Partition, e.First.Offset, e.First.Time)
	case find:
		fmt.Fprintln(out, "  no record of it that counts was found in the log")
	}
	for _, id := range slices.Sorted(maps.Keys(e.Partitions)) {
		fmt.Fprintf(out, "  partition %d was sealed at offset %d\n", id, e.Partitions[id])
	}
	for _, n := range e.Notes {
		fmt.Fprintln(out, "  note:", n)
	}
	return nil
}
