// Package report signs a quantity as its reporter and sends it to the log, if the rules of its month would take it.
package report

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strconv"
	"time"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/signed"
	"headcount/events/stream"
)

// Report is a quantity: what a meter of an app came to in a month, or on a day of it, by its reporter's count.
type Report struct {
	Reporter string
	App      string
	Meter    string
	Month    events.Month
	Day      events.Day // 0: of the month as a whole
	Value    int64      // of a counter the running total; ≥ 0
	Revision int64      // of several the highest stands, then the highest value
}

// Sender puts records on the log in order, durable when it returns.
type Sender interface {
	Produce(ctx context.Context, messages []stream.Message) error
}

// RefusedError says why the rules would not take a report. Nothing was sent.
type RefusedError struct {
	Report Report
	Reason events.Reason
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: the rules of %s would not take it: %s", &e.Report, e.Report.Month, e.Reason)
}

func (r *Report) String() string {
	when := "in"
	if r.Day != 0 {
		when = "on"
	}
	text := fmt.Sprintf("%d of %s for %s %s %s by %s", r.Value, r.Meter, r.App, when, r.period(), r.Reporter)
	if r.Revision != 0 {
		text += fmt.Sprintf(", revision %d", r.Revision)
	}
	return text
}

// period is the day where there is one, else the month.
func (r *Report) period() string {
	if r.Day == 0 {
		return r.Month.String()
	}
	return fmt.Sprintf("%s-%02d", r.Month, r.Day)
}

func (r *Report) signed() *signed.Report {
	s := &signed.Report{App: r.App, Meter: r.Meter, Month: r.Month.String(), Source: r.Reporter, Value: strconv.FormatInt(r.Value, 10)}
	if r.Day != 0 {
		s.Day = r.period()
	}
	if r.Revision != 0 {
		s.Revision = strconv.FormatInt(r.Revision, 10)
	}
	return s
}

// Send signs a report with the reporter's key and sends it. It returns a *RefusedError where the rules in the book would not take it as
// of now; else what the book or the log fails with. All of a reporter's reports go to one partition, which so sees whether it mixes
// totals of a month with days.
func Send(ctx context.Context, log Sender, book events.Rulebook, key ed25519.PrivateKey, r Report, now time.Time) error {
	rules, err := book.Foreseen(r.Month)
	if err != nil {
		return err
	}
	if rules == nil {
		return &RefusedError{r, events.UnknownReporter}
	}
	report := r.signed()
	value := report.Event(report.Sign(rules.SealKey, key))
	var e events.Event
	if err := decode.NewDecoder(book).Decode(&events.Record{Timestamp: now.UnixMilli(), Value: value}, &e); err != nil {
		return err
	}
	if e.Outcome != events.Reported {
		return &RefusedError{r, e.Reason}
	}
	return log.Produce(ctx, []stream.Message{{Partition: -1, Key: []byte(r.Reporter), Value: value, Time: now}})
}
