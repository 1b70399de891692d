// Package cli is what the commands ingest and rollup share: flags, exit codes, logs to stderr, results to stdout.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"headcount/cmd/config"
	"headcount/internal/visible"
	"headcount/internal/zoneinfo"
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

// Code returns the exit code of an error: 3 for a folder or file that this user must not touch, a Failure's own, 2 for a mistake in the
// configuration, else 1.
func Code(err error) int {
	var failure *Failure
	var mistake *config.Error
	switch {
	case err == nil:
		return Done
	case errors.Is(err, fs.ErrPermission):
		return Unreachable
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

// printVersion prints what a report of a fault needs.
func printVersion(p *Program, name string) error {
	if p.JSON {
		return p.PrintJSON(map[string]string{"version": ProgramVersion(), "built": built(), "zoneinfo": zoneinfo.Embedded().Release()})
	}
	_, err := io.WriteString(p.Out, versionLine(name))
	return err
}

func versionLine(name string) string {
	return fmt.Sprintf("%s %s (%s, tz database %s)\n", name, ProgramVersion(), built(), zoneinfo.Embedded().Release())
}

// built says by what and for what the program was built.
func built() string { return runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH }

// Program is what every command runs with.
type Program struct {
	Out, Err   io.Writer
	ConfigFile string
	Form       string // of the result: what -o names
	JSON       bool
	Quiet      bool
	Verbose    bool
	logFormat  logFormat
	Log        *slog.Logger

	// FailureOf says the errors of packages that know of no command in the program's words, with their exit codes; nil: none is.
	FailureOf func(error) error

	reloads reloads
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
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if p.Quiet && p.Verbose {
				return Fail(Usage, "say either --quiet or --verbose")
			}
			p.Log = slog.New(p.logFormat.handler(p.Err, &slog.HandlerOptions{Level: p.level(cmd), ReplaceAttr: p.say}))
			p.reloads.log.Store(p.Log)
			return p.form(cmd)
		},
	}
	root.Version = ProgramVersion()
	root.SetVersionTemplate(versionLine(name))
	root.PersistentFlags().StringVar(&p.ConfigFile, "config", "headcount.yaml", "configuration `FILE`; HEADCOUNT_… variables override its fields")
	root.PersistentFlags().StringVarP(&p.Form, "output", "o", formTable, "`FORM` of the result: table, wide (every column), json, csv")
	root.PersistentFlags().BoolVar(&p.JSON, "json", false, "print the result as JSON, as -o json does")
	root.PersistentFlags().BoolVarP(&p.Quiet, "quiet", "q", false, "log errors only, and show no progress")
	root.PersistentFlags().BoolVarP(&p.Verbose, "verbose", "v", false, "log every step; commands that run until they are stopped do so anyway")
	p.logFormat.addTo(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &Failure{Usage, flagError(cmd, err)} })
	root.AddCommand(&cobra.Command{
		Use: "version", Short: "print the program's version", Args: NoArgs,
		Example: "  " + name + " version --json",
		RunE:    func(*cobra.Command, []string) error { return printVersion(p, name) },
	})
	return root
}

var badValue = regexp.MustCompile(`^invalid argument (".*") for "(?:-., )?--([a-z0-9-]+)" flag: `)

// flagError says in our words what is wrong with a flag's value; those of Go's parsers are no help to who typed it.
func flagError(cmd *cobra.Command, err error) error {
	m := badValue.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	want := "another value"
	switch flag := cmd.Flag(m[2]); {
	case flag == nil:
	case strings.Contains(flag.Value.Type(), "int"):
		want = "a whole number"
	case flag.Value.Type() == "duration":
		want = "a duration such as 10s, 5m or 24h"
	case flag.Value.Type() == "format":
		want = "text or json"
	case flag.Value.Type() == "bool":
		want = "true or false"
	}
	return fmt.Errorf("--%s %s: want %s", m[2], m[1], want)
}

// say has what is logged of an error be said as at the end of the program.
func (p *Program) say(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok && p.FailureOf != nil {
		a.Value = slog.StringValue(p.FailureOf(err).Error())
	}
	return a
}

// NoArgs refuses arguments with exit code 2.
func NoArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Fail(Usage, "got %q, but takes no argument", args[0])
	}
	return nil
}

// Execute runs the root command until it ends or a signal stops it, prints its error, and returns the exit code. A second
// signal ends the process at once.
func Execute(p *Program, root *cobra.Command) int {
	syscall.Umask(0o077) // also what libraries make, the embedded broker's files among it, is for this user alone
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	ctx = context.WithValue(ctx, aborting{}, abort)
	ended, end := context.WithCancel(context.Background()) // a SIGHUP ends nothing, also while the command is being stopped
	unhook := p.hangups(ended)
	defer unhook()
	defer end()
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	found, err := root.ExecuteContextC(ctx)
	aborted := errors.As(context.Cause(ctx), new(*abortion))
	if aborted {
		err = context.Cause(ctx)
	}
	if err == nil {
		return Done
	}
	if p.FailureOf != nil {
		err = p.FailureOf(err)
	}
	code := Code(err)
	if found == root && code == CheckFailed { // cobra's own errors: unknown command, missing flag
		code = Usage
	}
	if !aborted && stopped(ctx, err) {
		code, err = CheckFailed, interrupted(err)
	}
	fmt.Fprintf(p.Err, "%s: %s\n", found.CommandPath(), visible.Text(oneLine(err)))
	return code
}

// aborting is the key of a context's abort.
type aborting struct{}

// abortion is why a command was given up.
type abortion struct{ error }

func (a *abortion) Unwrap() error { return a.error }

// Abort gives the running command up: ctx, which is the command's or made of it, ends, and the command with err, whatever else it
// comes to say.
func Abort(ctx context.Context, err error) {
	if abort, ok := ctx.Value(aborting{}).(context.CancelCauseFunc); ok {
		abort(&abortion{err})
	}
}

// stopped says whether an error is only that of a signal.
func stopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}

// interrupted says so in place of the context's words; what else the error says stays.
func interrupted(err error) error {
	if _, after, ok := strings.Cut(err.Error(), context.Canceled.Error()+"; "); ok {
		return fmt.Errorf("interrupted; %s", after)
	}
	return errors.New("interrupted before it was done")
}

// oneLine prints an error on one line: joined errors, and cobra's suggestions, have several.
func oneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	text := strings.Join(lines, "; ")
	return strings.ReplaceAll(text, "Did you mean this?; ", "did you mean ")
}
