package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/internal/durable"
)

// output is a file that a command writes its result to: of mode 0600, whole or not at all, and in nobody's place unless that is said.
type output struct {
	flag  string // that names it
	path  string
	force bool // it may take the place of what is there
	deep  bool // folders above it are made
}

// forceFlag adds --force, for the files that a command's other flags name.
func forceFlag(cmd *cobra.Command, force *bool) {
	cmd.Flags().BoolVar(force, "force", false, "write also over a file that is there")
}

// look refuses a file that is there, before work is done for it.
func (o output) look() error {
	if info, err := os.Lstat(o.path); o.path != standardOutput && err == nil && !o.force && (info.Mode().IsRegular() || info.IsDir()) {
		return o.taken()
	}
	return nil
}

func (o output) taken() error {
	return cli.Fail(cli.Usage, "--%s %s is there already: name another file, or say --force to write over it", o.flag, o.path)
}

// write has write put out the file's content. Of what fails by the file itself, the exit code is that of a wrong flag.
func (o output) write(ctx context.Context, write func(io.Writer) error) error {
	var failed error
	content := func(w io.Writer) error {
		failed = write(w)
		return failed
	}
	folder := filepath.Dir(o.path)
	_, err := os.Stat(folder)
	if o.deep && errors.Is(err, fs.ErrNotExist) {
		err = durable.MakeFolder(folder)
	}
	if err != nil {
		return cli.Fail(cli.Usage, "--%s: %w", o.flag, err)
	}
	if info, there := os.Stat(o.path); o.force || there == nil && !info.Mode().IsRegular() && !info.IsDir() { // a pipe, a terminal
		err = durable.Replace(o.path, content)
	} else {
		err = durable.Create(ctx, o.path, content)
	}
	switch {
	case errors.Is(err, durable.ErrExists):
		return o.taken()
	case err != nil && (failed != nil || errors.Is(err, durable.ErrFatal) || errors.Is(err, fs.ErrInvalid)):
		return err
	case err != nil:
		return cli.Fail(cli.Usage, "--%s: %w", o.flag, err)
	}
	return nil
}

// csvFlag adds --csv, alone for standard output or with a file. The file may also be named behind it: args takes it then.
func csvFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "csv", "", "print the result as CSV, or write it to `FILE`")
	cmd.Flags().Lookup("csv").NoOptDefVal = standardOutput
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && *file == standardOutput {
			*file = args[0]
			return nil
		}
		if *file == "" && cmd.Flags().Changed("csv") {
			return cli.Fail(cli.Usage, "--csv is empty: name the file to write, or leave it out to print")
		}
		return cli.NoArgs(cmd, args)
	}
}

// standardOutput stands for it as a file.
const standardOutput = "-"

// writeCSV prints CSV, or writes it to the file that --csv names.
func writeCSV(ctx context.Context, p *cli.Program, o output, write func(io.Writer) error) error {
	if o.path == standardOutput {
		return write(p.Out)
	}
	if err := o.write(ctx, write); err != nil {
		return err
	}
	p.Log.Info("CSV written", "file", o.path)
	return nil
}
