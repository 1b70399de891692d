package usage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"headcount/events"
	"headcount/rating"
)

// NotBilled is something that a month does not bill, or that wants a look before it is billed.
type NotBilled struct {
	Cause   Cause  `json:"cause"`
	App     string `json:"app,omitempty"`     // empty: none could be read, or it is of an account
	Account string `json:"account,omitempty"` // empty: nobody is billed for the app
	Name    string `json:"name,omitempty"`    // the reason, type, clock, month or plan; empty: there is none
	Count   uint64 `json:"count"`             // records; of the last two causes devices; of Silent the events of the month before
	Of      uint64 `json:"of,omitempty"`      // as many as there are in all, or were in the month before; of WrongClocks 0: they may count in any month
	Held    bool   `json:"held,omitempty"`    // it holds invoices
	Text    string `json:"text"`
}

// Cause says why something is not billed.
type Cause string

// Causes, in the order in which they are listed.
const (
	RejectedRecords Cause = "rejected"     // dead letters
	OverALimit      Cause = "over_limit"   // of those, past a limit
	Quantities      Cause = "quantities"   // of those, reports of quantities
	UnknownTypes    Cause = "unknown"      // events of types that are not counted
	WrongClocks     Cause = "skewed"       // events that count at their record's time
	FinishedMonths  Cause = "expired"      // events of finished months
	OlderMonths     Cause = "before_books" // events of months before the books
	NoAccount       Cause = "no_account"   // an app that no account names
	NotInForce      Cause = "not_in_force" // an app whose accounts are none in force: their plan has run out, or begins later
	Silent          Cause = "silent"       // an account whose apps sent nothing, and did in the month before
	Halved          Cause = "halved"       // an app with a part of the month before's devices
	Doubled         Cause = "doubled"      // an app with a multiple of them
)

var causeOrder = []Cause{RejectedRecords, OverALimit, Quantities, UnknownTypes, WrongClocks, FinishedMonths, OlderMonths, NoAccount, NotInForce, Silent, Halved, Doubled}

// MostNotBilled is how many a document lists: those that hold invoices first, then those of the most records.
const MostNotBilled = 1000

// Review is by what a month's usage is looked at.
type Review struct {
	Limits   Limits
	Catalog  *rating.Catalog
	Accounts *rating.Accounts
	Former   map[string]FormerApp // of the month before, by app; nil: it is not known
	Over     bool                 // the month is: what it has not, it will not have
}

// FormerApp is what an app had in the month before.
type FormerApp struct {
	Events  uint64
	Devices uint64
}

// Devices is how many devices an app had in the month, whatever they did.
func (a *App) Devices() (n uint64) {
	for _, d := range a.Daily {
		n += d.New
	}
	return n
}

// Look lists what the document does not bill, or what wants a look before it is billed. It is to be called before Aggregate.
func (d *Document) Look(by Review) error {
	zone, err := events.LoadZone(d.TimeZone)
	if err != nil {
		return err
	}
	r := reviewer{Document: d, Review: by, zone: zone, account: map[string]string{}}
	r.nameless()
	for i := range d.Usage {
		r.app(&d.Usage[i])
	}
	r.gone()
	d.NotBilled, d.NotBilledMore = r.found, 0
	if more := len(r.found) - MostNotBilled; more > 0 {
		slices.SortStableFunc(r.found, func(a, b NotBilled) int {
			if a.Held != b.Held {
				if a.Held {
					return -1
				}
				return 1
			}
			return cmp.Compare(b.Count, a.Count)
		})
		d.NotBilled, d.NotBilledMore = r.found[:MostNotBilled], more
	}
	slices.SortFunc(d.NotBilled, func(a, b NotBilled) int {
		return cmp.Or(cmp.Compare(slices.Index(causeOrder, a.Cause), slices.Index(causeOrder, b.Cause)), cmp.Compare(a.App, b.App),
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
	})
	return nil
}

type reviewer struct {
	*Document
	Review
	zone    *time.Location
	account map[string]string // by app that the usage has
	found   []NotBilled
}

func (r *reviewer) add(n NotBilled, format string, args ...any) {
	n.Text = fmt.Sprintf(format, args...)
	switch {
	case n.App != "":
		n.Text = "app " + n.App + ": " + n.Text
	case n.Account != "":
		n.Text = "account " + n.Account + ": " + n.Text
	}
	r.found = append(r.found, n)
}

// nameless looks at what no app could be read of.
func (r *reviewer) nameless() {
	whole := r.Rejected
	for i := range r.Usage {
		whole += r.Usage[i].Events + r.Usage[i].Expired + r.Usage[i].Rejected
	}
	r.uncounted(NotBilled{}, &r.Uncounted, whole, whole, r.Limits.Passed(r.Limits.RejectLimit, r.Rejected, whole), false, false)
}

func (r *reviewer) app(a *App) {
	at := NotBilled{App: a.App}
	if a.Account != nil {
		at.Account = *a.Account
	}
	r.account[a.App] = at.Account
	billed := at.Account != "" // else there is nothing to hold
	l := &r.Limits
	records := a.Events + a.Expired + a.Rejected
	odd := billed && l.Passed(l.SkewLimit, a.Skewed+a.Expired, a.Events+a.Expired)
	r.uncounted(at, &a.Uncounted, records, a.Events+a.Expired, billed && l.Passed(l.RejectLimit, a.Rejected, records), billed && a.overLimit > 0, odd)
	if !billed {
		r.unbilled(at, a)
	}
	r.changed(at, a)
}

// uncounted lists what is not in the facts. Records are all that were of the app, events those with a month; rejected, full and odd say whether
// dead letters, those that found no room, and wrong clocks and finished months hold invoices.
func (r *reviewer) uncounted(at NotBilled, u *Uncounted, records, events uint64, rejected, full, odd bool) {
	l, billed := &r.Limits, at.Account != ""
	for _, x := range u.RejectedFor {
		n := at
		n.Cause, n.Name, n.Count, n.Of, n.Held = RejectedRecords, x.Reason, x.Records, records, rejected
		switch {
		case isOverLimit(x.Reason):
			n.Cause, n.Held = OverALimit, rejected || full && !isFarOff(x.Reason)
		case isOfQuantity(x.Reason):
			n.Cause = Quantities
		}
		r.add(n, "%d of %d records were rejected: %s", x.Records, records, x.Reason)
	}
	unknown := u.Unknowns()
	for _, x := range u.Unknown {
		n := at
		n.Cause, n.Name, n.Count, n.Of = UnknownTypes, x.Type, x.Events, records+unknown
		n.Held = billed && l.Passed(l.UnknownLimit, unknown, records+unknown)
		r.add(n, "%d of %d records were of a type that is not counted: %s", x.Events, n.Of, x.Type)
	}
	for _, x := range u.SkewedFor {
		n := at
		n.Cause, n.Name, n.Count, n.Held = WrongClocks, x.Clock, x.Events, odd
		r.add(n, "%d events had a wrong device clock (%s) and count in the month of their record", x.Events, x.Clock)
	}
	for _, x := range u.ExpiredOf {
		n := at
		n.Cause, n.Name, n.Count, n.Of, n.Held = FinishedMonths, x.Month, x.Events, events, odd
		r.add(n, "%d of %d events were of %s, which is finished%s", x.Events, events, x.Month, r.yearOff(x.Month))
	}
	before := uint64(0)
	for _, x := range u.BeforeBooksOf {
		before += x.Events
	}
	far := billed && l.Passed(l.FarLimit, u.far(r.Month), events+before)
	for _, x := range u.BeforeBooksOf {
		n := at
		n.Cause, n.Name, n.Count, n.Of = OlderMonths, x.Month, x.Events, events+before
		n.Held = far && r.farOff(x.Month)
		r.add(n, "%d of %d events were of %s, before the books%s", x.Events, n.Of, x.Month, r.yearOff(x.Month))
	}
}

func (r *reviewer) farOff(month string) bool {
	m, err := events.ParseMonth(month)
	return err == nil && r.Month-m >= FarMonths
}

// yearOff says what makes events of the very month a year before.
func (r *reviewer) yearOff(month string) string {
	if m, err := events.ParseMonth(month); err == nil && m == r.Month-12 && (m.Calendar() == time.January || m.Calendar() == time.December) {
		return ", a year off: a week's year (YYYY) in place of the calendar's (yyyy)?"
	}
	return ""
}

// unbilled says why nobody is billed for an app.
func (r *reviewer) unbilled(at NotBilled, a *App) {
	if a.Events == 0 {
		return
	}
	at.Count = a.Events
	all := r.Accounts.Unserved(r.Catalog, r.Month, r.zone, a.App)
	if len(all) == 0 {
		at.Cause = NoAccount
		r.add(at, "it is in no account: %d events of %d devices are billed to nobody", a.Events, a.Devices())
		return
	}
	for _, u := range all {
		at.Cause, at.Name = NotInForce, u.Plan
		why := "is not in force yet: it begins on " + u.From.Format(time.DateOnly)
		if u.Ended(r.Month, r.zone) {
			why = "has run out: it ended on " + u.Until.Format(time.DateOnly)
		} else if !u.From.After(r.monthStart()) {
			why = "is not in force in the month"
		}
		r.add(at, "%s of account %s %s: %d events of %d devices are billed to nobody", u.Plan, u.Account, why, a.Events, a.Devices())
	}
}

func (r *reviewer) monthStart() time.Time {
	from, _ := r.Month.Span(r.zone)
	return from
}

// changed compares an app's devices with those of the month before.
func (r *reviewer) changed(at NotBilled, a *App) {
	r.compare(at, a.Devices(), r.Former[a.App].Devices)
}

func (r *reviewer) compare(at NotBilled, is, was uint64) {
	times := r.Limits.DeviceJump
	if times < 2 || max(is, was) < r.Limits.HoldLeast || was == 0 {
		return
	}
	at.Count, at.Of = is, was
	switch {
	case is/times >= was:
		at.Cause = Doubled
	case r.Over && is <= was/times:
		at.Cause = Halved
	default:
		return
	}
	r.add(at, "it has %d devices, in the month before %d", is, was)
}

// gone lists the apps that are not in the usage and were in the month before, and the accounts in force whose apps sent nothing, and did
// then.
func (r *reviewer) gone() {
	sends, sent := map[string]uint64{}, map[string]uint64{}
	for i := range r.Usage {
		sends[r.account[r.Usage[i].App]] += r.Usage[i].Events
	}
	for app, was := range r.Former {
		account, there := r.account[app]
		if !there {
			account, _, _ = r.Accounts.MetersOf(r.Catalog, r.Month, r.zone, app)
			r.compare(NotBilled{App: app, Account: account}, 0, was.Devices)
		}
		sent[account] += was.Events
	}
	so := " so far"
	if r.Over {
		so = ""
	}
	for account, was := range sent {
		if account != "" && was > 0 && sends[account] == 0 {
			r.add(NotBilled{Cause: Silent, Account: account, Count: was}, "its apps sent nothing this month%s, and %d events in the month before", so, was)
		}
	}
}

// isFarOff says whether a dead letter over a limit was of a month too far off: its reason names the year, and it alone holds nothing.
func isFarOff(reason string) bool { return isOverLimit(reason) && reason != string(events.OverLimit) }

func isOverLimit(reason string) bool { return strings.HasPrefix(reason, string(events.OverLimit)) }

// isOfQuantity says whether a dead letter's reason is one of reports alone.
func isOfQuantity(reason string) bool {
	switch events.Reason(reason) {
	case events.BadMonth, events.FutureMonth, events.BadDay, events.BadMeter, events.BadSource, events.BadValue, events.BadRevision, events.Unsigned,
		events.BadSignature, events.UnknownReporter, events.NotItsMeter, events.NotItsApp, events.WrongSignature, events.MixedTotals:
		return true
	}
	return false
}
