package site

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
)

// completing is how long a completion may take: somebody has a finger on a key.
const completing = 2 * time.Second

// Complete has shells complete the values of flags and arguments of a program's commands, by what they are called: months, accounts, apps,
// plans, meters and reporters that the configuration, its files, the state store and the ledger name. No broker is asked or started; what
// cannot be read completes nothing.
func Complete(p *cli.Program, root *cobra.Command) {
	for _, cmd := range root.Commands() {
		Complete(p, cmd)
	}
	cmd := root
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		name, _ := pflag.UnquoteUsage(f)
		if f.Name == "output" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions([]string{"table", "wide", "json", "csv"}, cobra.ShellCompDirectiveNoFileComp))
			return
		}
		switch values := kinds[name]; {
		case values != nil:
			_ = cmd.RegisterFlagCompletionFunc(f.Name, from(p, values))
		case name == "FILE" || name == "FOLDER": // the shell's own
		case f.Value.Type() != "bool":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	})
	if values := kinds[argument(cmd)]; values != nil {
		cmd.ValidArgsFunction = from(p, values)
	} else if argument(cmd) == "" {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
}

// argument is how the use of a command calls its argument; empty: it has none.
func argument(cmd *cobra.Command) string {
	_, name, _ := strings.Cut(cmd.Use, " ")
	return name
}

// values are what may be typed.
type values func(ctx context.Context, c *config.Config) []string

// kinds are the values by what the help calls them.
var kinds = map[string]values{
	"MONTH": months, "FROM..TO": months, "ACCOUNT": accounts, "APP": apps, "ID": reporters, "METER": meters, "BOOK/PLAN": plans, "BOOK[/PLAN]": booksAndPlans,
}

func from(p *cli.Program, of values) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		c, err := p.Config()
		if err != nil {
			c = config.Default() // by which the built-in books are known
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completing)
		defer cancel()
		fit := slices.DeleteFunc(of(ctx, c), func(v string) bool { return !strings.HasPrefix(v, begun) })
		return fit, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// months are those of state store and ledger, the newest first.
func months(ctx context.Context, c *config.Config) []string {
	found := map[events.Month]bool{}
	if bucket, err := State(ctx, c); err == nil {
		begun, _ := checkpoint.Begun(ctx, bucket, c.Kafka.Topic)
		for _, m := range begun {
			found[m] = true
		}
	}
	if l, err := Ledger(ctx, c, slog.New(slog.DiscardHandler), ledger.OpenReadOnly); err == nil {
		defer l.Close()
		closed, _ := l.Months(ctx)
		for _, m := range closed {
			found[m.Month] = true
		}
	}
	var all []string
	for _, m := range slices.Backward(slices.Sorted(maps.Keys(found))) {
		all = append(all, m.String())
	}
	return all
}

func accounts(_ context.Context, c *config.Config) []string {
	if a := accountsOf(c); a != nil {
		return a.IDs()
	}
	return nil
}

func apps(_ context.Context, c *config.Config) []string {
	if a := accountsOf(c); a != nil {
		return a.Apps()
	}
	return nil
}

// accountsOf are the accounts; nil: they cannot be read.
func accountsOf(c *config.Config) *rating.Accounts {
	books, err := Catalog(c)
	if err != nil {
		return nil
	}
	a, err := Accounts(c, books)
	if err != nil {
		return nil
	}
	return a
}

func reporters(_ context.Context, c *config.Config) (all []string) {
	for i := range c.Reporters {
		all = append(all, c.Reporters[i].ID)
	}
	slices.Sort(all)
	return all
}

// meters are those that reporters name, and all of the books.
func meters(_ context.Context, c *config.Config) (all []string) {
	for i := range c.Reporters {
		for _, m := range c.Reporters[i].Meters {
			if !strings.Contains(m, "*") {
				all = append(all, m)
			}
		}
	}
	for _, b := range described(c) {
		for _, plan := range b.Plans {
			for _, m := range plan.Meters {
				all = append(all, m.Meter)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func plans(_ context.Context, c *config.Config) (all []string) {
	for _, b := range described(c) {
		for _, plan := range b.Plans {
			all = append(all, plan.Plan)
		}
	}
	return all
}

func booksAndPlans(ctx context.Context, c *config.Config) (all []string) {
	for _, b := range described(c) {
		all = append(all, b.Book)
	}
	return append(all, plans(ctx, c)...)
}

func described(c *config.Config) []rating.BookInfo {
	books, err := Catalog(c)
	if err != nil {
		return nil
	}
	return books.Describe()
}
