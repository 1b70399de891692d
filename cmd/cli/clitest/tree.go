// Package clitest holds what must be true of every command of a program, however many there come to be.
package clitest

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headcount/cmd/cli"
)

// Tree walks the commands of a program. Each has examples whose commands are of it and parse; each value of a flag is called by a word in
// capitals; a flag is marked as required if and only if the command says of itself that it is missing where it is left out.
func Tree(t *testing.T, root func(*cli.Program) *cobra.Command) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("headcount.yaml", []byte(`kafka: {brokers: ["127.0.0.1:1"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	walked := 0
	walk(root(&cli.Program{}), func(cmd *cobra.Command) {
		walked++
		path := cmd.CommandPath()
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { called(t, path, f) })
		lines := strings.Split(strings.TrimRight(cmd.Example, "\n"), "\n")
		if cmd.Example == "" {
			t.Errorf("%s has no Example", path)
			return
		}
		for _, line := range lines {
			parses(t, root, cmd, line)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { required(t, root, cmd, f, lines) })
	})
	if walked < 6 {
		t.Errorf("walked over %d commands", walked)
	}
}

// walk calls do with each command that runs, but for those that cobra brings.
func walk(cmd *cobra.Command, do func(*cobra.Command)) {
	if cmd.Runnable() && cmd.HasParent() {
		do(cmd)
	}
	for _, c := range cmd.Commands() {
		if c.Name() != "help" && c.Name() != "completion" {
			walk(c, do)
		}
	}
}

var inCapitals = regexp.MustCompile(`^[A-Z][A-Z0-9/.:-]*$`)

func called(t *testing.T, path string, f *pflag.Flag) {
	name, _ := pflag.UnquoteUsage(f)
	if want := f.Value.Type() != "bool"; want && !inCapitals.MatchString(name) || !want && name != "" {
		t.Errorf("%s: the value of --%s is called %q in the help", path, f.Name, name)
	}
}

// required runs the first example that has the flag without it.
func required(t *testing.T, root func(*cli.Program) *cobra.Command, cmd *cobra.Command, f *pflag.Flag, examples []string) {
	t.Helper()
	marked := strings.Contains(f.Usage, "(required")
	for _, line := range examples {
		if !strings.Contains(line+" ", " --"+f.Name+" ") || strings.Contains(line, " | ") {
			continue
		}
		if f.Value.Type() == "bool" && !marked {
			return // what it has a command do is nothing to try
		}
		code, said := run(root, without(words(line)[1:], f.Name))
		if missed := code == cli.Usage && strings.Contains(said, "--"+f.Name); marked != missed {
			t.Errorf("%s: --%s is marked as required: %v; without it: code %d, %s", cmd.CommandPath(), f.Name, marked, code, said)
		}
		return
	}
	if marked {
		t.Errorf("%s: --%s is required, and in no example", cmd.CommandPath(), f.Name)
	}
}

// parses holds that a line is a command of this program, and of cmd or one below it, and has flags and arguments that it takes. Of a
// pipe, the part that is the program's own.
func parses(t *testing.T, root func(*cli.Program) *cobra.Command, cmd *cobra.Command, line string) {
	t.Helper()
	r := root(&cli.Program{})
	for part := range strings.SplitSeq(line, " | ") {
		args := words(strings.TrimSpace(part))
		if args[0] != r.Name() {
			continue
		}
		found, rest, err := r.Find(args[1:])
		if err == nil {
			err = found.ParseFlags(rest)
		}
		if err == nil {
			err = found.ValidateArgs(found.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: example %q: %v", cmd.CommandPath(), line, err)
		}
		if found.CommandPath() == cmd.CommandPath() || found.Parent().CommandPath() == cmd.CommandPath() {
			return
		}
	}
	t.Errorf("%s: example %q is not of it", cmd.CommandPath(), line)
}

// run runs a line of the program, and returns its exit code and what it said of an error.
func run(root func(*cli.Program) *cobra.Command, args []string) (int, string) {
	var out, errs bytes.Buffer
	p := &cli.Program{Out: &out, Err: &errs}
	cmd := root(p)
	cmd.SetArgs(args)
	code := cli.Execute(p, cmd)
	return code, strings.TrimSpace(errs.String())
}

// without leaves a flag and its value out.
func without(args []string, flag string) (rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--"+flag {
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
				i++
			}
			continue
		}
		rest = append(rest, args[i])
	}
	return rest
}

// words splits a line as a shell does, with double quotes alone.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}
