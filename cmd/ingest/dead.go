package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/events/decode"
	"headcount/events/stream"
	"headcount/ingest/dead"
	"headcount/internal/visible"
)

func deadCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "dead", Short: "dead letters: records that were not counted, and why", Args: cli.NoArgs,
		Long: "Dead letters lie in the topic of events' name with .dead behind it, each with its reason and the place of its record. They hold ids of\n" +
			"devices, as the log does.",
		Example: "  ingest dead list\n  ingest dead show --reason placeholder\n  ingest dead replay --dry-run",
	}
	cmd.AddCommand(deadListCommand(p), deadShowCommand(p), deadReplayCommand(p))
	return cmd
}

// deadFlags choose letters.
type deadFlags struct{ reason, app, since, until string }

func (f *deadFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.reason, "reason", "", "those whose reason has this `TEXT`")
	cmd.Flags().StringVar(&f.app, "app", "", "those of this `APP`")
	cmd.Flags().StringVar(&f.since, "since", "", "those whose record is of this `TIME` or later, as in 2026-10-03 or 2026-10-03T08:00:00Z")
	cmd.Flags().StringVar(&f.until, "until", "", "those whose record is of before this `TIME`")
}

func (f *deadFlags) filter() (dead.Filter, error) {
	d := dead.Filter{Reason: f.reason, App: f.app}
	for _, x := range []struct {
		flag, text string
		to         *time.Time
	}{{"since", f.since, &d.Since}, {"until", f.until, &d.Until}} {
		if x.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, x.text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, x.text)
		}
		if err != nil {
			return d, cli.Fail(cli.Usage, "--%s %s: want a day or a time, as in 2026-10-03 or 2026-10-03T08:00:00Z", x.flag, x.text)
		}
		*x.to = at
	}
	return d, nil
}

// cemetery is what commands about dead letters need open.
type cemetery struct {
	letters, events *site.Connection
	topic           string
	rules           events.Rulebook // in force: of the months that have any, else what the configuration says
	apps            dead.Apps
}

func openCemetery(ctx context.Context, p *cli.Program, c *config.Config) (*cemetery, error) {
	keys, err := site.Keys(c)
	if err != nil {
		return nil, err
	}
	template, err := site.Template(c, keys)
	if err != nil {
		return nil, err
	}
	m := &cemetery{topic: c.Kafka.Topic}
	if m.events, err = site.Connect(ctx, c, p.Log); err != nil {
		return nil, err
	}
	if m.rules, err = rulesInForce(ctx, p, c, m.events, template); err != nil {
		m.events.Close()
		return nil, err
	}
	m.apps.Decoder = decode.NewDecoder(m.rules)
	m.letters, err = site.Connect(ctx, c, p.Log, func(s *stream.Config) { s.Topic, s.Group, s.Instance = stream.DeadTopic(s.Topic), "", "" })
	if err != nil {
		m.events.Close()
		return nil, err
	}
	return m, nil
}

func (m *cemetery) close() { m.letters.Close(); m.events.Close() }

// read hands on the letters that a filter chooses, with the apps that they are about.
func (m *cemetery) read(ctx context.Context, p *cli.Program, f dead.Filter, each func(*dead.Letter, string) error) error {
	others, err := dead.Read(ctx, m.letters.Log, m.topic, func(l *dead.Letter) error {
		if app := m.apps.Of(l); f.Chooses(l, app) {
			return each(l, app)
		}
		return nil
	})
	if errors.Is(err, stream.ErrNoTopic) {
		return cli.Fail(cli.Usage, "there is no topic %s: `ingest init` makes it", stream.DeadTopic(m.topic))
	}
	if others > 0 {
		p.Log.Warn("records that are no dead letters about the topic are left out", "topic", stream.DeadTopic(m.topic), "records", others)
	}
	return err
}

func deadListCommand(p *cli.Program) *cobra.Command {
	var f deadFlags
	cmd := &cobra.Command{
		Use: "list", Short: "how many, by reason and app", Args: cli.NoArgs,
		Example: "  ingest dead list\n  ingest dead list --app app-001 --since 2026-10-01 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter()
			if err != nil {
				return err
			}
			var sum dead.Summary
			if err := eachLetter(cmd.Context(), p, filter, func(_ *cemetery, l *dead.Letter, app string) error { sum.Add(l, app); return nil }); err != nil {
				return err
			}
			heaps := sum.Heaps()
			if p.JSON {
				return p.PrintJSON(map[string]any{"items": append([]*dead.Heap{}, heaps...)})
			}
			if len(heaps) == 0 {
				_, err := fmt.Fprintln(p.Out, "no dead letters")
				return err
			}
			w := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "RECORDS\tAPP\tREASON\tNEWEST\tAT")
			for _, h := range heaps {
				fmt.Fprintf(w, "%d\t%s\t%s\t%d:%d\t%s\n", h.Records, orDash(visible.Text(h.App)), visible.Text(string(h.Reason)), h.Partition, h.Offset, h.Last.Format(time.RFC3339))
			}
			return w.Flush()
		},
	}
	f.add(cmd)
	return cmd
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// eachLetter does something for each letter that is chosen.
func eachLetter(ctx context.Context, p *cli.Program, f dead.Filter, each func(*cemetery, *dead.Letter, string) error) error {
	c, err := p.Config()
	if err != nil {
		return err
	}
	m, err := openCemetery(ctx, p, c)
	if err != nil {
		return err
	}
	defer m.close()
	return m.read(ctx, p, f, func(l *dead.Letter, app string) error { return each(m, l, app) })
}

// deadItem is a letter as it is shown.
type deadItem struct {
	Reason    events.Reason     `json:"reason"`
	App       string            `json:"app"`
	Partition events.Partition  `json:"partition"`
	Offset    events.Offset     `json:"offset"`
	Last      events.Offset     `json:"last_offset"`
	Time      time.Time         `json:"time"`
	Key       string            `json:"key"`
	Value     string            `json:"value"`
	Base64    bool              `json:"base64"` // key and value are, since one of them is no text
	Cut       int64             `json:"cut_from_bytes"`
	Headers   map[string]string `json:"headers"`
}

var errEnough = errors.New("enough were shown")

func deadShowCommand(p *cli.Program) *cobra.Command {
	var f deadFlags
	limit := 0
	cmd := &cobra.Command{
		Use: "show", Short: "dead letters as they are", Args: cli.NoArgs,
		Example: "  ingest dead show --reason placeholder\n  ingest dead show --app app-001 --limit 3 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter()
			if err != nil {
				return err
			}
			items := []deadItem{}
			err = eachLetter(cmd.Context(), p, filter, func(_ *cemetery, l *dead.Letter, app string) error {
				items = append(items, itemOf(l, app))
				if len(items) == limit {
					return errEnough
				}
				return nil
			})
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
			if p.JSON {
				return p.PrintJSON(map[string]any{"items": items})
			}
			for _, it := range items {
				fmt.Fprintf(p.Out, "%d:%d  %s  %s\n", it.Partition, it.Offset, it.Time.Format(time.RFC3339), visible.Text(string(it.Reason)))
				for _, name := range slices.Sorted(maps.Keys(it.Headers)) {
					fmt.Fprintf(p.Out, "  %s: %s\n", visible.Text(name), visible.Text(it.Headers[name]))
				}
				if _, err := fmt.Fprintf(p.Out, "  %s\n", visible.Text(it.Value)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().IntVar(&limit, "limit", 20, "`NUMBER` that are shown at most (0: all)")
	return cmd
}

func itemOf(l *dead.Letter, app string) deadItem {
	it := deadItem{Reason: l.Reason, App: app, Partition: l.Partition, Offset: l.Offset, Last: l.Last, Time: l.Time, Cut: l.Whole, Headers: map[string]string{}}
	it.Key, it.Value = string(l.Key), string(l.Value)
	if it.Base64 = !utf8.ValidString(it.Key) || !utf8.ValidString(it.Value); it.Base64 {
		it.Key, it.Value = base64.StdEncoding.EncodeToString(l.Key), base64.StdEncoding.EncodeToString(l.Value)
	}
	for _, h := range l.Headers {
		it.Headers[h.Key] = string(h.Value)
	}
	return it
}

func deadReplayCommand(p *cli.Program) *cobra.Command {
	var f deadFlags
	dryRun, noDoor := false, false
	cmd := &cobra.Command{
		Use: "replay", Short: "send again what would count by the rules of today", Args: cli.NoArgs,
		Long: "Reads the records of dead letters, from the log where they still are, and sends those again that would count now, by the\n" +
			"rules of their months: those that are fixed, else what the configuration says. What had no time has that of its record, so that it counts in its month,\n" +
			"or as late. Replayed twice, devices count once.",
		Example: "  ingest dead replay --dry-run\n  ingest dead replay --reason \"its sender's key\" --app app-001 --despite-door",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter()
			if err != nil {
				return err
			}
			var to dead.Replayed
			var replay *dead.Replay
			ctx := cmd.Context()
			err = eachLetter(ctx, p, filter, func(m *cemetery, l *dead.Letter, _ string) error {
				if replay == nil {
					replay = &dead.Replay{Log: m.events.Log, Decoder: decode.NewDecoder(m.rules), NoDoor: noDoor, DryRun: dryRun, Now: time.Now,
						Plain: m.rules.TopicRules().Fields.Resolved() == events.CloudEventsFields}
				}
				return replay.Add(ctx, l, &to)
			})
			if err != nil {
				return err
			}
			return printReplayed(p, &to, dryRun)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "send nothing, and say what would be")
	cmd.Flags().BoolVar(&noDoor, "despite-door", false, "also what the door refused by what only it knew: that a sender's key was for another app")
	return cmd
}

func printReplayed(p *cli.Program, r *dead.Replayed, dryRun bool) error {
	if p.JSON {
		return p.PrintJSON(r)
	}
	verb := "sent again"
	if dryRun {
		verb = "would be sent again"
	}
	fmt.Fprintf(p.Out, "%d records %s\n", r.Sent, verb)
	for _, reason := range slices.Sorted(maps.Keys(r.Dead)) {
		fmt.Fprintf(p.Out, "%d would be dead letters still: %s\n", r.Dead[reason], reason)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(p.Out, "%d are of types that are not counted\n", r.Unknown)
	}
	if r.Gone > 0 {
		fmt.Fprintf(p.Out, "%d are nowhere whole any more\n", r.Gone)
	}
	return nil
}
