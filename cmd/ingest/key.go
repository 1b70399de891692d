package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/ingest/collect/keyring"
)

func keyCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "keys by which senders are let in at `ingest collect`", Args: cli.NoArgs,
		Long: "A key is for the events of one app. Its text is printed once, when it is made; what is kept is a hash, in collect_keys_file. A collector\n" +
			"that runs sees a change within a second.",
		Example: "  ingest key create --app app-001 --name android\n  ingest key list",
	}
	cmd.AddCommand(keyCreateCommand(p), keyListCommand(p), keyRotateCommand(p), keyRevokeCommand(p))
	return cmd
}

func keyCreateCommand(p *cli.Program) *cobra.Command {
	var k keyring.Key
	cmd := &cobra.Command{
		Use: "create", Short: "make a key for an app's events, and print it once", Args: cli.NoArgs,
		Example: "  ingest key create --app app-001 --name android\n  ingest key create --app app-001 --name ios --rate 2000",
		RunE: func(*cobra.Command, []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			if !keyring.Plain(k.App) {
				return cli.Fail(cli.Usage, "--app %q: want an app's id, 1–64 bytes without control characters and spaces around", k.App)
			}
			if !keyring.Plain(k.Name) {
				return cli.Fail(cli.Usage, "--name %q: want 1–64 bytes without control characters and spaces around", k.Name)
			}
			if k.Rate < 0 {
				return cli.Fail(cli.Usage, "--rate %d: events a second, or 0 for no limit", k.Rate)
			}
			text, err := keyring.Create(c.CollectKeysFile, k, time.Now())
			if errors.Is(err, keyring.ErrTaken) {
				return cli.Fail(cli.Usage, "%w: choose another, or `ingest key rotate %s`", err, k.Name)
			}
			return printKey(p, text, err)
		},
	}
	cmd.Flags().StringVar(&k.App, "app", "", "the `APP` whose events it lets in: an event without an app is taken to be of it")
	cmd.Flags().StringVar(&k.Name, "name", "", "who has it, a `NAME`")
	cmd.Flags().IntVar(&k.Rate, "rate", 0, "`EVENTS` a second that it may send, with ten seconds' worth at once (0: no limit)")
	cli.Required(cmd, "app", "name")
	return cmd
}

func printKey(p *cli.Program, text string, err error) error {
	if err != nil {
		return err
	}
	if p.JSON {
		return p.PrintJSON(map[string]string{"key": text})
	}
	if _, err := fmt.Fprintln(p.Out, text); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Err, "it is shown this once: keep it where the sender reads it")
	return err
}

func keyListCommand(p *cli.Program) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the keys that were made", Args: cli.NoArgs,
		Example: "  ingest key list\n  ingest key list --json",
		RunE: func(*cobra.Command, []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			keys, err := keyring.Read(c.CollectKeysFile)
			if err != nil {
				return cli.Fail(cli.Usage, "%w", err)
			}
			if p.JSON {
				return p.PrintJSON(map[string]any{"items": keyItems(keys)})
			}
			w := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tAPP\tRATE\tCREATED\tSTATE")
			for _, k := range keyItems(keys) {
				rate := "–"
				if k.Rate > 0 {
					rate = fmt.Sprintf("%d/s", k.Rate)
				}
				state := k.State
				if k.State == "rotated" {
					state = "open until " + k.Until.Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.App, rate, k.Created.Format(time.RFC3339), state)
			}
			return w.Flush()
		},
	}
}

// keyItem is a key as it is listed.
type keyItem struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	App     string     `json:"app"`
	Rate    int        `json:"rate"` // events a second; 0: no limit
	Created time.Time  `json:"created"`
	Until   *time.Time `json:"until"`
	State   string     `json:"state"` // open, rotated (open until a time), ended
}

func keyItems(keys *keyring.Keys) []keyItem {
	items := []keyItem{}
	for _, k := range keys.All {
		state := "open"
		switch {
		case k.Ended(time.Now()):
			state = "ended"
		case k.Until != nil:
			state = "rotated"
		}
		items = append(items, keyItem{k.ID, k.Name, k.App, k.Rate, k.Created, k.Until, state})
	}
	return items
}

func keyRotateCommand(p *cli.Program) *cobra.Command {
	overlap := time.Duration(0)
	cmd := &cobra.Command{
		Use: "rotate NAME", Short: "make a key in the place of another, which opens for some time still", Args: cobra.ExactArgs(1),
		Example: "  ingest key rotate android\n  ingest key rotate android --overlap 72h",
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			if overlap < 0 {
				return cli.Fail(cli.Usage, "--overlap %v: must not be negative", overlap)
			}
			text, err := keyring.Rotate(c.CollectKeysFile, args[0], overlap, time.Now())
			return printKey(p, text, noSuchKey(err))
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "`TIME` for which the old key opens still")
	return cmd
}

func keyRevokeCommand(p *cli.Program) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "end a key, by name or id, at once", Args: cobra.ExactArgs(1),
		Example: "  ingest key revoke android",
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			if err := noSuchKey(keyring.Revoke(c.CollectKeysFile, args[0], time.Now())); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.Out, "%s opens nothing any longer\n", args[0])
			return err
		},
	}
}

func noSuchKey(err error) error {
	if errors.Is(err, keyring.ErrNoSuch) {
		return cli.Fail(cli.Usage, "%w: `ingest key list` has those that open", err)
	}
	return err
}
