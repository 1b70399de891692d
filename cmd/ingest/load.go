package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/decode"
	"headcount/events/stream"
	"headcount/ingest/load"
)

// shownWarnings is how many lines are named before the rest is only counted.
const shownWarnings = 1000

func loadCommand(p *cli.Program) *cobra.Command {
	strict := false
	cmd := &cobra.Command{
		Use: "load FILE…", Short: "send NDJSON CloudEvents (.ndjson, .gz, .zst, - for standard input) as they are",
		Example: "  ingest load events.ndjson\n  ingest load --strict october.ndjson.zst\n  zcat old.gz | ingest load -",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Fail(cli.Usage, "name at least one file, or - for standard input")
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
	inputs, cleanup, err := inputsOf(ctx, files, strict)
	if err != nil {
		return err
	}
	defer cleanup()
	warned := 0
	cfg := load.Config{
		Decoder: decode.NewDecoder(template.Rulebook()),
		Warn: func(file string, line int, reason events.Reason) {
			if warned++; warned <= shownWarnings {
				fmt.Fprintf(p.Err, "%s:%d: will be a dead letter: %s\n", file, line, reason)
			}
		},
	}
	if strict {
		var res load.Result
		for _, in := range inputs {
			if err := load.File(ctx, cfg, in, os.Stdin, &res); err != nil {
				return fmt.Errorf("%w; nothing was sent (--strict)", err)
			}
		}
		if res.Rejected > 0 {
			return cli.Fail(cli.CheckFailed, "%d of %d lines would be dead letters: nothing was sent (--strict)", res.Rejected, res.Sent)
		}
		cfg.Warn = nil
	}
	conn, err := site.Connect(ctx, c, p.Log)
	if err != nil {
		return err
	}
	defer conn.Close()
	topic, err := conn.Topic(ctx, c)
	if err != nil {
		return err
	}
	if newest, err := newestSealed(ctx, c, topic); err != nil {
		p.Log.Warn("the state store cannot be read: whether the files are of finished months is not said", "error", err)
	} else {
		cfg.Decoder.SetFloor(newest)
	}
	progress := p.NewProgress("sent", "records", 0)
	done := 0
	cfg.Send, cfg.Sent = conn.Log, func(n int) { done += n; progress.Set(int64(done)) }
	var res load.Result
	for _, in := range inputs {
		if err := load.File(ctx, cfg, in, os.Stdin, &res); err != nil {
			return fmt.Errorf("%w; %d records before it were sent", err, done)
		}
	}
	progress.End()
	if warned > shownWarnings {
		fmt.Fprintf(p.Err, "… and %d more lines that will be dead letters\n", warned-shownWarnings)
	}
	warnOfMonths(p, res)
	return printLoaded(p, res)
}

// newestSealed is the newest month that any partition is sealed for; 0: none.
func newestSealed(ctx context.Context, c *config.Config, topic *stream.Topic) (events.Month, error) {
	bucket, err := site.State(ctx, c)
	if err != nil {
		return 0, err
	}
	return checkpoint.OpenTopic(bucket, topic.Name, topic.ID).NewestSealed(ctx)
}

// warnOfMonths says which events are not billed in the month that their file is of.
func warnOfMonths(p *cli.Program, res load.Result) {
	for _, w := range []struct {
		n    int
		what string
	}{
		{res.Untimed, "events without a time count in the month in which they are loaded: if they are of another, write their time"},
		{res.Skewed, "events with a wrong clock (ahead of now, or before the year 2000) count in the month in which they are loaded"},
		{res.Finished, "events are of months that are finished: they are counted as expired, and never billed"},
		{res.BeforeBooks, "events are of months before the books (billing.from): they are never billed"},
	} {
		if w.n > 0 {
			fmt.Fprintf(p.Err, "%d of %d %s\n", w.n, res.Sent, w.what)
		}
	}
}

func printLoaded(p *cli.Program, res load.Result) error {
	if p.JSON {
		return p.PrintJSON(res)
	}
	events := fmt.Sprintf("%d events", res.Events)
	if res.Skewed > 0 {
		events += fmt.Sprintf(" (%d with a wrong clock: they count as of now)", res.Skewed)
	}
	_, err := fmt.Fprintf(p.Out, "%d records sent: %s, %d of unknown type, %d that will be dead letters\n", res.Sent, events, res.Unknown, res.Rejected)
	return err
}

// inputsOf looks at every file before anything is sent. With strict, what can be read once only (standard input, a pipe) is
// copied first; cleanup removes the copies.
func inputsOf(ctx context.Context, files []string, strict bool) (inputs []load.Input, cleanup func(), err error) {
	var copies []string
	cleanup = func() {
		for _, c := range copies {
			_ = os.Remove(c)
		}
	}
	defer func() {
		if err != nil {
			cleanup()
		}
	}()
	stdin := false
	for _, f := range files {
		in := load.Input{Name: f, Path: f}
		info, err := os.Stat(f)
		switch {
		case f == "-" && stdin:
			return nil, cleanup, cli.Fail(cli.Usage, "- is named twice: standard input can be read once")
		case f == "-":
			in.Name, stdin = "standard input", true
		case err == nil && !info.Mode().IsRegular() && !info.IsDir(): // a pipe or a device: a look would take from it
		default:
			if err := look(ctx, in); err != nil {
				return nil, cleanup, cli.Fail(cli.Usage, "%w", err)
			}
		}
		inputs = append(inputs, in)
	}
	for i := range inputs {
		in := &inputs[i]
		if info, err := os.Stat(in.Path); strict && (err != nil || !info.Mode().IsRegular()) {
			name, err := spool(ctx, *in)
			if err != nil {
				return nil, cleanup, fmt.Errorf("%s: %w", in.Name, err)
			}
			copies = append(copies, name)
			in.Path = name
		}
	}
	return inputs, cleanup, nil
}

// look says whether a file can be read, and unpacked where it is packed.
func look(ctx context.Context, in load.Input) error {
	text, err := in.Open(ctx, nil)
	if err != nil {
		return err
	}
	return text.Close()
}

// spool copies an input to a file, unpacked, so that it can be read twice.
func spool(ctx context.Context, in load.Input) (string, error) {
	text, err := in.Open(ctx, os.Stdin)
	if err != nil {
		return "", err
	}
	defer text.Close()
	f, err := os.CreateTemp("", "headcount-load-*.ndjson")
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(f, text); err != nil {
		return "", errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f.Name(), f.Close()
}
