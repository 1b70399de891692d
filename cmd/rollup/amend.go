package main

import (
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/rating"
	"headcount/rating/catalog"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
)

func amendCommand(p *cli.Program) *cobra.Command {
	var accounts, books, reason string
	var quantity correctedQuantity
	var dry bool
	cmd := &cobra.Command{Use: "amend", Aliases: []string{"reopen"}, Short: "correct a closed month that was priced by wrong accounts, books or quantities, on the record", Args: cli.NoArgs,
		Long: "Prices the sealed facts of a closed month again by other accounts or books, or with another quantity than a reporter signed. What was\n" +
			"billed stays as it is: the difference is in further revisions of the invoices, as lines of credit or debit with the reason. Counts of\n" +
			"devices and users are not changed: they follow from the log.\n\n" +
			"A quantity is named by --app, --meter and --reporter. --value is what that reporter should have reported for the month, in the place of\n" +
			"all that it did; with --day what it should have for the day.",
		Example: "  rollup amend --month 2026-10 --accounts right.yaml --reason \"the quota of the contract was left out\"\n" +
			"  rollup amend --month 2026-10 --app app-001 --meter gateway_calls --reporter gateway --day 2026-10-03 --value 4200 --reason \"counted twice\""}
	month := cli.RequiredMonth(cmd, "the month to correct")
	cmd.Flags().StringVar(&accounts, "accounts", "", "the accounts `FILE` or folder that the month should have been priced by (default: as it was)")
	cmd.Flags().StringVar(&books, "catalog", "", "the `FOLDER` of price books that it should have been priced by (default: as they were)")
	quantity.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why: a `TEXT`; it stands on the invoices")
	cli.Required(cmd, "reason")
	cli.RequiredUnless(cmd, "accounts", "catalog", "value")
	cli.RequiredUnless(cmd, "value", "accounts", "catalog")
	cli.RequiredWith(cmd, "value", "app", "meter", "reporter")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be billed, and record nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		if strings.TrimSpace(reason) == "" {
			return cli.Fail(cli.Usage, "--reason is missing: an amendment is on the record, and its reason stands on the invoices")
		}
		quantities, err := quantity.corrections(m)
		if err != nil {
			return err
		}
		if accounts == "" && books == "" && quantities == nil {
			return cli.Fail(cli.Usage, "say what was wrong: --accounts FILE, --catalog FOLDER, or a quantity (--app, --meter, --reporter, --value)")
		}
		fix := amend.Correction{Quantities: quantities, Reason: reason, By: username(), Now: time.Now(), DryRun: dry}
		l, err := writeLedger(cmd.Context(), p, c)
		if err != nil {
			return err
		}
		defer l.Close()
		bucket, err := site.State(cmd.Context(), c)
		if err != nil {
			return err
		}
		was, err := closed.Open(cmd.Context(), l, bucket, m)
		if err != nil {
			return err
		}
		defer was.Close()
		if err := readCorrection(c, was, &fix, accounts, books); err != nil {
			return err
		}
		var log *vouched
		if !dry {
			if log, err = holdAgainstLog(cmd.Context(), p, c, l, bucket); err != nil {
				return err
			}
			defer log.conn.Close()
			fix.SealKey = log.announces(cmd.Context(), c, l, was)
		}
		number, further, err := amend.Month(cmd.Context(), l, was, fix)
		if err != nil {
			return err
		}
		if !dry {
			log.send(cmd.Context(), l, was)
		}
		stillWrong(cmd.Context(), p, c, l, was, fix, further)
		if p.JSON {
			return p.PrintJSON(map[string]any{"month": m.String(), "amendment": number, "reason": reason, "by": fix.By, "recorded": !dry, "invoices": further})
		}
		return printAmendment(p, m.String(), number, further, dry)
	}
	return cmd
}

// readCorrection reads the files and holds them against each other, so that a mistake is named with its file and line.
func readCorrection(c *config.Config, was *closed.Month, fix *amend.Correction, accounts, books string) error {
	right, err := rating.ParseCatalog(was.Books)
	if err != nil {
		return fmt.Errorf("books of %s: %w", was.Month, err)
	}
	if books != "" {
		if right, err = catalog.Load(books); err != nil {
			return &config.Error{Where: "--catalog", What: err.Error()}
		}
		fix.Books = right.Documents()
	}
	var a *rating.Accounts
	if accounts == "" {
		a, err = rating.ParseAccounts("accounts of "+was.Month.String(), was.Accounts)
	} else {
		files, wrong := site.AccountsFiles(accounts)
		if wrong != nil {
			return cli.Fail(cli.Usage, "--accounts: %w", wrong)
		}
		if a, err = rating.ReadAccounts(files...); err == nil {
			fix.Accounts, err = rating.AccountsDocument(files...)
		}
	}
	if err == nil {
		err = a.Check(right, c.Zone())
	}
	if err != nil {
		return &config.Error{Where: "accounts", What: err.Error()}
	}
	return nil
}

func printAmendment(p *cli.Program, month string, number int, further []rating.Invoice, dry bool) error {
	what := "is recorded"
	if dry {
		what = "would be recorded; nothing is"
	}
	fmt.Fprintf(p.Out, "Amendment %d of %s %s.\n", number, month, what)
	if len(further) == 0 {
		_, err := fmt.Fprintln(p.Out, "No account owes another amount.")
		return err
	}
	fmt.Fprintln(p.Out)
	return printInvoices(p.Out, further, view{})
}

// username says who does what is put on the record.
func username() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}
