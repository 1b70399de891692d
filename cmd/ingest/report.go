package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/events/signed"
	"headcount/ingest/report"
)

// reportFlags are a report as it is typed.
type reportFlags struct {
	reporter, app, meter, day, value, revision, key string

	month func() (events.Month, error)
}

func reportCommand(p *cli.Program) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use: "report", Short: "sign and send a quantity that is not people, such as calls that a gateway counted", Args: cli.NoArgs,
		Long: "Signs what a meter of an app came to in a month, or on a day, and sends it. Who may report which meters for which apps is said by\n" +
			"`reporters:` in the configuration. A counter's value is the reporter's running total of the month, or of the day where --day is given;\n" +
			"a reporter gives one of the two for a meter, not both. Reported again, the highest revision counts, then the highest value: what was\n" +
			"wrong and too high is set right with a higher --revision.\n\n" +
			"The key is the reporter's private one, beside its key_file unless --key names it: gateway.key for gateway.pub. `ingest init` makes the\n" +
			"pair where the configuration names one that is not there. What the rules would not take is refused, and not sent.",
		Example: "  ingest report --reporter gateway --app app-001 --meter gateway_calls --day 2026-10-03 --value 4200\n" +
			"  ingest report --reporter gateway --app app-001 --meter gateway_calls --month 2026-10 --value 91000 --revision 1",
		RunE: func(cmd *cobra.Command, _ []string) error { return sendReport(cmd.Context(), p, &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.reporter, "reporter", "", "who reports, an `ID` of reporters: in the configuration")
	flags.StringVar(&f.app, "app", "", "the `APP` that it is about")
	flags.StringVar(&f.meter, "meter", "", "the `METER`, as price books call it")
	f.month = cli.MonthFlag(cmd, "the `MONTH` that the value is the total of, as in 2026-10")
	flags.StringVar(&f.day, "day", "", "the `DAY` that the value is the total of, as in 2026-10-03")
	flags.StringVar(&f.value, "value", "", "the `NUMBER`, a whole one")
	flags.StringVar(&f.revision, "revision", "", "`NUMBER` of the correction: of several reports the one with the highest counts (default 0)")
	flags.StringVar(&f.key, "key", "", "the reporter's private key `FILE`, Ed25519 as PKCS#8 PEM (default: beside its key_file, .key for .pub)")
	cli.Required(cmd, "reporter", "app", "meter", "value")
	cli.RequiredUnless(cmd, "month", "day")
	cli.RequiredUnless(cmd, "day", "month")
	return cmd
}

func sendReport(ctx context.Context, p *cli.Program, f *reportFlags) error {
	r, err := f.report()
	if err != nil {
		return err
	}
	c, err := p.Config()
	if err != nil {
		return err
	}
	key, err := f.privateKey(c)
	if err != nil {
		return err
	}
	signer, err := signed.LoadReporterKey(key)
	if errors.Is(err, fs.ErrNotExist) {
		return cli.Fail(cli.Usage, "private key file %s of reporter %s does not exist: name it with --key, or let `ingest init` make a pair where there is none", key, r.Reporter)
	}
	if err != nil {
		return cli.Fail(cli.Usage, "%w", err)
	}
	template, err := site.Template(c, nil)
	if err != nil {
		return err
	}
	conn, err := site.Connect(ctx, c, p.Log)
	if err != nil {
		return err
	}
	defer conn.Close()
	book, err := rulesInForce(ctx, p, c, conn, template)
	if err != nil {
		return err
	}
	err = report.Send(ctx, conn, book, signer, r, time.Now())
	if refused, ok := errors.AsType[*report.RefusedError](err); ok {
		return cli.Fail(cli.Usage, "%w%s; nothing was sent", err, remedyOf(refused, key))
	}
	if err != nil {
		return err
	}
	if p.JSON {
		return p.PrintJSON(map[string]any{"reporter": r.Reporter, "app": r.App, "meter": r.Meter, "month": r.Month, "day": r.Day, "value": strconv.FormatInt(r.Value, 10), "revision": r.Revision})
	}
	_, err = fmt.Fprintf(p.Out, "reported: %s\n", &r)
	return err
}

// report reads what was typed.
func (f *reportFlags) report() (r report.Report, err error) {
	for _, needed := range []struct{ flag, value string }{{"--reporter", f.reporter}, {"--app", f.app}, {"--meter", f.meter}, {"--value", f.value}} {
		if needed.value == "" {
			return r, cli.Fail(cli.Usage, "%s is missing", needed.flag)
		}
	}
	r = report.Report{Reporter: f.reporter, App: f.app, Meter: f.meter}
	if r.Month, err = f.month(); err != nil {
		return r, err
	}
	if (r.Month == 0) == (f.day == "") {
		return r, cli.Fail(cli.Usage, "give --month for the month's total, or --day for a day's, one of the two")
	}
	if f.day != "" {
		day, err := time.Parse(time.DateOnly, f.day)
		if err != nil {
			return r, cli.Fail(cli.Usage, "--day %q: write it as in 2026-10-03", f.day)
		}
		r.Month, r.Day = events.MonthOf(day.Year(), day.Month()), events.Day(day.Day())
	}
	if r.Value, err = strconv.ParseInt(f.value, 10, 64); err != nil || r.Value < 0 {
		return r, cli.Fail(cli.Usage, "--value %q: a whole number from 0 to 9223372036854775807", f.value)
	}
	if f.revision != "" {
		if r.Revision, err = strconv.ParseInt(f.revision, 10, 32); err != nil || r.Revision < 0 {
			return r, cli.Fail(cli.Usage, "--revision %q: a whole number from 0 to 2147483647", f.revision)
		}
	}
	return r, nil
}

// privateKey names the file of the reporter's key.
func (f *reportFlags) privateKey(c *config.Config) (string, error) {
	var known []string
	for i := range c.Reporters {
		if r := &c.Reporters[i]; r.ID == f.reporter {
			if f.key != "" {
				return f.key, nil
			}
			return r.PrivateKeyFile(), nil
		}
		known = append(known, c.Reporters[i].ID)
	}
	if len(known) == 0 {
		return "", cli.Fail(cli.Usage, "%s names no reporters: add reporters: [{id: %s, key_file: …, meters: […], apps: […]}]", c.File, f.reporter)
	}
	return "", cli.Fail(cli.Usage, "--reporter %s: %s names %s", f.reporter, c.File, strings.Join(known, ", "))
}

// remedyOf says what to do where rules refuse.
func remedyOf(e *report.RefusedError, key string) string {
	switch e.Reason {
	case events.WrongSignature:
		return fmt.Sprintf("; %s does not belong to the public key that they name", key)
	case events.UnknownReporter, events.NotItsMeter, events.NotItsApp:
		return "; reporters: of the configuration says who may, and holds from the next month that has no rules, or for the open one after `ingest recount`"
	}
	return ""
}
