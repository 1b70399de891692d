package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/counter/checkpoint/object"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/internal/visible"
	"headcount/rating"
	"headcount/rating/ledger"
)

func checkCommand(p *cli.Program) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "preflight: broker, topic, permissions, state, ledger, key, catalog; a line each", Args: cli.NoArgs,
		Example: "  ingest check",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			found := check(cmd.Context(), p, c)
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			failed := 0
			for _, f := range found {
				if f.Verdict == stream.Fail {
					failed++
				}
			}
			if p.JSON {
				err = p.PrintJSON(map[string]any{"checks": found})
			} else {
				err = printFindings(p, found)
			}
			if err == nil && failed > 0 {
				code := cli.CheckFailed
				if found[len(found)-1].Check == "broker" { // nothing after it could be looked at
					code = cli.Unreachable
				}
				err = cli.Fail(code, "%d of %d checks failed", failed, len(found))
			}
			return err
		},
	}
}

func printFindings(p *cli.Program, found []stream.Finding) error {
	for _, f := range found {
		line := fmt.Sprintf("%-4s  %-22s %s", f.Verdict, f.Check, f.Detail)
		if f.Verdict != stream.Pass && f.Remedy != "" {
			line += "; " + f.Remedy
		}
		if _, err := fmt.Fprintln(p.Out, line); err != nil {
			return err
		}
	}
	return nil
}

func check(ctx context.Context, p *cli.Program, c *config.Config) []stream.Finding {
	found := []stream.Finding{{Check: "config", Verdict: stream.Pass, Detail: c.File}}
	if fields, mode := c.OpenSecrets(); len(fields) > 0 {
		found[0] = stream.Finding{Check: "config", Verdict: stream.Warn, Detail: fmt.Sprintf("%s has mode %04o, and a password in %s: others can read it", c.File, mode, strings.Join(fields, " and ")),
			Remedy: "run chmod 600 " + c.File + ", or write the password into a file of its own (ledger_password_file)"}
	}
	add := func(name, detail string, err error) bool {
		f := stream.Finding{Check: name, Verdict: stream.Pass, Detail: detail}
		if err != nil {
			f.Verdict, f.Detail = stream.Fail, site.FailureOf(err).Error()
		}
		found = append(found, f)
		return err == nil
	}
	found = append(found, checkZone(c, time.Now())...)
	keys, err := site.Keys(c)
	if add("GUID key", detail(err, func() string { return "newest is " + keys.Newest().ID() }), err) {
		if _, err = site.SealPublicKey(c); add("seal public key", c.SealPublicKeyFile, err) {
			if _, err = site.Template(c, keys); err != nil {
				add("events", "", err)
			}
		}
	}
	if _, err := site.SealKey(c); err != nil {
		found = append(found, stream.Finding{Check: "seal key", Verdict: stream.Warn, Detail: err.Error(), Remedy: "only the host that closes months needs it"})
	} else {
		add("seal key", c.SealKeyFile, nil)
	}
	catalog, err := site.Catalog(c)
	add("catalog", detail(err, func() string { return fmt.Sprintf("%d plans", len(catalog.Plans())) }), err)
	var apps []string
	if err == nil {
		var accounts *rating.Accounts
		accounts, err = site.Accounts(c, catalog)
		if add("accounts", c.Accounts, err) {
			apps = accounts.Apps()
		}
	}
	bucket, stateErr := site.State(ctx, c)
	if stateErr == nil {
		_, stateErr = bucket.List(ctx, "")
	}
	if stateErr == nil {
		stateErr = errors.Join(writable(c.State.Reveal()), site.Probe(ctx, bucket))
	}
	add("state", c.State.String(), stateErr)
	found = append(found, checkSpace(c)...)
	found = append(found, checkLedger(ctx, c, &apps)...)
	found = append(found, lookAlikes(apps)...)

	how, exposed := site.Secured(c)
	add("connection", how, nil)
	if exposed {
		found[len(found)-1] = stream.Finding{Check: "connection", Verdict: stream.Warn, Detail: how + ": the password goes over the line as it is", Remedy: "use SCRAM-SHA-512, or kafka.tls"}
	}
	conn, err := site.Connect(ctx, c, p.Log)
	name := "broker"
	if _, theirs := errors.AsType[*site.StrangerError](err); theirs { // it can be reached
		name = "whose broker"
	}
	if !add(name, strings.Join(c.Kafka.Brokers, ", "), err) {
		return found
	}
	defer conn.Close()
	topic, err := conn.Topic(ctx, c)
	if err != nil { // else the log's own look at it says more
		add("topic", "", err)
		return found
	}
	found = append(found, conn.Check(ctx)...)
	if object.Is(c.State.Reveal()) {
		found = append(found, requests(c, len(topic.Partitions)))
	}
	found = append(found, checkMembers(ctx, c, conn)...)
	if keys != nil && stateErr == nil {
		if template, err := site.Template(c, keys); err == nil {
			state := checkpoint.OpenTopic(bucket, topic.Name, topic.ID)
			add("rules", "as configured", rulesAgree(ctx, state, site.Policy(c, template, keys)))
			found = append(found, checkBooks(ctx, c, state))
			found = append(found, checkWhole(ctx, c, state)...)
			_, err := worker.CheckSiblings(ctx, state, topic, false)
			add("former topics", "none with an open month", err)
		}
		add("ledger heads", "the ledger has all that the log's signed records say of it", checkHeads(ctx, c, conn, topic, bucket))
	}
	return found
}

// requestPrice is that of a million PUT or LIST requests in S3 Standard, us-east-1, in dollars.
const requestPrice = 5

// requests says what the checkpoints of a month cost in an object store.
func requests(c *config.Config, partitions int) stream.Finding {
	interval := time.Duration(c.Ingest.CheckpointInterval)
	n := checkpoint.RequestsFor(partitions, interval)
	dollars := func(n int64) string {
		return fmt.Sprintf("%.1f million requests, $%.2f", float64(n)/1e6, float64(n)/1e6*requestPrice)
	}
	return stream.Finding{Check: "state requests", Verdict: stream.Pass, Detail: fmt.Sprintf("a month of %d partitions with a checkpoint every %s: up to %s; up to %s where each has more than 128 KiB of new devices and facts (at $%d a million)",
		partitions, interval, dollars(n.Little), dollars(n.Much), requestPrice)}
}

// checkBooks looks where the books open: until the first close nothing else says which year it is.
func checkBooks(ctx context.Context, c *config.Config, state *checkpoint.Topic) stream.Finding {
	f := stream.Finding{Check: "books", Verdict: stream.Pass}
	if from := events.Month(c.Billing.From); from != 0 {
		f.Detail = "open with " + from.String()
		return f
	}
	sealed, err := state.NewestSealed(ctx)
	switch {
	case err != nil:
		f.Verdict, f.Detail = stream.Fail, err.Error()
	case sealed == 0:
		f.Verdict, f.Detail = stream.Warn, "billing.from is not set: until the first close any month is counted, of whatever clock"
		f.Remedy = "set it to the first month that is billed; where counting has begun, `ingest recount` makes it hold"
	default:
		f.Detail = "open, " + sealed.String() + " is sealed"
	}
	return f
}

// rulesAgree compares without fixing anything.
func rulesAgree(ctx context.Context, state *checkpoint.Topic, policy worker.Policy) error {
	if _, err := state.Rules(ctx, nil); errors.Is(err, checkpoint.ErrNoRules) {
		return nil
	}
	return worker.CheckRules(ctx, state, policy)
}

// writable says whether this user may write in a state store on disk, or where its folder is to be made. It writes nothing.
func writable(url string) error {
	dir, ok := strings.CutPrefix(url, "file://")
	if !ok {
		return nil
	}
	dir = existing(dir)
	if err := mayWrite(dir); err != nil {
		return fmt.Errorf("this user must not write in %s (%w): give it the right to, or name another store", dir, err)
	}
	return nil
}

// lookAlikes warns of apps that a reader would take for one another.
func lookAlikes(apps []string) []stream.Finding {
	const shown = 5
	pairs, more := visible.Pairs(apps, shown)
	if len(pairs) == 0 {
		return nil
	}
	var text []string
	for _, p := range pairs {
		text = append(text, p.ID+" looks like "+p.Like)
	}
	if more > 0 {
		text = append(text, fmt.Sprintf("%d more", more))
	}
	return []stream.Finding{{Check: "apps", Verdict: stream.Warn, Detail: strings.Join(text, ", "), Remedy: "look into who sends them: events under an id that only looks like a customer's are not billed to it"}}
}

// checkHeads holds the ledger against what the log says of it.
func checkHeads(ctx context.Context, c *config.Config, conn *site.Connection, topic *stream.Topic, bucket checkpoint.Bucket) error {
	l, err := site.Ledger(ctx, c, slog.New(slog.DiscardHandler), ledger.OpenReadOnly)
	if errors.Is(err, ledger.ErrMissing) {
		return site.CheckPublished(ctx, c, conn, topic, bucket, nil)
	}
	if err != nil {
		return nil // said already
	}
	defer l.Close()
	return site.CheckPublished(ctx, c, conn, topic, bucket, l)
}

// checkLedger says whether the ledger can be read, has its guards, and as whom it is opened, and adds the apps of the last closed month to
// apps.
func checkLedger(ctx context.Context, c *config.Config, apps *[]string) []stream.Finding {
	if !c.HasLedger() {
		return []stream.Finding{{Check: "ledger", Verdict: stream.Pass, Detail: "none: this process only counts"}}
	}
	why := ""
	l, err := site.Ledger(ctx, c, slog.New(slog.DiscardHandler), func(ctx context.Context, url string) (*ledger.Ledger, error) {
		why = ledger.Unverified(url)
		return ledger.OpenReadOnly(ctx, url)
	})
	var rights ledger.Rights
	switch {
	case err == nil:
		defer l.Close()
		if err = l.Guards(ctx); err == nil {
			rights, err = l.Rights(ctx)
		}
		err = errors.Join(err, appsOf(ctx, l, apps))
	case errors.Is(err, ledger.ErrMissing):
		err = nil // the first close makes it
	}
	f := stream.Finding{Check: "ledger", Verdict: stream.Pass, Detail: c.Ledger.String()}
	if err != nil {
		f.Verdict, f.Detail = stream.Fail, site.FailureOf(err).Error()
	}
	found := []stream.Finding{f}
	if why != "" {
		found = append(found, stream.Finding{Check: "ledger connection", Verdict: stream.Warn, Detail: why, Remedy: site.UnverifiedRemedy})
	}
	if rights.User != "" {
		found = append(found, roleOf(rights))
	}
	return found
}

// roleOf says as whom the ledger is opened.
func roleOf(r ledger.Rights) stream.Finding {
	f := stream.Finding{Check: "ledger role", Verdict: stream.Pass, Detail: fmt.Sprintf("%s, as %s", r.User, r.Role)}
	if r.Role == ledger.Owner || r.Role == ledger.Superuser {
		f.Verdict, f.Remedy = stream.Warn, "it can switch off what keeps the ledger from being changed: close as a writer and read as a reader (deploy/postgres/roles.sql)"
	}
	return f
}

// appsOf adds the apps of the last closed month.
func appsOf(ctx context.Context, l *ledger.Ledger, apps *[]string) error {
	month, ok, err := l.LastClosed(ctx)
	if err != nil || !ok {
		return err
	}
	r, err := l.Result(ctx, month)
	for _, u := range r.Usage {
		*apps = append(*apps, u.App)
	}
	return err
}

func detail(err error, ok func() string) string {
	if err != nil {
		return ""
	}
	return ok()
}
