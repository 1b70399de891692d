package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/ingest/load"
	"headcount/cmd/site"
	"headcount/events"
)

// shownWarnings is how many lines are named before the rest is only counted.
const shownWarnings = 1000

func loadCommand(p *cli.Program) *cobra.Command {
	strict := false
	cmd := &cobra.Command{
		Use: "load FILE…", Short: "send NDJSON CloudEvents (.ndjson, .gz, .zst, - for standard input) as they are",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Fail(cli.Usage, "%s: name at least one file, or - for standard input", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return loadFiles(cmd.Context(), p, args, strict) },
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "send nothing where any line would be a dead letter")
	return cmd
}

func loadFiles(ctx context.Context, p *cli.Program, files []string, strict bool) error {
	c, err := p.Config()
	if err != nil {
		return err
	}
	keys, err := site.Keys(c)
	if err != nil {
		return err
	}
	template, err := site.Template(c, keys)
	if err != nil {
		return err
	}
	for i, f := range files {
		if f == "-" && strict {
			spooled, err := spool(os.Stdin)
			if err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			defer os.Remove(spooled)
			files[i] = spooled
			continue
		}
		if _, err := os.Stat(f); f != "-" && err != nil {
			return cli.Fail(cli.Usage, "%w", err)
		}
	}
	warned := 0
	cfg := load.Config{
		Decoder: events.NewDecoder(site.NewTemplateRules(template), keys),
		Warn: func(file string, line int, reason events.Reason) {
			if warned++; warned <= shownWarnings {
				fmt.Fprintf(p.Err, "%s:%d: will be a dead letter: %s\n", file, line, reason)
			}
		},
	}
	if strict {
		var res load.Result
		for _, f := range files {
			if err := load.File(ctx, cfg, f, os.Stdin, &res); err != nil {
				return err
			}
		}
		if res.Rejected > 0 {
			return cli.Fail(cli.CheckFailed, "%d of %d lines would be dead letters: nothing was sent (--strict)", res.Rejected, res.Sent)
		}
	}
	conn, err := site.Connect(ctx, c, p.Log)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Topic(ctx, c); err != nil {
		return err
	}
	progress := p.NewProgress("sent", "records", 0)
	done := 0
	cfg.Send, cfg.Sent = conn.Log, func(n int) { done += n; progress.Set(int64(done)) }
	var res load.Result
	for _, f := range files {
		if err := load.File(ctx, cfg, f, os.Stdin, &res); err != nil {
			return err
		}
	}
	progress.End()
	if warned > shownWarnings {
		fmt.Fprintf(p.Err, "… and %d more lines that will be dead letters\n", warned-shownWarnings)
	}
	if p.JSON {
		return p.PrintJSON(res)
	}
	_, err = fmt.Fprintf(p.Out, "%d records sent: %d events, %d of unknown type, %d that will be dead letters\n", res.Sent, res.Events, res.Unknown, res.Rejected)
	return err
}

// spool copies standard input to a file, so that it can be read twice.
func spool(in io.Reader) (string, error) {
	f, err := os.CreateTemp("", "headcount-load-*.ndjson")
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(f, in); err != nil {
		f.Close()
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), f.Close()
}
