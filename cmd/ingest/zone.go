package main

import (
	"fmt"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/events"
	"headcount/events/stream"
	"headcount/internal/zoneinfo"
)

// warnOfSign warns of a zone whose name says the other way round what people mean by it.
func warnOfSign(p *cli.Program, c *config.Config) {
	if hint := zoneinfo.SignHint(c.Billing.TimeZone); hint != "" {
		p.Log.Warn("billing.time_zone: " + hint)
	}
}

// checkZone holds the billing zone against what this host thinks of it, from where the books open, else a year ago, for ten years.
func checkZone(c *config.Config, now time.Time) []stream.Finding {
	name, zone := c.Billing.TimeZone, c.Zone()
	f := stream.Finding{Check: "time zone", Verdict: stream.Pass, Detail: fmt.Sprintf("%s, by tz database %s", name, events.Zoneinfo().Release())}
	found := []stream.Finding{f}
	if hint := zoneinfo.SignHint(name); hint != "" {
		found = append(found, stream.Finding{Check: "time zone", Verdict: stream.Warn, Detail: hint})
	}
	theirs, release := zoneinfo.Host(name)
	if theirs == nil {
		return found
	}
	host := "this host's"
	if release != "" {
		host += " (" + release + ")"
	}
	from := now.AddDate(-1, 0, 0)
	if m := events.Month(c.Billing.From); m != 0 {
		from = time.Unix(events.DayStart(zone, m.Year(), m.Calendar(), 1), 0)
	}
	at, same := zoneinfo.Differ(zone, theirs, from, now.AddDate(10, 0, 0))
	if same {
		found[0].Detail += ", as " + host
		return found
	}
	found[0].Verdict = stream.Warn
	found[0].Detail += fmt.Sprintf("; by %s it differs from %s on: %s here, %s there", host, at.UTC().Format(time.RFC3339), at.In(zone).Format("-07:00"), at.In(theirs).Format("-07:00"))
	found[0].Remedy = "months begin by ours: bring the older of the two up to date, the host's tzdata package or this program, or name newer data with billing.zoneinfo"
	return found
}
