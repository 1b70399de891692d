package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/rollup/export"
)

func exportCommand(p *cli.Program) *cobra.Command {
	account := ""
	out := output{flag: "out", deep: true}
	cmd := &cobra.Command{Use: "export", Short: "write all that an auditor needs of a closed month to one archive", Args: cli.NoArgs,
		Long: "Writes sealed files, rules, ledger, accounts, price books and signed records of a closed month to one archive, which\n" +
			"`rollup verify --month M --from FILE` checks elsewhere, without log, state store or ledger. No key is in it but the seals' public one.",
		Example: "  rollup export --month 2026-10\n  rollup export --month 2026-10 --account acme --out acme.tar"}
	month := cli.RequiredMonth(cmd, "the month to export")
	cmd.Flags().StringVar(&out.path, "out", "", "the archive's `FILE` (default headcount-YYYY-MM.tar)")
	cmd.Flags().StringVar(&account, "account", "", "only what this `ACCOUNT` may see: its apps, its lines, its contract, signed; nothing of others")
	forceFlag(cmd, &out.force)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		if account == "" && cmd.Flags().Changed("account") {
			return cli.Fail(cli.Usage, "--account is empty: name an account, or leave it out for all")
		}
		if out.path == "" {
			out.path = "headcount-" + m.String() + ".tar"
			if account != "" {
				out.path = "headcount-" + m.String() + "-" + export.FileName(account) + ".tar"
			}
		}
		if err := out.look(); err != nil {
			return err
		}
		public, err := os.ReadFile(c.SealPublicKeyFile)
		if err != nil {
			return cli.Fail(cli.Usage, "%w: restore it from its backup", err)
		}
		bucket, err := site.State(cmd.Context(), c)
		if err != nil {
			return err
		}
		l, err := readLedger(cmd.Context(), p, c)
		if err != nil {
			return err
		}
		defer l.Close()
		archive, err := prepareExport(cmd.Context(), c, export.Source{Month: m, Ledger: l, Bucket: bucket, PublicKey: public}, account)
		if err != nil {
			return err
		}
		defer archive.Close()
		progress := p.NewProgress("exported", "bytes", archive.Bytes())
		var size int64
		var sum string
		err = out.write(cmd.Context(), func(w io.Writer) (err error) {
			size, sum, err = archive.Write(w, progress.Set)
			return err
		})
		progress.End()
		if err != nil {
			return fmt.Errorf("export to %s: %w", out.path, err)
		}
		if p.JSON {
			return p.PrintJSON(map[string]any{"month": m.String(), "file": out.path, "files": archive.Files(), "bytes": size, "sha256": sum})
		}
		_, err = fmt.Fprintf(p.Out, "%s: %d files, %d bytes, sha256 %s\nrollup verify --month %s --from %s checks it anywhere.\n", out.path, archive.Files(), size, sum, m, out.path)
		return err
	}
	return cmd
}

// prepareExport gathers what is exported: all, or what one account may see, which is signed.
func prepareExport(ctx context.Context, c *config.Config, s export.Source, account string) (*export.Archive, error) {
	if account == "" {
		return export.Prepare(ctx, s)
	}
	key, err := site.SealKey(c)
	if err != nil {
		return nil, err
	}
	return export.PrepareAccount(ctx, s, account, key)
}
