package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headcount/cmd/cli"
)

// completed are the values that a shell offers behind args, the last of which is begun.
func completed(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	p := &cli.Program{Out: &out, Err: &out}
	cmd := root(p)
	cmd.SetArgs(append([]string{cobra.ShellCompNoDescRequestCmd}, args...))
	if code := cli.Execute(p, cmd); code != cli.Done {
		t.Fatalf("%q: code %d: %s", args, code, &out)
	}
	offered, _, _ := strings.Cut(out.String(), ":")
	return strings.Join(strings.Fields(offered), " ")
}

func TestCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"headcount.yaml": "kafka: {brokers: [127.0.0.1:1], topic: t}\nreporters: [{id: gate, key_file: g.pub, meters: [gateway_calls, \"x*\"], apps: [\"*\"]}, {id: billing, key_file: b.pub, meters: [storage], apps: [a]}]\n",
		"accounts.yaml":  "accounts:\n  - {id: acme, apps: [app-1, app-2], plan: tcmpp/pro, from: 2026-01-01}\n  - {id: bolt, apps: [b], plan: tcsas/professional, from: 2026-01-01}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"release", "--account", ""}, "acme bolt"},
		{[]string{"release", "--account", "b"}, "bolt"},
		{[]string{"explain", "--app", "app"}, "app-1 app-2"},
		{[]string{"amend", "--reporter", ""}, "billing gate"},
		{[]string{"amend", "--meter", "g"}, "gateway_calls"},
		{[]string{"rate", "--plan", "tcmpp/p"}, "tcmpp/pro tcmpp/poc-pro tcmpp/poc-enterprise"},
		{[]string{"plans", "show", "im"}, "im im/trial im/pro im/flagship"},
		{[]string{"close", "--month", ""}, ""},
		{[]string{"months", "-o", "w"}, "table wide json csv"},
		{[]string{"clo"}, "close"},
		{[]string{"plans", "sh"}, "show"},
	} {
		if got := completed(t, c.args...); got != c.want {
			t.Errorf("%q: offered %q, want %q", c.args, got, c.want)
		}
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) != 2 {
		t.Errorf("completing made files: %v, %v", left, err)
	}
}

// What is called a month, an account, an app, a plan, a meter or a reporter is completed, wherever it is asked for.
func TestWhatIsNamedIsCompleted(t *testing.T) {
	known := map[string]bool{"MONTH": true, "FROM..TO": true, "ACCOUNT": true, "APP": true, "BOOK/PLAN": true, "METER": true, "ID": true, "FORM": true}
	seen := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name, _ := pflag.UnquoteUsage(f)
			if _, done := cmd.GetFlagCompletionFunc(f.Name); known[name] {
				if seen++; !done {
					t.Errorf("%s --%s is not completed", cmd.CommandPath(), f.Name)
				}
			}
		})
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root(&cli.Program{}))
	if seen < 15 {
		t.Errorf("only %d flags are known", seen)
	}
}
