package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/internal/durable"
	"headcount/rollup/export"
)

func exportCommand(p *cli.Program) *cobra.Command {
	var out string
	cmd := &cobra.Command{Use: "export", Short: "write all that an auditor needs of a closed month to one archive", Args: cli.NoArgs,
		Long: "Writes sealed files, rules, ledger, accounts, price books and signed records of a closed month to one archive, which\n" +
			"`rollup verify --month M --from FILE` checks elsewhere, without log, state store or ledger. No key is in it but the seals' public one."}
	month := cli.RequiredMonth(cmd, "the month to export")
	cmd.Flags().StringVar(&out, "out", "", "the archive's `FILE`, which must not be there (default headcount-YYYY-MM.tar)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		if out == "" {
			out = "headcount-" + m.String() + ".tar"
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
		archive, err := export.Prepare(cmd.Context(), export.Source{Month: m, Ledger: l, Bucket: bucket, PublicKey: public})
		if err != nil {
			return err
		}
		defer archive.Close()
		if _, err := os.ReadDir(filepath.Dir(out)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cli.Fail(cli.Usage, "--out: %w", err)
		}
		progress := p.NewProgress("exported", "bytes", archive.Bytes())
		var size int64
		var sum string
		err = durable.Create(cmd.Context(), out, func(w io.Writer) (err error) {
			size, sum, err = archive.Write(w, progress.Set)
			return err
		})
		progress.End()
		if errors.Is(err, durable.ErrExists) {
			return cli.Fail(cli.Usage, "--out %s is there already: name another file, or remove it", out)
		}
		if err != nil {
			return fmt.Errorf("export to %s: %w", out, err)
		}
		if p.JSON {
			return p.PrintJSON(map[string]any{"month": m.String(), "file": out, "files": archive.Files(), "bytes": size, "sha256": sum})
		}
		_, err = fmt.Fprintf(p.Out, "%s: %d files, %d bytes, sha256 %s\nrollup verify --month %s --from %s checks it anywhere.\n", out, archive.Files(), size, sum, m, out)
		return err
	}
	return cmd
}
