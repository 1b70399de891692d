package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

func releaseCommand(p *cli.Program) *cobra.Command {
	var account, reason string
	cmd := &cobra.Command{Use: "release", Short: "lift the hold of an invoice, on the record", Args: cli.NoArgs,
		Example: "  rollup release --month 2026-10 --account acme --reason \"checked with the customer\""}
	month := cli.RequiredMonth(cmd, "the invoice's month")
	cmd.Flags().StringVar(&account, "account", "", "the invoice's `ACCOUNT`")
	cmd.Flags().StringVar(&reason, "reason", "", "why it is right all the same: a `TEXT`, for the record")
	cli.Required(cmd, "account", "reason")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		if account == "" || strings.TrimSpace(reason) == "" {
			return cli.Fail(cli.Usage, "--account and --reason are both needed: a release is on the record")
		}
		l, err := writeLedger(cmd.Context(), p, c)
		if err != nil {
			return err
		}
		defer l.Close()
		bucket, err := site.State(cmd.Context(), c)
		if err != nil {
			return err
		}
		was, err := closed.Recorded(cmd.Context(), l, bucket, m)
		if err != nil {
			return err
		}
		log, err := holdAgainstLog(cmd.Context(), p, c, l, bucket)
		if err != nil {
			return err
		}
		defer log.conn.Close()
		var announce func(head string) ([][]byte, error)
		if key := log.announces(cmd.Context(), c, l, was); key != nil {
			announce = func(head string) ([][]byte, error) { return was.Record(key, was.Digests, head), nil }
		}
		by := username()
		err = l.Release(cmd.Context(), m, account, reason, by, announce)
		if errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrNotHeld) {
			return cli.Fail(cli.CheckFailed, "%w", err)
		}
		if err != nil {
			return closed.LedgerFailed(err)
		}
		log.send(cmd.Context(), l, was)
		if p.JSON {
			return p.PrintJSON(map[string]string{"month": m.String(), "account": account, "status": ledger.Final, "reason": reason, "by": by})
		}
		_, err = fmt.Fprintf(p.Out, "invoice of %s for %s released: %s\n", account, m, reason)
		return err
	}
	return cmd
}
