package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/ingest/keys"
	"headcount/rating"
	"headcount/verify"
	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

func verifyCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{Use: "verify", Short: "count a closed month again by a second implementation and compare every number", Args: cli.NoArgs,
		Example: "  rollup verify --month 2026-10\n  rollup verify --month 2026-10 --from headcount-2026-10.tar"}
	month := cli.RequiredMonth(cmd, "the month to verify")
	fromSealed := cmd.Flags().Bool("from-sealed", false, "check what can be checked without the log, from the sealed files")
	from := cmd.Flags().String("from", "", "check what can be checked from this `FILE`, an archive that rollup export wrote; no configuration is read")
	sealKey := cmd.Flags().String("seal-key", "", "with --from: the seals' public key as you have it from elsewhere, a `FILE`")
	all := cmd.Flags().Bool("all", false, "read the log from its beginning, not from the seal of the month before the last on")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var found *report.Report
		var err error
		switch {
		case *all && (*from != "" || *fromSealed):
			return cli.Fail(cli.Usage, "--all reads all of the log: it goes with neither --from nor --from-sealed")
		case *from != "" && *fromSealed:
			return cli.Fail(cli.Usage, "say either --from or --from-sealed: an archive has no log")
		case *from != "":
			found, err = verifyArchive(cmd.Context(), p, month, *from, *sealKey)
		case *sealKey != "":
			return cli.Fail(cli.Usage, "--seal-key goes with --from; else the configuration names the key")
		default:
			found, err = verifySite(cmd.Context(), p, month, *fromSealed, *all)
		}
		if err != nil {
			return err
		}
		if p.JSON {
			err = p.PrintJSON(found)
		} else {
			err = printReport(p.Out, found)
		}
		if err == nil && !found.OK {
			how := ""
			if found.LogCut {
				how = "; " + site.FromSealed
			}
			err = cli.Fail(cli.CheckFailed, "%s differs from what was recounted in %d places%s", found.Month, len(found.Differences)+found.More, how)
		}
		return err
	}
	return cmd
}

func verifySite(ctx context.Context, p *cli.Program, month func() (events.Month, error), fromSealed, all bool) (*report.Report, error) {
	v, done, err := verification(ctx, p, month, fromSealed)
	if err != nil {
		return nil, err
	}
	defer done()
	v.All = all
	found, err := verify.Run(ctx, v)
	return found, verifyFailure(err)
}

// verifyArchive makes a ledger of the archive's, in a temporary folder, and verifies by what the archive has.
func verifyArchive(ctx context.Context, p *cli.Program, month func() (events.Month, error), file, sealKey string) (*report.Report, error) {
	m, err := month()
	if err != nil {
		return nil, err
	}
	begin := func(what, unit string, total int64) recount.Progress { return p.NewProgress(what, unit, total) }
	archive, err := verify.OpenArchive(file, begin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Fail(cli.Usage, "--from: %w", err)
	}
	if err != nil {
		return nil, cli.Fail(cli.CheckFailed, "%w", err)
	}
	defer archive.Close()
	if archive.Month != m.String() {
		return nil, cli.Fail(cli.Usage, "--from %s is of month %s, not of %s", file, archive.Month, m)
	}
	if archive.Account != "" {
		return verifyAccount(archive, sealKey)
	}
	v := verify.Config{Month: m.String(), Archive: archive, Config: recount.Config{Files: archive, SealKey: archive.PublicKey(), Begin: begin, Zones: events.Zoneinfo().Read}}
	if sealKey != "" {
		if v.SealKey, err = os.ReadFile(sealKey); err != nil {
			return nil, cli.Fail(cli.Usage, "--seal-key: %w", err)
		}
	}
	folder, err := os.MkdirTemp("", "headcount-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	l, err := chain.Import(ctx, filepath.Join(folder, "ledger.db"), archive.Ledger())
	if err != nil {
		return archive.Refused(err), nil
	}
	defer l.Close()
	v.Ledger = l
	found, err := verify.Run(ctx, v)
	if err == nil && sealKey == "" {
		found.Remark("signatures were checked with the public key in the archive: compare it with one that you have from elsewhere, or give that one with --seal-key")
	}
	return found, verifyFailure(err)
}

// verifyAccount verifies what an export for one account has.
func verifyAccount(archive *verify.Archive, sealKey string) (*report.Report, error) {
	key := archive.PublicKey()
	if sealKey != "" {
		var err error
		if key, err = os.ReadFile(sealKey); err != nil {
			return nil, cli.Fail(cli.Usage, "--seal-key: %w", err)
		}
	}
	found, err := verify.Account(archive, key)
	if err == nil && sealKey == "" {
		found.Remark("the statement was checked with the public key in the archive: compare it with one that you have from elsewhere, or give that one with --seal-key")
	}
	return found, err
}

func verifyFailure(err error) error {
	if errors.Is(err, verify.ErrUnreachable) {
		return cli.Fail(cli.Unreachable, "%w", err)
	}
	return err
}

// formerKeys reads the public keys that `ingest init --new-seal-key` has set aside.
func formerKeys(file string) (all [][]byte, _ error) {
	for _, name := range keys.Former(file) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, cli.Fail(cli.Usage, "former public key: %w", err)
		}
		all = append(all, text)
	}
	return all, nil
}

// verification opens what a verification reads; done closes it.
func verification(ctx context.Context, p *cli.Program, month func() (events.Month, error), fromSealed bool) (v verify.Config, done func(), err error) {
	c, m, err := p.ConfigAndMonth(month)
	if err != nil {
		return v, nil, err
	}
	secure, as, err := site.Security(c)
	if err != nil {
		return v, nil, err
	}
	begin := func(what, unit string, total int64) recount.Progress { return p.NewProgress(what, unit, total) }
	v = verify.Config{Month: m.String(), Config: recount.Config{Begin: begin, Zones: events.Zoneinfo().Read}}
	for _, f := range []struct {
		name string
		to   *[]byte
	}{{c.GUIDKeyFile, &v.Keys}, {c.SealPublicKeyFile, &v.SealKey}} {
		if *f.to, err = os.ReadFile(f.name); err != nil {
			return v, nil, cli.Fail(cli.Usage, "%w: restore it from its backup", err)
		}
	}
	if v.FormerKeys, err = formerKeys(c.SealPublicKeyFile); err != nil {
		return v, nil, err
	}
	if !fromSealed {
		log := &recount.Kafka{Brokers: c.Kafka.Brokers, Begin: begin}
		if secure != nil {
			log.Security = append(log.Security, kgo.DialTLSConfig(secure))
		}
		if as != nil {
			log.Security = append(log.Security, kgo.SASL(as))
		}
		v.Log = log
	}
	if files, err := site.AccountsFiles(c.Accounts); err == nil {
		v.Accounts, _ = rating.AccountsDocument(files...) // what cannot be read is not looked at
	}
	bucket, err := site.State(ctx, c)
	if err != nil {
		return v, nil, err
	}
	v.Files = stateFiles{bucket}
	l, err := openChain(ctx, p, c)
	if err != nil {
		return v, nil, err
	}
	v.Ledger = l
	if fromSealed {
		return v, func() { l.Close() }, nil
	}
	conn, err := site.Connect(ctx, c, p.Log) // it starts the embedded broker where none runs
	if err != nil {
		l.Close()
		return v, nil, err
	}
	return v, func() {
		conn.Close()
		l.Close()
	}, nil
}

// openChain opens the ledger for the second implementation. Whether there is one that can be read, and the remedy where not, the
// product's own opening says.
func openChain(ctx context.Context, p *cli.Program, c *config.Config) (*chain.Ledger, error) {
	l, err := readLedger(ctx, p, c)
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	url, err := c.LedgerURL()
	if err != nil {
		return nil, err
	}
	again, err := chain.Open(ctx, url.Reveal())
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return again, nil
}

// stateFiles are the files of a bucket, read from their beginning.
type stateFiles struct{ checkpoint.Bucket }

func (s stateFiles) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := s.Bucket.Open(ctx, name)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, 0, f.Size()), f}, nil
}

func printReport(out io.Writer, r *report.Report) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "checked\tvalues\tdifferences")
	for _, c := range r.Checks {
		fmt.Fprintf(w, "%s\t%d\t%d\n", c.What, c.Checked, c.Differences)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, d := range r.Differences {
		fmt.Fprintln(out, "DIFFERENCE", d)
	}
	if r.More > 0 {
		fmt.Fprintf(out, "… and %d more differences\n", r.More)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(out, "note:", n)
	}
	verdict := "every number agrees"
	if !r.OK {
		verdict = "there are differences"
	}
	_, err := fmt.Fprintf(out, "%s: %s\n", r.Month, verdict)
	return err
}
