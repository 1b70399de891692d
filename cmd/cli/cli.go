// Package cli is what the commands ingest and rollup share: flags, exit codes, logs to stderr, results to stdout.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"headcount/cmd/config"
)

// Exit codes of both commands.
const (
	Done        = 0
	CheckFailed = 1 // a check failed, or a bill is held
	Usage       = 2 // usage or configuration is wrong
	Unreachable = 3 // a dependency cannot be reached, or a wait timed out
)

// Failure is an error that knows its exit code.
type Failure struct {
	Code int
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Fail returns an error with an exit code; format as fmt.Errorf.
func Fail(code int, format string, args ...any) error {
	return &Failure{code, fmt.Errorf(format, args...)}
}

// Code returns the exit code of an error: a Failure's own, 2 for a mistake in the configuration, else 1.
func Code(err error) int {
	var failure *Failure
	var mistake *config.Error
	switch {
	case err == nil:
		return Done
	case errors.As(err, &failure):
		return failure.Code
	case errors.As(err, &mistake):
		return Usage
	}
	return CheckFailed
}

// Version is the program's version, set by the linker; else what the build knows of itself.
var Version = ""

// ProgramVersion returns Version or the build's.
func ProgramVersion() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// Program is what every command runs with.
type Program struct {
	Out, Err   io.Writer
	ConfigFile string
	JSON       bool
	Quiet      bool
	Log        *slog.Logger
}

// Config reads the configuration file and the environment.
func (p *Program) Config() (*config.Config, error) {
	return config.Load(p.ConfigFile, os.Environ())
}

// PrintJSON writes v as indented JSON and a newline to standard output.
func (p *Program) PrintJSON(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Root makes the root command of a program: the flags that every command takes, `version`, completion.
func Root(p *Program, name, short string) *cobra.Command {
	root := &cobra.Command{
		Use: name, Short: short, SilenceErrors: true, SilenceUsage: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			level := slog.LevelInfo
			if p.Quiet {
				level = slog.LevelWarn
			}
			p.Log = slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: level}))
		},
	}
	root.PersistentFlags().StringVar(&p.ConfigFile, "config", "headcount.yaml", "configuration `FILE`; HEADCOUNT_… variables override its fields")
	root.PersistentFlags().BoolVar(&p.JSON, "json", false, "print the result as JSON")
	root.PersistentFlags().BoolVar(&p.Quiet, "quiet", false, "log warnings and errors only")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &Failure{Usage, err} })
	root.AddCommand(&cobra.Command{
		Use: "version", Short: "print the program's version", Args: NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if p.JSON {
				return p.PrintJSON(map[string]string{"version": ProgramVersion()})
			}
			_, err := fmt.Fprintln(p.Out, name, ProgramVersion())
			return err
		},
	})
	return root
}

// NoArgs refuses arguments with exit code 2.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Fail(Usage, "%s takes no argument, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// Execute runs the root command until it ends or a signal stops it, prints its error, and returns the exit code. A second
// signal ends the process at once.
func Execute(p *Program, root *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	found, err := root.ExecuteContextC(ctx)
	if err == nil {
		return Done
	}
	code := Code(err)
	if found == root && code == CheckFailed { // cobra's own errors: unknown command, missing flag
		code = Usage
	}
	fmt.Fprintf(p.Err, "%s: %v\n", found.CommandPath(), err)
	return code
}
