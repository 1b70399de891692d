package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/config"
)

func TestCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, Done},
		{errors.New("anything"), CheckFailed},
		{Fail(Unreachable, "no broker"), Unreachable},
		{fmt.Errorf("outer: %w", Fail(Usage, "inner")), Usage},
		{fmt.Errorf("outer: %w", &config.Error{Where: "f", What: "w"}), Usage},
		{Fail(Unreachable, "outer: %w", &config.Error{Where: "f", What: "w"}), Unreachable},
		{&fs.PathError{Op: "mkdir", Path: "/x", Err: syscall.EACCES}, Unreachable},
		{Fail(Usage, "key: %w", &fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}), Unreachable},
		{errors.Join(errors.New("first"), Fail(Usage, "second")), Usage},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("Code(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

// program runs a command line of a program with one command, do, that ends with do's error.
func program(t *testing.T, do func(context.Context) error, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	p := &Program{Out: &out, Err: &err}
	root := Root(p, "prog", "test")
	cmd := &cobra.Command{Use: "do", Args: NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return do(cmd.Context()) }}
	cmd.Flags().Int("count", 0, "")
	cmd.Flags().Duration("wait", 0, "")
	root.AddCommand(cmd)
	root.SetArgs(args)
	code = Execute(p, root)
	return code, out.String(), err.String()
}

func TestExitCodesAndMessages(t *testing.T) {
	fine := func(context.Context) error { return nil }
	fails := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	for _, c := range []struct {
		do   func(context.Context) error
		args string
		code int
		want string // on stderr; all of it
	}{
		{fine, "do", Done, ""},
		{fails(errors.New("went wrong")), "do", CheckFailed, "prog do: went wrong\n"},
		{fails(Fail(Unreachable, "no broker")), "do", Unreachable, "prog do: no broker\n"},
		{fails(errors.Join(errors.New("one"), errors.New("two"))), "do", CheckFailed, "prog do: one; two\n"},
		{fails(context.Canceled), "do", CheckFailed, "prog do: context canceled\n"}, // no signal: not an interruption
		{fine, "do it", Usage, "prog do: got \"it\", but takes no argument\n"},
		{fine, "do --bogus", Usage, "prog do: unknown flag: --bogus\n"},
		{fine, "do --count many", Usage, "prog do: --count \"many\": want a whole number\n"},
		{fine, "do --wait 5", Usage, "prog do: --wait \"5\": want a duration such as 10s, 5m or 24h\n"},
		{fine, "do --json=maybe", Usage, "prog do: --json \"maybe\": want true or false\n"},
		{fine, "don", Usage, "prog: unknown command \"don\" for \"prog\"; did you mean do\n"},
		{fine, "zzz", Usage, "prog: unknown command \"zzz\" for \"prog\"\n"},
	} {
		code, stdout, stderr := program(t, c.do, strings.Fields(c.args)...)
		if code != c.code || stderr != c.want || stdout != "" {
			t.Errorf("%s: code %d, stdout %q, stderr %q; want %d, nothing, %q", c.args, code, stdout, stderr, c.code, c.want)
		}
	}
}

func TestInterruptionIsSaidInOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "prog do: interrupted before it was done\n",
		"; 3 records before it sent": "prog do: interrupted; 3 records before it sent\n",
	} {
		code, _, stderr := program(t, func(ctx context.Context) error {
			if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
				t.Error("the signal does not end the context")
			}
			return fmt.Errorf("reading: %w%s", context.Canceled, text)
		}, "do")
		if code != CheckFailed || stderr != want {
			t.Errorf("code %d, stderr %q; want %d, %q", code, stderr, CheckFailed, want)
		}
	}
}

func TestVersion(t *testing.T) {
	Version = "v1.2.3"
	defer func() { Version = "" }()
	if code, stdout, _ := program(t, nil, "version"); code != Done || !strings.HasPrefix(stdout, "prog v1.2.3 (go") {
		t.Errorf("code %d, %q", code, stdout)
	}
	_, stdout, _ := program(t, nil, "version", "--json")
	var v map[string]string
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || v["version"] != "v1.2.3" {
		t.Errorf("%q: %v", stdout, err)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, stderr := program(t, nil, "completion", shell); code != Done || !strings.Contains(stdout, "prog") {
			t.Errorf("%s: code %d, stderr %q", shell, code, stderr)
		}
	}
}

func TestProgressIsCalm(t *testing.T) { synctest.Test(t, progressIsCalm) } // no time passes but what is said to

func progressIsCalm(t *testing.T) {
	var b bytes.Buffer
	p := &Program{Err: &b}
	g := p.NewProgress("counted", "records", 0)
	g.Set(10)
	g.End()
	if b.Len() > 0 {
		t.Errorf("short work says %q", b.String())
	}
	g = p.NewProgress("counted", "records", 20)
	at := func(ago time.Duration) { g.last = time.Now().Add(-ago) }
	at(6 * time.Second)
	g.Set(10)
	at(6 * time.Second)
	g.Set(11) // the second line waits ten seconds
	at(11 * time.Second)
	g.Set(10) // nothing moved
	g.Set(12)
	if want := "counted: 10 of 20 records (50 %)\ncounted: 12 of 20 records (60 %)\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	g.began = time.Now().Add(-2 * time.Second)
	g.End()
	if !strings.HasPrefix(b.String(), "counted: 12 records in 2") {
		t.Errorf("the end says %q", b.String())
	}
	b.Reset()
	p.Quiet = true
	g = p.NewProgress("counted", "records", 0)
	g.began = time.Now().Add(-time.Minute)
	g.End()
	if b.Len() > 0 {
		t.Errorf("quiet work says %q", b.String())
	}
}

// Errors of packages that know of no command are said in the program's words, once.
func TestFailureOf(t *testing.T) {
	known := errors.New("month is open")
	var stderr bytes.Buffer
	p := &Program{Out: &stderr, Err: &stderr, FailureOf: func(err error) error {
		if errors.Is(err, known) {
			return Fail(Unreachable, "%w: `prog close` closes it", err)
		}
		return err
	}}
	root := Root(p, "prog", "test")
	root.AddCommand(&cobra.Command{Use: "do", RunE: func(*cobra.Command, []string) error {
		p.Log.Error("halted", "error", known, "other", "text")
		return known
	}})
	root.SetArgs([]string{"do"})
	code := Execute(p, root)
	logged, printed, _ := strings.Cut(stderr.String(), "\n")
	if code != Unreachable || printed != "prog do: month is open: `prog close` closes it\n" {
		t.Errorf("exit code %d, %q", code, printed)
	}
	if !strings.Contains(logged, "error=\"month is open: `prog close` closes it\" other=text") {
		t.Errorf("logged %q", logged)
	}
}

func TestShowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		show := (&Program{Err: &stderr}).Showing("sealed", "partitions")
		for range 2 { // work after work
			show(0, 4)
			time.Sleep(6 * time.Second)
			show(3, 4)
			time.Sleep(time.Second)
			show(4, 4)
		}
		const want = "sealed: 3 of 4 partitions (75 %)\nsealed: 4 partitions in 7.0 s\n"
		if got := stderr.String(); got != want+want {
			t.Errorf("got %q", got)
		}
	})
}

// TestAbort: a command that is given up ends with the reason, whatever it says itself.
func TestAbort(t *testing.T) {
	for name, do := range map[string]func(context.Context) error{
		"says what the context says": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"says what the cause says":   func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
		"says that all is well":      func(ctx context.Context) error { <-ctx.Done(); return nil },
		"says something else":        func(ctx context.Context) error { <-ctx.Done(); return Fail(Usage, "else") },
	} {
		code, _, stderr := program(t, func(ctx context.Context) error {
			within, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			go Abort(within, Fail(Unreachable, "the disk is full"))
			return do(within)
		}, "do")
		if code != Unreachable || stderr != "prog do: the disk is full\n" {
			t.Errorf("%s: exit code %d, %q", name, code, stderr)
		}
	}
	Abort(t.Context(), errors.New("of nobody")) // a context that is no command's
}

// TestVersionFlag: --version prints what `version` prints.
func TestVersionFlag(t *testing.T) {
	fine := func(context.Context) error { return nil }
	code, out, _ := program(t, fine, "version")
	if again, same, _ := program(t, fine, "--version"); code != Done || again != Done || same != out || !strings.HasPrefix(out, "prog ") {
		t.Errorf("version: %d %q, --version: %d %q", code, out, again, same)
	}
}

// What is logged: by commands that end, warnings; all of it with --verbose; by those that run until they are stopped, all of it anyway, unless
// they are told to end; with --quiet errors alone.
func TestWhatIsLogged(t *testing.T) {
	for args, want := range map[string]string{
		"once": "WARN ERROR ", "once --verbose": "INFO WARN ERROR ", "once -v": "INFO WARN ERROR ", "once --quiet": "ERROR ", "once -q": "ERROR ",
		"serve": "INFO WARN ERROR ", "serve --until-end": "WARN ERROR ", "serve --until-end -v": "INFO WARN ERROR ", "serve --quiet": "ERROR ",
		"once -q -v": "say either --quiet or --verbose",
	} {
		var errs bytes.Buffer
		p := &Program{Out: io.Discard, Err: &errs}
		root := Root(p, "prog", "")
		log := func(*cobra.Command, []string) {
			p.Log.Info("x")
			p.Log.Warn("x")
			p.Log.Error("x")
		}
		serve := Service(&cobra.Command{Use: "serve", Run: log}, "until-end")
		serve.Flags().Bool("until-end", false, "")
		root.AddCommand(&cobra.Command{Use: "once", Run: log}, serve)
		root.SetArgs(strings.Fields(args))
		Execute(p, root)
		got := ""
		for line := range strings.Lines(errs.String()) {
			if _, level, ok := strings.Cut(line, "level="); ok {
				line = strings.Fields(level)[0] + " "
			}
			got += line
		}
		if !strings.HasSuffix(strings.TrimSuffix(got, "\n"), want) || strings.HasPrefix(want, "WARN") && got != want {
			t.Errorf("%s: logs %q, want %q", args, got, want)
		}
	}
}

// -o names the form of a result; CSV is of commands that have it.
func TestOutputForm(t *testing.T) {
	for args, want := range map[string]string{
		"once": "80 false ", "once -o wide": "0 false ", "once -o json": "- true ", "once --json": "- true ", "once -o table": "80 false ", "rows -o csv": "80 false -",
		"once -o csv": "prog: -o csv: prog once has no CSV", "once -o xml": `-o "xml": want table, wide, json or csv`,
	} {
		t.Setenv("COLUMNS", "80")
		var out, errs bytes.Buffer
		p := &Program{Out: &out, Err: &errs}
		root := Root(p, "prog", "")
		show := func(cmd *cobra.Command, _ []string) {
			columns, csv := "-", ""
			if s, ok := p.Out.(*Screen); ok {
				columns = fmt.Sprint(s.Columns())
			}
			if f := cmd.Flags().Lookup("csv"); f != nil {
				csv = f.Value.String()
			}
			fmt.Fprint(p.Out, columns, " ", p.JSON, " ", csv)
		}
		rows := &cobra.Command{Use: "rows", Run: show}
		rows.Flags().String("csv", "", "")
		root.AddCommand(&cobra.Command{Use: "once", Run: show}, rows)
		root.SetArgs(strings.Fields(args))
		code := Execute(p, root)
		if got := out.String() + errs.String(); !strings.Contains(got, strings.TrimPrefix(want, "prog: ")) || (code == Done) != (errs.Len() == 0) {
			t.Errorf("%s: code %d, %q, want %q", args, code, got, want)
		}
	}
}

func TestPaceIsSaidOnlyOverTimeEnough(t *testing.T) {
	if got := pace(1000, "records", 40*time.Nanosecond) + pace(0, "records", time.Hour); got != "" {
		t.Errorf("got %q", got)
	}
	if got := pace(1000, "records", 2*time.Second); got != " (500 records/s)" {
		t.Errorf("got %q", got)
	}
}
